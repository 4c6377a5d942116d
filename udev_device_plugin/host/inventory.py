"""The host as last looked at: what stands at paths, the nodes there are, and who shares what with whom.

Pure: no I/O, no clock. Event loop only. Its one operation is to replace what was looked at; the result is the selectors
whose matches changed. At rest it equals one look at everything, whatever the order of looks before.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

from udev_device_plugin.host.existence import numbers_of
from udev_device_plugin.host.looks import HostLook
from udev_device_plugin.host.model import DeviceNumber, HostDevice, Node, NodeState, PathEntry, Unit, UsbDevice
from udev_device_plugin.host.nodes import Nodes
from udev_device_plugin.selectors.kind import SelectorKind
from udev_device_plugin.selectors.paths.glob_index import GlobSet


class Inventory:
    """What ``selectors`` match on this host.

    Attributes:
        entries: what stands at the paths that the selectors match.
        complete_for: the number of the ``Interest`` for which everything has been looked at; None: nothing yet.
    """

    def __init__(self, selectors: Iterable[SelectorKind]) -> None:
        self.entries: dict[str, PathEntry] = {}
        self.complete_for: int | None = None
        self._nodes = Nodes()
        self._paths: defaultdict[DeviceNumber, set[str]] = defaultdict(set)
        self._glob_set = GlobSet(())
        self._named: dict[SelectorKind, dict[str, PathEntry]] = {}
        self._selected: dict[SelectorKind, dict[DeviceNumber, Node]] = {}
        self.select(selectors)

    @property
    def is_complete(self) -> bool:
        """Whether everything has been looked at once."""
        return self.complete_for is not None

    def select(self, selectors: Iterable[SelectorKind]) -> None:
        """Match these from now on; complete is what is new among them once everything has been looked at for it."""
        selectors = tuple(selectors)
        self._glob_set = GlobSet({glob for selector in selectors for glob in selector.globs})
        self._named = {selector: {} for selector in selectors}
        self._selected = {selector: {} for selector in selectors}
        for node in self._nodes:
            for selector in self._selecting(node):
                self._selected[selector][node.number] = node
        before, self.entries = self.entries, {}
        self._paths.clear()
        for entry in before.values():
            if self._glob_set.matching(entry.path) or self._is_selected_node(entry):
                self._put_entry(entry)

    # What was looked at.

    def replace(self, look: HostLook) -> frozenset[SelectorKind]:
        """Have what was looked at be as it is now; returns the selectors whose matches changed."""
        touched: set[SelectorKind] = set()
        changed: set[DeviceNumber] = set()
        for unit, nodes in look.units.items():
            changed |= self._replace_unit(unit, nodes, touched)
        for path, entry in look.paths.items():
            changed |= self._replace_path(path, entry, touched)
        for number in changed:
            touched |= self._concerned(number)
        if look.complete_for is not None:
            self.complete_for = look.complete_for
        return frozenset(touched)

    def _replace_unit(self, unit: Unit, nodes: tuple[Node, ...], touched: set[SelectorKind]) -> set[DeviceNumber]:
        """Returns the numbers of the nodes for which that changes something."""
        before = self._nodes.of(unit)
        if nodes == before:
            return set()
        concerned: set[DeviceNumber] = set()
        for node in nodes:
            other = self._nodes.get(node.number)
            if other is not None and other.unit != unit:  # that one will be looked at, too
                concerned.update(one.number for one in self._nodes.of(other.unit))
                concerned |= self._drop_node(other, touched)
        for node in before:
            concerned |= self._drop_node(node, touched)
        for node in nodes:
            concerned |= self._put_node(node, touched)
        return concerned

    def _put_node(self, node: Node, touched: set[SelectorKind]) -> set[DeviceNumber]:
        self._nodes.put(node)
        for selector in self._selecting(node):
            self._selected[selector][node.number] = node
            touched.add(selector)
        return {node.number} | self._nodes.sharing_with(node)

    def _drop_node(self, node: Node, touched: set[SelectorKind]) -> set[DeviceNumber]:
        self._nodes.drop(node.number)
        for selector in self._selecting(node):
            self._selected[selector].pop(node.number, None)
            touched.add(selector)
        return {node.number} | self._nodes.sharing_with(node)

    def _replace_path(self, path: str, entry: PathEntry | None, touched: set[SelectorKind]) -> set[DeviceNumber]:
        before = self.entries.get(path)
        if before == entry:
            return set()
        if before is not None:
            self._drop_entry(before)
        if entry is not None:
            self._put_entry(entry)
        naming = self._naming(path)
        # A plug shows as a node before udevd is done with it: that is nobody's match yet.
        if before is not None or entry is None or entry.number is None or not self.is_unfinished(entry):
            touched |= naming
        return {number for number in numbers_of((before, entry)) if self._nodes.get(number) is not None}

    def _put_entry(self, entry: PathEntry) -> None:
        self.entries[entry.path] = entry
        for selector in self._naming(entry.path):
            self._named[selector][entry.path] = entry
        if entry.number is not None:
            self._paths[entry.number].add(entry.path)

    def _drop_entry(self, entry: PathEntry) -> None:
        del self.entries[entry.path]
        for selector in self._naming(entry.path):
            self._named[selector].pop(entry.path, None)
        if entry.number is not None:
            self._paths[entry.number].discard(entry.path)
            if not self._paths[entry.number]:
                del self._paths[entry.number]

    def _concerned(self, number: DeviceNumber) -> frozenset[SelectorKind]:
        """The selectors for which a change about a node matters: the other nodes of its unit wait for it."""
        node = self._nodes.get(number)
        nodes = self._nodes.of(node.unit) if node is not None else ()
        numbers = {number, *(one.number for one in nodes)}
        paths = (path for one in numbers for path in self._paths.get(one, ()))
        return frozenset[SelectorKind]().union(*map(self._naming, paths), *map(self._selecting, nodes))

    def _naming(self, path: str) -> frozenset[SelectorKind]:
        """The selectors that mean a path, whatever stands there."""
        globs = self._glob_set.matching(path)
        return frozenset(one for one in self._named if not globs.isdisjoint(one.globs)) if globs else frozenset()

    def _selecting(self, node: Node) -> frozenset[SelectorKind]:
        """The selectors that mean a node because of what it is."""
        device = node.description
        return frozenset(one for one in self._selected if device is not None and one.selects(device))

    def _is_selected_node(self, entry: PathEntry) -> bool:
        node = self.node_at(entry)
        return node is not None and node.devnode == entry.path and bool(self._selecting(node))

    # What there is.

    def matches(self, selector: SelectorKind) -> Mapping[str, PathEntry]:
        """What stands at the paths that ``selector`` matches; it is one of the constructor's."""
        found = ((node, self.entries.get(node.devnode)) for node in self._selected[selector].values())
        selected = {entry.path: entry for node, entry in found if entry is not None and self.node_at(entry) is node}
        return {**self._named[selector], **selected}

    def devices(self) -> Iterator[HostDevice]:
        """All devices that are known."""
        return (node.description for node in self._nodes if node.description is not None)

    def node_at(self, entry: PathEntry) -> Node | None:
        """The node that stands at a path; None if it is none, or has not been looked at since it was made.

        Of several nodes with one number the kernel's own counts, and the others are names of it.
        """
        node = self._nodes.get(entry.number) if entry.number is not None else None
        if node is None or node.inode == entry.inode or not node.devnode:
            return node
        return None if entry.target == node.devnode else node

    def device_at(self, entry: PathEntry) -> HostDevice | None:
        """What udev says of the node at a path; None if it says nothing, or of another one, which is not there."""
        node = self.node_at(entry)
        return None if node is None or not node.inode else node.description

    def is_unfinished(self, entry: PathEntry) -> bool:
        """Whether udevd is at work on the node at a path, or it has not been looked at yet."""
        if entry.number is None:
            return False
        node = self.node_at(entry)
        return node is None or node.state is NodeState.UNFINISHED

    def is_settled(self, entry: PathEntry) -> bool:
        """Whether all is known of what stands at a path that will be known: of all nodes of its USB device."""
        if entry.number is None:
            return True
        node = self.node_at(entry)
        return node is not None and self._nodes.is_finished(node.unit)

    def is_sole_claim(self, device: HostDevice, link: str) -> bool:
        """Whether no other node claims ``link`` too."""
        return self._nodes.claiming(link) <= {device.number}

    def is_claimed_within(self, device: HostDevice, link: str) -> bool:
        """Whether only nodes of the same USB device claim ``link`` too, and at least one does."""
        rivals = list(self.rivals(device, link))
        return bool(rivals) and all(_usb_device(one) == _usb_device(device) != "" for one in rivals)

    def rivals(self, device: HostDevice, link: str) -> Iterator[HostDevice]:
        """The other devices that claim ``link`` too."""
        return self._described(self._nodes.claiming(link) - {device.number})

    def is_sole_serial(self, usb_device: UsbDevice) -> bool:
        """Whether no other USB device has the same vendor, product and serial number."""
        return next(self.clones(usb_device), None) is None

    def clones(self, usb_device: UsbDevice) -> Iterator[UsbDevice]:
        """The other USB devices with the same vendor, product and serial number; by their nodes."""
        for device in self._described(self._nodes.with_serial_of(usb_device)):
            if device.usb_device is not None and device.usb_device.sys_path != usb_device.sys_path:
                yield device.usb_device

    def _described(self, numbers: Collection[DeviceNumber]) -> Iterator[HostDevice]:
        nodes = map(self._nodes.get, numbers)
        return (node.description for node in nodes if node is not None and node.description is not None)


def _usb_device(device: HostDevice) -> str:
    return device.usb_device.sys_path if device.usb_device is not None else ""
