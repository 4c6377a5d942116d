"""The udevd of the made-up host, which does one thing after the other: a test can look after each of its steps.

The steps and their order are those of systemd 252 or 257, for a device that comes, changes or goes:

    for step in host.adding(stick.main):
        ...  # `step` has just been done, the next one has not

What happens before `event` nobody announces. During `rules` and `RUN` nothing can be seen from outside, unless a test
does what a rule's program would do.
"""

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from tests.lab import sysfs
from tests.lab.links import Links
from tests.lab.records import FakeDevice

DATABASE = "/run/udev/data"

Version = Literal[252, 257]
Step = Literal["sysfs", "node", "entry begun", "rules", "mode", "links", "entry", "RUN", "entry ended", "event"]


def go_on(steps: Iterator[Step], until: Step) -> None:
    """Have the next steps done, up to this one. The rest can be done later."""
    assert any(step == until for step in steps), f"there is no step {until} to come"


def finish(steps: Iterator[Step]) -> None:
    """Have all other steps done."""
    for _ in steps:
        pass


@dataclass(frozen=True, slots=True)
class Entry:
    """What an entry of the database tells: of which device, and when udevd had finished with it for the first time."""

    device: FakeDevice
    moment: int


class FakeUdevd:
    """Makes links and entries, and tells; `tell` sends an event."""

    def __init__(self, tell: Callable[[str, FakeDevice], None]) -> None:
        self._tell = tell
        self._links = Links()
        self._moments = itertools.count(1_000_000)
        self._entries: dict[str, Entry] = {}
        self._latest: dict[str, int] = {}  # by devpath: the remove event tells it, too
        os.makedirs(DATABASE, exist_ok=True)

    def moment(self, device: FakeDevice) -> int:
        """USEC_INITIALIZED: since when it has known this device; what it has not seen is as old as the host."""
        return self._latest.get(device.devpath, 1)

    def see(self, device: FakeDevice) -> None:
        """The kernel has told of a new device."""
        self._latest[device.devpath] = next(self._moments)

    def adding(self, device: FakeDevice, version: Version, action: str, *, silent: bool = False) -> Iterator[Step]:
        """All that is done for a device that came or changed.

        An entry that a former device with this number left behind, as nobody saw it go, is taken for this one's: its
        moment stays, and its links go.
        """
        former = self._former(device)
        if version >= 256:
            before = former.device if former else replace(device, links=(), properties={}, tags=())
            self._write(before, former.moment if former else 0, is_in_process=True)
            yield "entry begun"
        yield "rules"
        self._set_mode(device)
        yield "mode"
        if former:
            self._links.release(former.device, keep=device.devlinks)
        self._links.claim(device)
        yield "links"
        if former:
            self._latest[device.devpath] = former.moment
        self._write(device, self.moment(device), is_in_process=version >= 256)
        yield "entry"
        yield "RUN"
        if version >= 256:
            self._write(device, self.moment(device))
            yield "entry ended"
        if not silent:
            self._tell(action, device)
        yield "event"

    def removing(self, device: FakeDevice, *, silent: bool = False) -> Iterator[Step]:
        """All that is done for a device that went. A link that another one claims as well now leads to that one."""
        self._entries.pop(device.database_name, None)
        if os.path.exists(f"{DATABASE}/{device.database_name}"):
            os.unlink(f"{DATABASE}/{device.database_name}")
        yield "entry"
        yield "rules"
        self._links.release(device)
        yield "links"
        yield "RUN"
        if not silent:
            self._tell("remove", device)
        yield "event"

    def _former(self, device: FakeDevice) -> Entry | None:
        """What the entry says that is there for a device's number."""
        name = device.database_name
        return self._entries.get(name) if os.path.exists(f"{DATABASE}/{name}") else None

    def _set_mode(self, device: FakeDevice) -> None:
        node = device.node
        if node and os.path.exists(node.path) and os.stat(node.path).st_mode & 0o7777 != node.mode:
            os.chmod(node.path, node.mode)

    def _write(self, device: FakeDevice, moment: int, *, is_in_process: bool = False) -> None:
        """In one step, by a rename. Without anything to say: an empty file, and none for what has no node."""
        name = device.database_name
        self._entries[name] = Entry(device, moment)
        text = _entry(device, moment, is_in_process=is_in_process)
        if text or device.node:
            sysfs.write(f"{DATABASE}/.#{name}", text)
            os.rename(f"{DATABASE}/.#{name}", f"{DATABASE}/{name}")
        elif os.path.exists(f"{DATABASE}/{name}"):
            os.unlink(f"{DATABASE}/{name}")


def _entry(device: FakeDevice, moment: int, *, is_in_process: bool) -> str:
    properties = {**device.properties, **({"ID_PROCESSING": "1"} if is_in_process else {})}
    if not (device.links or properties or device.tags):
        return ""
    lines = [f"S:{link}" for link in device.links]
    lines += [*([f"I:{moment}"] if moment else []), *(f"E:{key}={value}" for key, value in properties.items())]
    lines += [f"{kind}:{tag}" for tag in device.tags for kind in "GQ"]
    return "\n".join([*lines, "V:1", ""])
