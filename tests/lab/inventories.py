"""Inventories of hosts that are made up, for tests that are not about how an inventory learns what it knows.

The one place of these tests that knows what an inventory is told, and how what stands at a path is spelled.
"""

from collections.abc import Iterable, Sequence

from udev_device_plugin.device import DeviceNumber, HostDevice, PathEntry, PathKind, Readiness
from udev_device_plugin.inventory import Inventory
from udev_device_plugin.observations import (
    DeviceObserved,
    DeviceRemoved,
    DeviceUnknown,
    Observation,
    PathObserved,
    PathsResync,
    PathVanished,
    UdevResync,
)

Fact = Observation
"""Something about the host, as an inventory is told of it."""

TTY_USB = 188
"""The major number of ``/dev/ttyUSB*``."""


def node(
    path: str,
    minor: int,
    *,
    major: int = TTY_USB,
    target: str | None = None,
    inode: int = 0,
    readiness: Readiness | None = Readiness.UNKNOWN,
    sys_path: str = "",
    initialized_at: int = 0,
) -> PathEntry:
    """A device node at a path; with ``target``, at the end of a link."""
    number = DeviceNumber("c", major, minor)
    return PathEntry(path, PathKind.NODE, number, target or path, inode, readiness, sys_path, initialized_at)


def no_node(path: str, kind: PathKind, *, target: str | None = None, inode: int = 0) -> PathEntry:
    """A file, a directory or whatever else is no device node, at a path."""
    return PathEntry(path, kind, target=target or path, inode=inode)


def stands(entry: PathEntry) -> Fact:
    """Something stands at a path."""
    return PathObserved(entry)


def gone(path: str) -> Fact:
    """Nothing stands at a path."""
    return PathVanished(path)


def described(device: HostDevice) -> Fact:
    """Udev has described a device."""
    return DeviceObserved(device)


def undescribed(number: DeviceNumber) -> Fact:
    """Udev knows of no device with this number."""
    return DeviceUnknown(number)


def unplugged(sys_path: str) -> Fact:
    """Udev has said that a device is gone."""
    return DeviceRemoved(sys_path)


def all_paths(entries: Iterable[PathEntry] = ()) -> Fact:
    """This is all that stands at paths."""
    return PathsResync(tuple(entries))


def all_devices(devices: Iterable[HostDevice] = ()) -> Fact:
    """This is all that udev knows of."""
    return UdevResync(tuple(devices))


def nothing() -> Sequence[Fact]:
    """All sources have looked, and there is nothing."""
    return all_devices(), all_paths()


class MadeUpInventory(Inventory):
    """An inventory that is told facts."""

    def stands(self, entry: PathEntry) -> None:
        """Something stands at a path."""
        self.observe(stands(entry))

    def gone(self, path: str) -> None:
        """Nothing stands at a path any more."""
        self.observe(gone(path))

    def described(self, device: HostDevice) -> None:
        """Udev has described a device; its node is looked for if it is asked for because of what it is."""
        self.observe(described(device))
        self.take_changed_nodes()

    def undescribed(self, number: DeviceNumber) -> None:
        """Udev was asked for the device with a number, and knows of none."""
        self.observe(undescribed(number))

    def unplugged(self, sys_path: str) -> None:
        """Udev has said that a device is gone."""
        self.observe(unplugged(sys_path))

    def complete(self) -> None:
        """All sources have looked, and what has been told is all that there is."""
        self.observe(all_devices(self.devices.values()))
        self.observe(all_paths(self.entries.values()))
