"""What a resource's paths select on this host now: the nodes, what each of them is, and which path may have it.

Floor 3, pure. Invariant: within a resource a node is claimed by one path of its groups (``limit`` repeats excepted),
and a node that was offered keeps the identity it was offered under for as long as it is there.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from udev_device_plugin.config.specs import PathSpec, PathType, ResourceSpec
from udev_device_plugin.devices.identity import (
    digest,
    node_identity,
    persistent_link,
    place_in_usb_device,
    slug,
    usb_device_identity,
    usb_device_serial_identity,
)
from udev_device_plugin.host.inventory import Inventory
from udev_device_plugin.host.model import DeviceNumber, HostDevice, PathEntry, PathKind, UsbDevice


class Slot(NamedTuple):
    """Path ``member`` of group ``group``: the unit that matches and claims are counted for."""

    group: int
    member: int


class NodeKey(NamedTuple):
    """One making of a node, whatever names lead to it; of what is no node, the path."""

    number: DeviceNumber | None
    inode: int
    path: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something on the host that a path selects.

    Attributes:
        identity: what makes it itself: a persistent link, a port, or the path.
        path: the path that was matched.
        node: which node it is.
        target: the node's own path.
        host_path: a path that always leads to it: its verified persistent link, or one of our own.
        own_link: the link of our own, once it has needed one; "" for none.
        numa_node: of a node's device; None for none.
        usb_device: the identity of the USB device that it is chosen with; "" for a node that stands for itself.
        usb_device_path: where that is in sysfs.
        subsystem: of a node's device, if it is chosen with a USB device.
    """

    identity: str
    path: str
    node: NodeKey
    target: str
    host_path: str
    numa_node: int | None = None
    own_link: str = ""
    usb_device: str = ""
    usb_device_path: str = ""
    subsystem: str = ""


Known = Mapping[NodeKey, Candidate]
"""As what a node was offered."""

Candidates = Mapping[Slot, Mapping[str, Candidate]]
"""For each slot, what it may have, by identity."""


def candidates(
    spec: ResourceSpec,
    inventory: Inventory,
    held: Collection[tuple[Slot, Candidate]],
    links_directory: str,
    present: Collection[tuple[Slot, str]] = (),
) -> Candidates:
    """What each path of ``spec`` may have.

    What formed devices hold comes first, so that a late name never takes a node away from them; then literal paths
    before globs, then the spec's order, then the names' bytewise order.

    Args:
        spec: the resource.
        inventory: the host.
        held: what formed devices were made of.
        links_directory: where our own links are; with a trailing slash.
        present: the paths of formed devices that were there at the last look: whoever names a path means whatever
            stands there, and a node that replaces another one at once need not be finished.
    """
    slots = dict(_slots(spec))
    holding = {(slot, candidate.node, candidate.path) for slot, candidate in held}
    plain = {slot for slot, path_spec in slots.items() if _is_plain(path_spec)}
    offered = {candidate.node for _, candidate in held}
    known = {candidate.node: candidate for slot, candidate in held if slot not in plain}
    found = [
        # In this order: what is held, what is named, the kernel's own node, the spec's order, the names'.
        ((slot, key, path) not in holding, not path_spec.is_literal, key.inode != entry.inode, slot, path, key, entry)
        for slot, path_spec in slots.items()
        for path, entry in inventory.matches(path_spec.selector).items()
        for key in (node_key(inventory, entry),)
        if _fits(path_spec, entry)
        and (
            key in offered
            or path_spec.type is PathType.MOUNT
            or (slot in plain and (slot, path) in present)
            or _is_ready(inventory, path_spec, entry)
        )
    ]
    here = {key for *_, key, _ in found}
    owners = {candidate.identity: key for key, candidate in known.items() if key in here}
    usb_devices = {candidate.usb_device_path: candidate.usb_device for key, candidate in known.items() if key in here}
    chooser = _Chooser(inventory, known, owners, usb_devices, links_directory)
    result: dict[Slot, dict[str, Candidate]] = {slot: {} for slot in slots}
    claimed: set[NodeKey | DeviceNumber] = set()
    found.sort()  # a slot has a path once, so nothing behind these is ever compared
    for _, _, _, slot, _, key, entry in found:
        if _may_have(slots[slot], key, claimed):
            candidate = chooser.choose(slots[slot], entry, key, is_plain=slot in plain)
            if slot not in plain:
                owners.setdefault(candidate.identity, key)
            result[slot].setdefault(candidate.identity, candidate)
    return result


def node_key(inventory: Inventory, entry: PathEntry) -> NodeKey:
    """Which node stands at a path: of several with one number, the kernel's own."""
    if entry.number is None:
        return NodeKey(None, entry.inode, entry.target)
    node = inventory.node_at(entry)
    return NodeKey(entry.number, node.inode if node is not None and node.inode else entry.inode, "")


def _slots(spec: ResourceSpec) -> Iterator[tuple[Slot, PathSpec]]:
    for index, group in enumerate(spec.groups):
        for member, path_spec in enumerate(group.paths):
            yield Slot(index, member), path_spec


def _may_have(path_spec: PathSpec, node: NodeKey, claimed: set[NodeKey | DeviceNumber]) -> bool:
    """Claim a node for one path spec; False if another has it already.

    A path with a ``limit`` is meant to be shared, a mount is by nature: they neither claim nor are kept off.
    """
    if path_spec.type is PathType.MOUNT or path_spec.limit > 1:
        return True
    claim = node.number or node  # whatever names a node has, and whoever made them, it is one
    if claim in claimed:
        return False
    claimed.add(claim)
    return True


def _fits(path_spec: PathSpec, entry: PathEntry) -> bool:
    """Whether a container can be given what stands at a path."""
    if path_spec.type is PathType.MOUNT:
        return True
    if entry.kind is PathKind.NODE:
        return True
    # The runtime hands over the nodes in a directory; only who names it can mean that.
    return entry.kind is PathKind.DIRECTORY and path_spec.is_literal


def _is_ready(inventory: Inventory, path_spec: PathSpec, entry: PathEntry) -> bool:
    """Whether what stands at a path can be offered for the first time: by its path, or by what all of it is."""
    return not inventory.is_unfinished(entry) if path_spec.is_literal else inventory.is_settled(entry)


def _is_plain(path_spec: PathSpec) -> bool:
    """Whether what it selects is known by its path alone."""
    return path_spec.is_literal or path_spec.type is PathType.MOUNT


@dataclass(frozen=True, slots=True)
class _Chooser:
    """Chooses identities and host paths."""

    inventory: Inventory
    known: Known
    owners: Mapping[str, NodeKey]
    usb_devices: Mapping[str, str]  # as what USB devices were offered, by their place in sysfs
    links_directory: str

    def choose(self, path_spec: PathSpec, entry: PathEntry, node: NodeKey, *, is_plain: bool) -> Candidate:
        device = self.inventory.device_at(entry)
        known = None if is_plain else self.known.get(node)
        if device is None and known is not None:  # what was offered is there, whatever udev's last word on it was
            return replace(known, path=entry.path)
        if device is not None and not is_plain and path_spec.selector.grouping.is_by_usb_device and device.usb_device:
            return self._choose_with_usb_device(device, device.usb_device, entry, node, known)
        identity, own_link, numa_node = entry.path, "", device.numa_node if device else None
        if device is not None and not is_plain:
            identity = known.identity if known else self._identity(device, node)
            is_link = identity in device.links and self.inventory.is_sole_claim(device, identity)
            own_link = "" if is_link else self._own_link(identity)
        return Candidate(identity, entry.path, node, entry.target, own_link or identity, numa_node, own_link)

    def _identity(self, device: HostDevice, node: NodeKey) -> str:
        inventory = self.inventory

        def is_sole(link: str) -> bool:
            return inventory.is_sole_claim(device, link)

        def is_free(identity: str) -> bool:  # a node that was offered first keeps its identity
            return self.owners.get(identity, node) == node

        def is_told_apart_by_serial() -> bool:
            by_id = [link for link in device.devlinks if "/by-id/" in link]
            is_within = any(inventory.is_claimed_within(device, link) for link in by_id)
            return is_within and device.usb_device is not None and inventory.is_sole_serial(device.usb_device)

        return node_identity(device, is_sole, is_free, is_told_apart_by_serial)

    def _choose_with_usb_device(
        self, device: HostDevice, usb_device: UsbDevice, entry: PathEntry, node: NodeKey, known: Candidate | None
    ) -> Candidate:
        of_usb_device = known.usb_device if known else self._usb_device_identity(usb_device)
        identity = known.identity if known else f"{of_usb_device}:{place_in_usb_device(device)}"
        # A link that means the port is as good as the USB device's identity only if that is the port too.
        is_by_serial = of_usb_device == usb_device_serial_identity(usb_device)
        link = persistent_link(
            device, lambda link: ("/by-id/" in link) == is_by_serial and self.inventory.is_sole_claim(device, link)
        )
        own_link = "" if link else self._own_link(identity)
        return Candidate(
            identity,
            entry.path,
            node,
            entry.target,
            link or own_link,
            device.numa_node,
            own_link,
            usb_device=of_usb_device,
            usb_device_path=usb_device.sys_path,
            subsystem=device.subsystem,
        )

    def _usb_device_identity(self, usb_device: UsbDevice) -> str:
        """As what it is offered already, else what it is; what another USB device is offered as is that one's."""
        if (known := self.usb_devices.get(usb_device.sys_path)) is not None:
            return known
        is_sole = (
            self.inventory.is_sole_serial(usb_device)
            and usb_device_serial_identity(usb_device) not in self.usb_devices.values()
        )
        return usb_device_identity(usb_device, is_sole=is_sole)

    def _own_link(self, identity: str) -> str:
        return self.links_directory + f"{slug(identity)}-{digest(identity)}"
