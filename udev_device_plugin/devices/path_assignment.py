"""Which path of a spec gets which of the nodes on this host.

Pure. Event loop only. Invariant: within a resource one group has a node, unless the path there has a ``limit``. The
paths of a group that give its devices one member each may name one node several times: such a device has it under each
container path.
"""

from collections import defaultdict
from collections.abc import Collection, Hashable, Mapping
from dataclasses import replace

from udev_device_plugin.config.specs import PathSpec, PathType, ResourceSpec
from udev_device_plugin.devices.assembled import AssemblyContext
from udev_device_plugin.devices.candidates import Candidate, IdentityChooser, Slot, node_key
from udev_device_plugin.devices.exclusion import Exclusion
from udev_device_plugin.host.inventory import Inventory
from udev_device_plugin.host.model import NodeState, PathEntry, PathKind

Candidates = Mapping[Slot, Mapping[str, Candidate]]
"""By path of the spec: its candidates by identity."""


def candidates(
    spec: ResourceSpec,
    inventory: Inventory,
    held: Collection[tuple[Slot, Candidate]],
    given: AssemblyContext,
    present: Collection[tuple[Slot, str]] = (),
) -> Candidates:
    """Return the candidates of each path of ``spec``.

    Members of known devices come first, so that a late link never takes a node away from them; then literal paths
    before globs, then the spec's order, then the bytewise order of the matched paths.

    Args:
        spec: the resource.
        inventory: what is on the host.
        held: members of the known devices.
        given: what else it depends on.
        present: paths of the members of devices that were Healthy. A literal path stands for any node there: one that
            replaces another at once is offered before udev has finished with it, unless it may be excluded or held.
    """
    slots = {
        Slot(index, member): path_spec
        for index, group in enumerate(spec.groups)
        for member, path_spec in enumerate(group.paths)
    }
    holding = {(slot, candidate.node, candidate.path) for slot, candidate in held}
    # The path alone is the identity of what these select.
    plain = {slot for slot, one in slots.items() if one.is_literal or one.type is PathType.MOUNT}
    offered = {candidate.node for _, candidate in held}
    known = {(candidate.node, is_by_usb_device): candidate for is_by_usb_device, candidate in given.remembered}
    known |= {
        (candidate.node, slots[slot].selector.is_by_usb_device): candidate
        for slot, candidate in held
        if slot not in plain
    }
    former = {slot for slot in slots if spec.groups[slot.group].is_former}
    members = {(slot, candidate.usb_device or candidate.identity) for slot, candidate in held}
    configured = {candidate.node for slot, candidate in held if slot not in former}
    exclusion, unrestricted = Exclusion(spec, inventory), replace(spec, exclude=())
    found = [
        # In this order: members, literal paths, the kernel's own node, the spec's order, the matched paths'.
        ((slot, key, path) not in holding, not path_spec.is_literal, key.inode != entry.inode, slot, path, key, entry)
        for slot, path_spec in slots.items()
        for path, entry in inventory.matches(path_spec.selector).items()
        for key in (node_key(inventory, entry),)
        if fits(unrestricted if slot in former else spec, path_spec, entry)
        and (slot in former or exclusion.of(entry) is None)
        and (
            key in offered
            or path_spec.type is PathType.MOUNT
            or (slot in plain and (slot, path) in present and not (spec.exclude or given.has_former))
            or is_ready(spec, path_spec, entry, inventory, has_former=given.has_former)
        )
    ]
    here = {key for *_, key, _ in found}
    still_here = [candidate for candidate in known.values() if candidate.node in here]
    owners = {candidate.identity: candidate.node for candidate in still_here}
    sockets = {candidate.usb_device for slot, candidate in held if slots[slot].selector.names_physical_port}
    usb_devices = {one.usb_device_path: one.usb_device for one in still_here if one.usb_device not in sockets}
    chooser = IdentityChooser(inventory, known, owners, usb_devices, given.links_directory)
    result: dict[Slot, dict[str, Candidate]] = {slot: {} for slot in slots}
    claims: defaultdict[Hashable, set[Slot]] = defaultdict(set)
    for *_, slot, _, key, entry in sorted(found):  # a slot has a path once, so what follows the path is never compared
        is_shared = slots[slot].is_shared
        is_withheld = (key.claim, False) in given.withheld or ((key.claim, True) in given.withheld and not is_shared)
        may_be_new = key in configured or slots[slot].type is PathType.MOUNT or not is_withheld
        if slot in former or not may_be_new:
            candidate = chooser.choose(slots[slot], entry, key, is_plain=slot in plain)
            if (slot, candidate.usb_device or candidate.identity) not in members:
                continue
        if slot in former or _may_have(slots[slot], slot, claims[key.claim]):  # former ones have what they had
            candidate = chooser.choose(slots[slot], entry, key, is_plain=slot in plain)
            if slot not in plain:
                owners.setdefault(candidate.identity, key)
            result[slot].setdefault(candidate.identity, candidate)
    return result


def _may_have(path_spec: PathSpec, slot: Slot, holders: set[Slot]) -> bool:
    """Claim a node for a path; False if another group's path has it, or this one has it by another name.

    Shared paths neither claim a node nor are refused one.
    """
    if path_spec.is_shared:
        return True
    if any(other == slot or other.group != slot.group for other in holders):
        return False
    holders.add(slot)
    return True


def fits(spec: ResourceSpec, path_spec: PathSpec, entry: PathEntry) -> bool:
    """Whether a container can get what is at a path."""
    if path_spec.type is PathType.MOUNT or entry.kind is PathKind.NODE:
        return True
    # The runtime passes all nodes in a directory: a glob does not ask for that, and no exclusion can prevent it.
    return entry.kind is PathKind.DIRECTORY and path_spec.is_literal and not spec.exclude


def is_ready(
    spec: ResourceSpec, path_spec: PathSpec, entry: PathEntry, inventory: Inventory, *, has_former: bool = False
) -> bool:
    """Whether a node can be offered for the first time.

    A literal path needs the node alone; a glob, and whatever may be excluded or a former device, its whole USB device.
    What udevd has not got to in time may be excluded by what it would say: that is not offered before it has.
    """
    if path_spec.is_literal and not (spec.exclude or has_former):
        return inventory.state_of(entry) is not NodeState.UNFINISHED
    return inventory.is_settled(entry) and not may_be_excluded(spec, entry, inventory)


def may_be_excluded(spec: ResourceSpec, entry: PathEntry, inventory: Inventory) -> bool:
    """Whether a link or a property of udev's, which are not known, may exclude a node."""
    return inventory.state_of(entry) is NodeState.OVERDUE and not all(one.is_by_usb_device for one in spec.exclude)
