"""An index of nodes: by number, by unit, and by what several may share (links, serial numbers, sockets, places).

Pure. The host thread and the inventory have one each.
"""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterator
from typing import TypeVar

from udev_device_plugin.host.model import DeviceNumber, Node, NodeState, Unit, UsbDevice
from udev_device_plugin.host.topology import port

K = TypeVar("K")
V = TypeVar("V")


class Nodes:
    """An index of nodes, one for each number."""

    def __init__(self) -> None:
        self._by_number: dict[DeviceNumber, Node] = {}
        self._by_unit: defaultdict[Unit, set[DeviceNumber]] = defaultdict(set)
        self._by_shared_key: defaultdict[Hashable, set[DeviceNumber]] = defaultdict(set)

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
        return tuple(self._by_number[number] for number in sorted(self._by_unit.get(unit, ())))

    def is_finished(self, unit: Unit) -> bool:
        """Whether udevd is done with all nodes of a unit; False for an unknown one."""
        nodes = self.of(unit)
        return bool(nodes) and all(node.state is not NodeState.UNFINISHED for node in nodes)

    def put(self, node: Node) -> None:
        """Add a node, in the place of the one with its number."""
        self.drop(node.number)
        self._by_number[node.number] = node
        self._by_unit[node.unit].add(node.number)
        for key in _keys(node):
            self._by_shared_key[key].add(node.number)

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


def discard(index: dict[K, set[V]], key: K, value: V) -> None:
    """Remove a value from the set under a key, and the set if it is empty then."""
    index[key].discard(value)
    if not index[key]:
        del index[key]
