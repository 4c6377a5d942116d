"""Inventories of hosts that are made up, for tests that are not about how an inventory learns what it knows.

The one place of these tests that knows what an inventory is given, and how what stands at a path is spelled.
"""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

from udev_device_plugin.host.inventory import Inventory
from udev_device_plugin.host.looks import HostLook
from udev_device_plugin.host.model import DeviceNumber, HostDevice, Node, NodeState, PathEntry, PathKind, Unit
from udev_device_plugin.selectors.kind import SelectorKind

TTY_USB = 188
"""The major number of ``/dev/ttyUSB*``."""

_INODES = itertools.count(1_000_000)


@dataclass(frozen=True, slots=True)
class Standing:
    """Something at a path; of a node, how far udev is with it, which counts once it is described."""

    entry: PathEntry
    state: NodeState = NodeState.UNKNOWN


def node(
    path: str,
    minor: int,
    *,
    major: int = TTY_USB,
    target: str | None = None,
    inode: int = 0,
    state: NodeState = NodeState.UNKNOWN,
) -> Standing:
    """A device node at a path; with ``target``, at the end of a link."""
    number = DeviceNumber("c", major, minor)
    return Standing(PathEntry(path, PathKind.NODE, number, target or path, inode + 1), state)


def no_node(path: str, kind: PathKind, *, target: str | None = None, inode: int = 0) -> Standing:
    """A file, a directory or whatever else is no device node, at a path."""
    return Standing(PathEntry(path, kind, target=target or path, inode=inode))


def unknown_to_udev(entry: PathEntry) -> HostLook:
    """A node that sysfs does not know stands at a path."""
    assert entry.number is not None
    return HostLook({entry.path: entry}, {entry.number: (Node(entry.number, entry.number, NodeState.UNKNOWN),)})


def described(device: HostDevice, entries: Iterable[PathEntry] = ()) -> HostLook:
    """Udevd is done with a device, whose node stands at these paths."""
    entries = tuple(entries)
    unit: Unit = device.usb_device.sys_path if device.usb_device else device.number
    inode = next((entry.inode for entry in entries), next(_INODES))
    one = Node(device.number, unit, NodeState.FINISHED, inode, device.devnode, device)
    return HostLook({entry.path: entry for entry in entries}, {unit: (one,)})


def gone(path: str, unit: Unit | None = None) -> HostLook:
    """Nothing stands at a path any more; with ``unit``, its device is gone, too."""
    return HostLook({path: None}, {} if unit is None else {unit: ()})


def nothing() -> HostLook:
    """Everything has been looked at, and there is nothing."""
    return HostLook(complete_for=0)


class MadeUpInventory(Inventory):
    """An inventory that is given one fact after the other."""

    def __init__(self, selectors: Iterable[SelectorKind]) -> None:
        super().__init__(selectors)
        self._standing: dict[DeviceNumber, Standing] = {}
        self._descriptions: dict[DeviceNumber, HostDevice] = {}

    def stands(self, standing: Standing) -> None:
        """Something stands at a path."""
        number = standing.entry.number
        units: set[Unit] = set()
        if number is not None:
            units.add(self._unit(number))
            self._standing[number] = standing
        self._look(units, {standing.entry.path: standing.entry})

    def gone(self, path: str) -> None:
        """Nothing stands at a path any more; if no other does, its device is gone."""
        entry = self.entries.get(path)
        units: set[Unit] = set()
        if entry is not None and entry.number is not None:
            others = [one for one in self.entries.values() if one.number == entry.number and one.path != path]
            if not others:
                units.add(self._unit(entry.number))
                self._standing.pop(entry.number, None)
                self._descriptions.pop(entry.number, None)
        self._look(units, {path: None})

    def described(self, device: HostDevice) -> None:
        """Udev has described a device."""
        before = self._unit(device.number)
        self._descriptions[device.number] = device
        self._look({before, self._unit(device.number)}, {})

    def unplugged(self, number: DeviceNumber) -> None:
        """A device is gone."""
        unit = self._unit(number)
        self._descriptions.pop(number, None)
        self._standing.pop(number, None)
        self._look({unit}, {})

    def _unit(self, number: DeviceNumber) -> Unit:
        device = self._descriptions.get(number)
        return device.usb_device.sys_path if device is not None and device.usb_device is not None else number

    def _look(self, units: Iterable[Unit], paths: dict[str, PathEntry | None]) -> None:
        numbers = self._standing.keys() | self._descriptions.keys()
        made = {unit: [self._node(one) for one in sorted(numbers) if self._unit(one) == unit] for unit in units}
        self.replace(HostLook(paths, {unit: tuple(filter(None, nodes)) for unit, nodes in made.items()}))

    def _node(self, number: DeviceNumber) -> Node | None:
        """A node; None if it has not been looked at yet."""
        standing, device = self._standing.get(number), self._descriptions.get(number)
        unit = self._unit(number)
        if standing is None:
            assert device is not None
            return Node(number, unit, NodeState.FINISHED, number.minor + 1, device.devnode, device)
        entry = standing.entry
        if standing.state is NodeState.UNKNOWN and device is None:
            return Node(number, unit, NodeState.UNKNOWN)
        if standing.state is NodeState.UNFINISHED:
            return Node(number, unit, NodeState.UNFINISHED, entry.inode, entry.target)
        if standing.state is NodeState.FINISHED and device is None:
            return None
        is_awaited = device is None or standing.state is NodeState.OVERDUE
        state = standing.state if is_awaited else NodeState.FINISHED
        return Node(number, unit, state, entry.inode, entry.target, device)
