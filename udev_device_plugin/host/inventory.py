"""The host as last looked at: what is at paths, the nodes, and which devices share a link or a serial number.

Pure: no I/O, no clock. Event loop only. Looks replace parts of it, which gives the selectors whose matches changed. At
rest it equals one look at everything, whatever the order of looks before.
"""

from collections.abc import Iterable, Iterator, Mapping

from udev_device_plugin.host.looks import HostLook
from udev_device_plugin.host.model import DeviceNumber, HostDevice, Node, NodeState, PathEntry, Unit, UsbDevice
from udev_device_plugin.host.nodes import Nodes, discard, insert
from udev_device_plugin.host.path_facts import numbers_of
from udev_device_plugin.selectors.kind import SelectorKind
from udev_device_plugin.selectors.paths.glob import matching


class Inventory:
    """What ``selectors`` match on this host.

    Attributes:
        entries: what is at the paths that the selectors match.
        complete_for: the number of the `Interest` for which everything has been looked at; None: nothing yet.
    """

    def __init__(self, selectors: Iterable[SelectorKind]) -> None:
        self.entries: dict[str, PathEntry] = {}
        self.complete_for: int | None = None
        self._nodes = Nodes()
        self._paths: dict[DeviceNumber, tuple[str, ...]] = {}
        self._selectors: frozenset[SelectorKind] = frozenset()
        self._matching = matching(())
        self.select(selectors)

    @property
    def is_complete(self) -> bool:
        """Whether everything has been looked at once."""
        return self.complete_for is not None

    def select(self, selectors: Iterable[SelectorKind]) -> None:
        """Match these from now on; the new ones match everything only after a look at everything for them."""
        self._selectors = frozenset(selectors)
        self._matching = matching({glob for selector in self._selectors for glob in selector.globs})
        for entry in list(self.entries.values()):
            if not any(self._is_match(entry, selector) for selector in self._selectors):
                self._drop_entry(entry)

    # Looks.

    def replace(self, look: HostLook) -> frozenset[SelectorKind]:
        """Replace what was looked at; returns the selectors whose matches changed."""
        touched: set[SelectorKind] = set()
        changed: set[DeviceNumber] = set()
        for unit, nodes in look.units.items():
            changed |= self._replace_unit(unit, nodes, touched)
        for path, entry in look.paths.items():
            changed |= self._replace_path(path, entry, touched)
        for number in changed:
            touched |= self._affected_by(number)
        if look.complete_for is not None:
            self.complete_for = look.complete_for
        return frozenset(touched)

    def _replace_unit(self, unit: Unit, nodes: tuple[Node, ...], touched: set[SelectorKind]) -> set[DeviceNumber]:
        """Returns the numbers of the nodes for which that changes something."""
        before = self._nodes.of(unit)
        if nodes == before:
            return set()
        # A node may have moved here from another unit, which will be looked at, too.
        known = (self._nodes.get(node.number) for node in nodes)
        moved = [node for node in known if node is not None and node.unit != unit]
        changed = {one.number for node in moved for one in self._nodes.of(node.unit)}
        for node in (*moved, *before):
            self._nodes.drop(node.number)
            touched |= self._selecting(node)
            changed |= {node.number} | self._nodes.sharing_with(node)
        for node in nodes:
            self._nodes.put(node)
            changed |= {node.number} | self._nodes.sharing_with(node)
        return changed

    def _replace_path(self, path: str, entry: PathEntry | None, touched: set[SelectorKind]) -> set[DeviceNumber]:
        """Returns the numbers of the nodes for which that changes something."""
        before = self.entries.get(path)
        if before == entry:
            return set()
        if before is not None:
            self._drop_entry(before)
        if entry is not None:
            self.entries[path] = entry
            if entry.number is not None:
                insert(self._paths, entry.number, path)
        # A new node exists before udevd is done with it: it is no match yet.
        if before is not None or entry is None or self.state_of(entry) is not NodeState.UNFINISHED:
            touched |= self._naming(path)
        return {number for number in numbers_of((before, entry)) if self._nodes.get(number) is not None}

    def _drop_entry(self, entry: PathEntry) -> None:
        del self.entries[entry.path]
        if entry.number is not None:
            discard(self._paths, entry.number, entry.path)

    def _affected_by(self, number: DeviceNumber) -> frozenset[SelectorKind]:
        """The selectors for which a change of a node matters: the other nodes of its unit wait for it."""
        node = self._nodes.get(number)
        nodes = self._nodes.of(node.unit) if node is not None else ()
        numbers = {number, *(one.number for one in nodes)}
        paths = (path for one in numbers for path in self._paths.get(one, ()))
        return frozenset[SelectorKind]().union(*map(self._naming, paths), *map(self._selecting, nodes))

    def _naming(self, path: str) -> frozenset[SelectorKind]:
        """The selectors that match a path, whatever is there."""
        globs = self._matching(path)
        return frozenset(one for one in self._selectors if not globs.isdisjoint(one.globs)) if globs else frozenset()

    def _selecting(self, node: Node) -> frozenset[SelectorKind]:
        """The selectors that match a node as a device."""
        device = node.description
        return frozenset(one for one in self._selectors if device is not None and one.selects(device))

    def _is_match(self, entry: PathEntry, selector: SelectorKind) -> bool:
        if not self._matching(entry.path).isdisjoint(selector.globs):
            return True
        node = self.node_at(entry)
        device = None if node is None or node.devnode != entry.path else node.description
        return device is not None and selector.selects(device)

    # Queries.

    def matches(self, selector: SelectorKind) -> Mapping[str, PathEntry]:
        """Return what is at the paths that one of the selectors matches."""
        return {path: entry for path, entry in self.entries.items() if self._is_match(entry, selector)}

    def devices(self) -> Iterator[HostDevice]:
        """Return all known devices."""
        return (node.description for node in self._nodes if node.description is not None)

    def devices_of(self, usb_device: UsbDevice) -> Iterator[HostDevice]:
        """Return the described nodes of a USB device."""
        nodes = self._nodes.of(usb_device.sys_path)
        return (node.description for node in nodes if node.description is not None)

    def node_at(self, entry: PathEntry) -> Node | None:
        """Return the node at a path; None if it is none, or has not been looked at yet.

        Of several nodes with one number the kernel's own counts; the others are names of it.
        """
        node = self._nodes.get(entry.number) if entry.number is not None else None
        if node is None or node.inode == entry.inode or not node.devnode:
            return node
        return None if entry.target == node.devnode else node

    def device_at(self, entry: PathEntry) -> HostDevice | None:
        """Return the description of the node at a path; None if there is none, or only of a former one."""
        node = self.node_at(entry)
        return None if node is None or not node.inode else node.description

    def state_of(self, entry: PathEntry) -> NodeState:
        """Return how far udevd is with the node at a path; unfinished is also one that has not been looked at yet."""
        if entry.number is None:
            return NodeState.UNKNOWN
        node = self.node_at(entry)
        return NodeState.UNFINISHED if node is None else node.state

    def is_settled(self, entry: PathEntry) -> bool:
        """Whether udevd is done with the node at a path, and with all nodes of its USB device."""
        if entry.number is None:
            return True
        node = self.node_at(entry)
        return node is not None and self._nodes.is_finished(node.unit)

    def is_sole_claim(self, device: HostDevice, link: str) -> bool:
        """Whether no other node claims ``link``."""
        return self._nodes.claiming(link) <= {device.number}

    def is_claimed_within(self, device: HostDevice, link: str) -> bool:
        """Whether other nodes claim ``link``, all of them of the same USB device."""
        units = {node.unit for node in self.sharing_link(device, link)}
        return device.usb_device is not None and units == {device.usb_device.sys_path}

    def sharing_link(self, device: HostDevice, link: str) -> list[Node]:
        """Return the other nodes that claim ``link``."""
        return list(filter(None, map(self._nodes.get, self._nodes.claiming(link) - {device.number})))

    def sharing_serial(self, usb_device: UsbDevice) -> set[Unit]:
        """Return the other USB devices with the same vendor, product and serial number."""
        nodes = filter(None, map(self._nodes.get, self._nodes.with_serial_of(usb_device)))
        return {node.unit for node in nodes} - {usb_device.sys_path}
