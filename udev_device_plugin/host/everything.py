"""All that there is to look at, as hints; and one look at all of it.

Everything is looked at in the same way as anything.
"""

import os
from collections.abc import Collection, Hashable, Iterable, Iterator

from udev_device_plugin.device import DeviceNumber, PathEntry, Unit
from udev_device_plugin.host.existence import matches_of, stands_at
from udev_device_plugin.host.looks import HostLook, NotLookedError
from udev_device_plugin.host.memory import Memory
from udev_device_plugin.host.reader import is_unknown_to_sysfs, look_at_unit, unit_of
from udev_device_plugin.host.udev.delivery_check import DeliveryCheck
from udev_device_plugin.interest import Interest


def everything(units: Iterable[Unit], numbers: Iterable[DeviceNumber]) -> Iterator[Unit]:
    """All units that are known, those that sysfs has a node of, and those of further nodes; some twice.

    Lazy, so that it can be worked off in slices.

    Raises:
        OSError: sysfs is not there.
    """
    yield from list(units)
    kinds = os.listdir("/sys/dev")  # a kernel may have no block devices
    for directory in sorted({"char", "block"}.intersection(kinds)):
        for name in os.listdir(f"/sys/dev/{directory}"):
            major, _, minor = name.partition(":")
            yield unit_of(DeviceNumber("c" if directory == "char" else "b", int(major), int(minor)))
    yield from map(unit_of, list(numbers))


class FullLook:
    """How far a look at everything is: host thread only."""

    def __init__(self) -> None:
        self._units: Iterator[Unit] | None = None
        self._awaited: set[Hashable] = set()
        self._is_complete = True

    @property
    def has_more(self) -> bool:
        """Whether there are further units to be looked at."""
        return self._units is not None

    def begin(self, units: Iterator[Unit], others: Iterable[Hashable]) -> None:
        """Look at these units one after the other, and at these other subjects, which are hinted at already."""
        self._units, self._awaited, self._is_complete = units, set(others), False

    def include(self, subject: Hashable) -> None:
        """A subject has turned out to belong to it."""
        if not self._is_complete:
            self._awaited.add(subject)

    def take(self, number: int) -> Iterator[Unit]:
        """The next units to be looked at, so many at most; each once."""
        while self._units is not None and number > 0:
            unit = next(self._units, None)
            if unit is None:
                self._units = None
            elif unit not in self._awaited:
                self._awaited.add(unit)
                number -= 1
                yield unit

    def looked_at(self, subject: Hashable) -> None:
        """A subject has been looked at, and need not be so again."""
        self._awaited.discard(subject)

    def is_newly_complete(self, stuck: Collection[Hashable]) -> bool:
        """Whether all but what is stuck has been looked at, for the first time since it began."""
        if self._units is not None or self._is_complete or not self._awaited.issubset(stuck):
            return False
        self._is_complete = True
        return True


def look_at_everything(interest: Interest) -> tuple[HostLook, frozenset[str]]:
    """What is on this host now: one look, which waits for nothing that udevd is at work on.

    Returns:
        The look; and the links at configured paths that lead nowhere.

    Raises:
        OSError: sysfs is not there.
        NotLookedError: descriptors or memory are used up.
    """
    memory = Memory()
    has_udevd = DeliveryCheck().begin()
    found = {path: stands_at(path) for glob in interest.globs for path in matches_of(glob)}
    numbers = _numbers(found.values())
    for unit in dict.fromkeys(everything((), numbers)):
        try:
            look = look_at_unit(unit, interest, frozenset() if has_udevd else None)
        except NotLookedError:
            look = look_at_unit(unit, interest, frozenset() if has_udevd else None)
        is_named = not look.nodes and is_unknown_to_sysfs(unit, filter(None, found.values()))
        for _ in memory.take_in(look, 0.0, has_udevd=has_udevd, is_named=is_named):
            pass
    for path, entry in found.items():
        if entry is not None and entry.number is not None and memory.node(entry.number) is None:
            found[path] = stands_at(path)  # it went meanwhile
    units = {unit: memory.nodes(unit) for unit in memory.units}
    for node in (node for nodes in units.values() for node in nodes):
        if node.description is not None and interest.selects(node.description):
            found.setdefault(node.devnode, stands_at(node.devnode))
    dead_links = frozenset(path for path, entry in found.items() if entry is None and os.path.islink(path))
    return HostLook(found, units, complete_for=interest.number), dead_links


def _numbers(entries: Iterable[PathEntry | None]) -> frozenset[DeviceNumber]:
    return frozenset(entry.number for entry in entries if entry is not None and entry.number is not None)
