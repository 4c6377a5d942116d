"""The plugin of a chaos run: how it is put to sleep, ended, started anew, configured otherwise, and weighed."""

import contextlib
import os
import re
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.lab.chaos.confiding import MESSAGE
from tests.lab.plugin import PluginProcess
from udev_device_plugin.host.reader import UDEV_DATA

PLUGIN = (sys.executable, "-m", "tests.lab.chaos.confiding")
RELOADED = "configuration reloaded"
MOST_THREADS = 40
"""Python's and gRPC's; the latter keeps up to 32 in its pool, by the number of processors."""


@dataclass(frozen=True, slots=True)
class Burden:
    """What the plugin has in use at rest, with nothing plugged.

    The threads are Python's: gRPC's own come and go with the machine's load, up to a number that `trouble` holds to.

    Attributes:
        names: of the tasks.
        files: what the descriptors are.
    """

    descriptors: int
    threads: int
    watches: int
    tasks: int
    names: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    def excess(self, other: "Burden") -> list[str]:
        """In what it has more than another."""
        kinds = ("descriptors", "threads", "watches", "tasks")
        return [
            f"{kind}: {getattr(other, kind)} before, {getattr(self, kind)} now"
            for kind in kinds
            if getattr(self, kind) > getattr(other, kind)
        ]


class Subject:
    """The plugin, with a configuration file at `path`; `async with` runs it."""

    def __init__(self, path: Path, *arguments: str) -> None:
        self._path = path
        self._sleep = contextlib.ExitStack()
        self._steps_asleep = 0
        self._lines_before = 0
        self.process = PluginProcess("--config", str(path), "--listen", "", *arguments, command=PLUGIN)
        self.process.is_quiet = True

    async def __aenter__(self) -> "Subject":
        await self.process.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.process.__aexit__(None, None, None)

    @property
    def is_running(self) -> bool:
        return self.process.is_running()

    async def end(self, number: signal.Signals) -> int:
        """End it by a signal; the exit code."""
        if number is not signal.SIGKILL:
            await self._started()
        self.process.signal(number)
        return await self.process.wait()

    async def start_again(self) -> None:
        """Start another process."""
        self._lines_before = len(self.process.log)
        await self.process.start()

    async def _started(self) -> None:
        """Wait until it has read its configuration, and does not die of signals any more."""
        await self.process.wait_for_message("starting", after=self._lines_before)

    async def configure(self, configuration: dict[str, object]) -> None:
        """Write the file, and wait until it is taken in; one that reads as before, when a signal says so."""
        await self._started()
        seen, before = len(self.process.log), self._path.read_text()
        self.write(configuration)
        if self._path.read_text() == before:
            self.process.signal(signal.SIGHUP)
        await self.process.wait_for_message(RELOADED, after=seen)

    def write(self, configuration: dict[str, object]) -> None:
        """Write the file, in one step."""
        new = self._path.with_suffix(".new")
        new.write_text(yaml.safe_dump(configuration))
        new.replace(self._path)

    def fall_asleep(self, steps: int) -> None:
        """It sleeps on for some steps, if it does not sleep already."""
        if not self._steps_asleep:
            self._sleep.enter_context(self.process.suspended())
        self._steps_asleep = steps

    def doze(self) -> None:
        """A step is over."""
        if self._steps_asleep:
            self._steps_asleep -= 1
            if not self._steps_asleep:
                self._sleep.close()

    def wake_up(self) -> None:
        self._steps_asleep = 0
        self._sleep.close()

    def trouble(self) -> Sequence[str]:
        """What shows from outside that must not be."""
        faults = []
        if not self.is_running:
            faults.append(f"the plugin has ended: {self.process.said()[-6000:]}")
        elif (threads := self.process.cost().threads) > MOST_THREADS:
            faults.append(f"threads: {threads}")
        # grpc's C core tells of hang-ups there, which are the kubelet's restarts.
        return faults + [line for line in self.process.errors if not re.match(r"I\d{4} .*(goaway|GOAWAY)", line)]

    async def burden(self) -> Burden:
        """What it has in use now."""
        cost, seen = self.process.cost(), len(self.process.log)
        self.process.signal(signal.SIGUSR1)
        line = await self.process.wait_for_message(MESSAGE, after=seen)
        return Burden(
            cost.descriptors,
            line.fields["threads"],
            _watches(self.process.pid),
            line.fields["tasks"],
            tuple(line.fields["names"]),
            tuple(_files(self.process.pid)),
        )


def _files(pid: int) -> Iterator[str]:
    """What each descriptor of a process is; sockets by their kind, and their path if they have one."""
    with open(f"/proc/{pid}/net/unix") as table:
        sockets = {fields[6]: " ".join(fields[7:]) for line in table if len(fields := line.split()) > 6}
    for descriptor in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            end = os.readlink(f"/proc/{pid}/fd/{descriptor}")
            kind, _, inode = end.partition(":[")
            path = sockets.get(inode.rstrip("]"))
            yield f"unix {kind} {path}".rstrip() if path is not None else kind if inode.rstrip("]").isdigit() else end


def _watches(pid: int) -> int:
    """How many inotify watches a process has, but for that of udev's database: it comes and goes with udev's events."""
    database = f" ino:{os.stat(UDEV_DATA).st_ino:x} "
    count = 0
    for descriptor in os.listdir(f"/proc/{pid}/fdinfo"):
        with contextlib.suppress(FileNotFoundError), open(f"/proc/{pid}/fdinfo/{descriptor}") as info:
            count += sum(line.startswith("inotify") and database not in line for line in info)
    return count
