"""An index of nodes: by number, by unit, and by what several may share (links, serial numbers, sockets, places).

Pure. The host thread and the inventory have one each.
"""

from collections.abc import Collection, Hashable, Iterator
from typing import Any, Protocol, TypeVar

from udev_device_plugin.host.model import DeviceNumber, Node, NodeState, Unit, UsbDevice
from udev_device_plugin.host.topology import port

K = TypeVar("K")
V = TypeVar("V", bound="_Sortable")


class _Sortable(Protocol):
    def __lt__(self, other: Any, /) -> bool: ...


class Nodes:
    """An index of nodes, one for each number."""

    def __init__(self) -> None:
        self._by_number: dict[DeviceNumber, Node] = {}
        self._by_unit: dict[Unit, tuple[DeviceNumber, ...]] = {}
        self._by_shared_key: dict[Hashable, tuple[DeviceNumber, ...]] = {}

    def __iter__(self) -> Iterator[Node]:
        return iter(self._by_number.values())

    @property
    def units(self) -> Collection[Unit]:
        """All units that have nodes."""
        return self._by_unit.keys()

    def get(self, number: DeviceNumber) -> Node | None:
        """Return the node with a number."""
        return self._by_number.get(number)

    def of(self, unit: Unit) -> tuple[Node, ...]:
        """Return the nodes of a unit, sorted by number."""
        return tuple(self._by_number[number] for number in self._by_unit.get(unit, ()))

    def is_finished(self, unit: Unit) -> bool:
        """Whether udevd is done with all nodes of a unit; False for an unknown one."""
        nodes = self.of(unit)
        return bool(nodes) and all(node.state is not NodeState.UNFINISHED for node in nodes)

    def put(self, node: Node) -> None:
        """Add a node, in the place of the one with its number."""
        self.drop(node.number)
        self._by_number[node.number] = node
        insert(self._by_unit, node.unit, node.number)
        for key in _keys(node):
            insert(self._by_shared_key, key, node.number)

    def drop(self, number: DeviceNumber) -> Node | None:
        """Remove and return a node; None if there is none."""
        node = self._by_number.pop(number, None)
        if node is not None:
            discard(self._by_unit, node.unit, number)
            for key in _keys(node):
                discard(self._by_shared_key, key, number)
        return node

    def sharing_with(self, node: Node) -> set[DeviceNumber]:
        """Return the nodes that share something with this one; itself too, if it is in the index."""
        return set[DeviceNumber]().union(*(self._by_shared_key.get(key, ()) for key in _keys(node)))

    def claiming(self, link: str) -> frozenset[DeviceNumber]:
        """Return the nodes that claim a link."""
        return frozenset(self._by_shared_key.get(link, ()))

    def with_serial_of(self, usb_device: UsbDevice) -> frozenset[DeviceNumber]:
        """Return the nodes of USB devices with the same vendor, product and serial number."""
        return frozenset(self._by_shared_key.get(_serial(usb_device), ()))


def _keys(node: Node) -> Iterator[Hashable]:
    """Yield what a node may share: claimed links, a USB serial number, a socket, a place."""
    device = node.description
    if device is not None:
        yield from device.devlinks
        if device.usb_device is not None:
            yield _serial(device.usb_device)
            if device.usb_device.physical_port:
                yield ("physical port", device.usb_device.physical_port)
            yield ("place", port(device))


def _serial(usb_device: UsbDevice) -> Hashable:
    return ("serial", usb_device.vendor, usb_device.product, usb_device.serial)


def insert(index: dict[K, tuple[V, ...]], key: K, value: V) -> None:
    """Add a value to those under a key, which are sorted: tuples, as most have one value, and a set takes 216 bytes."""
    values: tuple[V, ...] = index.get(key, ())
    if value not in values:
        index[key] = tuple(sorted((*values, value)))


def discard(index: dict[K, tuple[V, ...]], key: K, value: V) -> None:
    """Remove a value from those under a key, and the key if there is none then."""
    if others := tuple(one for one in index.pop(key, ()) if one != value):
        index[key] = others
