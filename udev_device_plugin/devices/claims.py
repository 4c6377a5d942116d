"""Which path of a resource may have which of the nodes on this host.

Pure. Event loop only. Invariant: within a resource a node is claimed by one path of its groups (``limit`` repeats
excepted).
"""

from collections.abc import Collection, Iterator, Mapping

from udev_device_plugin.config.specs import PathSpec, PathType, ResourceSpec
from udev_device_plugin.devices.candidates import Candidate, IdentityChooser, NodeKey, Slot, node_key
from udev_device_plugin.host.inventory import Inventory
from udev_device_plugin.host.model import DeviceNumber, PathEntry, PathKind

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
    known = {
        (candidate.node, slots[slot].selector.grouping.is_by_usb_device): candidate
        for slot, candidate in held
        if slot not in plain
    }
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
    still_here = [candidate for candidate in known.values() if candidate.node in here]
    owners = {candidate.identity: candidate.node for candidate in still_here}
    usb_devices = {candidate.usb_device_path: candidate.usb_device for candidate in still_here}
    chooser = IdentityChooser(inventory, known, owners, usb_devices, links_directory)
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
