"""All that there is to look at, as hints; and one look at all of it.

Everything is looked at in the same way as anything.
"""

import os
from collections.abc import Iterable, Iterator

from udev_device_plugin.device import DeviceNumber, PathEntry, Unit
from udev_device_plugin.host.existence import matches_of, stands_at
from udev_device_plugin.host.looks import HostLook, NotLookedError
from udev_device_plugin.host.memory import Memory
from udev_device_plugin.host.reader import Reader, unit_of
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


def look_at_everything(interest: Interest) -> tuple[HostLook, frozenset[str]]:
    """What is on this host now: one look, which waits for nothing that udevd is at work on.

    Returns:
        The look; and the links at configured paths that lead nowhere.

    Raises:
        OSError: sysfs is not there.
        NotLookedError: descriptors or memory are used up.
    """
    reader, memory = Reader(), Memory()
    has_udevd = DeliveryCheck().begin()
    found = {path: stands_at(path) for glob in interest.globs for path in matches_of(glob)}
    numbers = _numbers(found.values())
    for unit in dict.fromkeys(everything((), numbers)):
        try:
            look = reader.look(unit, interest, frozenset() if has_udevd else None)
        except NotLookedError:
            look = reader.look(unit, interest, frozenset() if has_udevd else None)
        for _ in memory.take_in(look, 0.0, has_udevd=has_udevd, is_named=unit in numbers):
            pass
    units = {unit: memory.nodes(unit) for unit in memory.units}
    for node in (node for nodes in units.values() for node in nodes):
        if node.description is not None and interest.selects(node.description):
            found.setdefault(node.devnode, stands_at(node.devnode))
    dead_links = frozenset(path for path, entry in found.items() if entry is None and os.path.islink(path))
    return HostLook(found, units, complete_for=interest.number), dead_links


def _numbers(entries: Iterable[PathEntry | None]) -> frozenset[DeviceNumber]:
    return frozenset(entry.number for entry in entries if entry is not None and entry.number is not None)
