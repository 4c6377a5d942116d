"""Why what stands at a path is not offered there.

Floor 4, pure. The order of the reasons is that in which ``candidates`` and ``formation`` turn things down.
"""

from collections.abc import Iterable, Iterator

from udev_device_plugin.config.specs import PathType
from udev_device_plugin.devices.candidates import Candidate, Slot, node_key
from udev_device_plugin.host.model import PathEntry, PathKind
from udev_device_plugin.reporting.list_devices.model import Decided
from udev_device_plugin.selectors.paths.selector import PathSelector
from udev_device_plugin.selectors.udev_rule.mismatch import NearMiss, NearMisses, bounded

CLAIMED = "already claimed by"
AWAITED = "udevd has not finished with it: offered as soon as it has, or in 3 s without what udev would know of it"


def misses_of_paths(decided: Decided, slot: Slot, selector: PathSelector) -> tuple[NearMisses, str]:
    """What stands at a glob's matches and is not offered there; and what to say if there is nothing at all."""
    misses = [*_twins(decided, selector), *_dead_links(decided, selector), *misses_of_matches(decided, slot)]
    remark = "nothing stands there" if selector.is_literal else "no path matches"
    return bounded(misses), "" if misses else remark


def misses_of_matches(decided: Decided, slot: Slot) -> list[NearMiss]:
    """What a selector matches and is not offered there; what another selector has, as it should be, comes last."""
    selector = decided.spec.groups[slot.group].paths[slot.member].selector
    given = (formed.members[slot.member] for formed in decided.formation.formed if formed.group == slot.group)
    offered = {candidate.path for candidate in given if candidate is not None}
    entries = sorted(decided.host.inventory.matches(selector).items())
    others = [(entry, why_not(decided, slot, entry)) for path, entry in entries if path not in offered]
    others.sort(key=lambda other: (other[1].startswith(CLAIMED), other[0].kind is not PathKind.NODE))
    return [NearMiss(entry.path, why) for entry, why in others]


def why_not(decided: Decided, slot: Slot, entry: PathEntry) -> str:
    """Why what stands at a match is not offered."""
    path_spec = decided.spec.groups[slot.group].paths[slot.member]
    is_mount = path_spec.type is PathType.MOUNT
    is_directory_by_name = entry.kind is PathKind.DIRECTORY and path_spec.is_literal
    if not is_mount and entry.kind is not PathKind.NODE and not is_directory_by_name:
        what = entry.kind.value if entry.kind is PathKind.OTHER else f"a {entry.kind.value}"
        return f"is {what}" if path_spec.is_literal else f"is {what}, and a glob means device nodes"
    if not is_mount and decided.host.inventory.is_unfinished(entry):
        return AWAITED
    if not is_mount and not path_spec.is_literal and not decided.host.inventory.is_settled(entry):
        return "udevd has not finished with other nodes of its USB device"
    holders = decided.by_node.get(node_key(decided.host.inventory, entry), ())
    for other, candidate in holders:
        if (other, candidate.path) == (slot, entry.path):
            return _why_unpaired(decided, slot, candidate)
    return _why_claimed(decided, slot, entry, holders)


def _why_claimed(decided: Decided, slot: Slot, entry: PathEntry, holders: Iterable[tuple[Slot, Candidate]]) -> str:
    """Which selector has the node."""
    for other, candidate in holders:
        if other == slot:
            return f"is {entry.target}, as is {candidate.path}: one node is one device"
        if _claims(decided, other):
            return f"{CLAIMED} {_shown(decided, other)}"
    return "has the same identity as another match"


def _claims(decided: Decided, slot: Slot) -> bool:
    """Whether what a selector has is kept from others."""
    path_spec = decided.spec.groups[slot.group].paths[slot.member]
    return path_spec.type is PathType.DEVICE and path_spec.limit == 1


def _why_unpaired(decided: Decided, slot: Slot, candidate: Candidate) -> str:
    """Why what a path may have is part of no device: a partner is missing, or another group has the device."""
    paths = decided.spec.groups[slot.group].paths
    others = [Slot(slot.group, member) for member in range(len(paths)) if member != slot.member]
    for other in others:
        if not decided.found[other] and not paths[other.member].optional:
            return f"goes together with {_shown(decided, other)}, which has no match"
    for formed in decided.formation.formed:
        if formed.group != slot.group and candidate.identity in formed.identity:
            return f"the same device is offered by groups[{formed.group}] already"
    joining = [other for other in others if decided.found[other]]
    if joining:
        scarce = min(joining, key=lambda other: len(decided.found[other]) * paths[other.member].limit)
        return f"no match of {_shown(decided, scarce)} is left to go together with"
    return "is not part of any device"


def _twins(decided: Decided, selector: PathSelector) -> Iterator[NearMiss]:
    """Devices that claim a link that the glob matches, and that leads to another one."""
    inventory = decided.host.inventory
    offered = {node.number for node in decided.by_node}
    if selector.is_literal and not inventory.matches(selector):
        return
    for device in inventory.devices():
        if device.number in offered:
            continue
        for link in filter(selector.glob.matches, device.devlinks):
            entry = inventory.entries.get(link)
            if entry is None or entry.number in (None, device.number):
                continue
            kind = next((f"{kind} " for kind in ("by-id", "by-path") if f"/{kind}/" in link), "")
            other = entry.target.removeprefix("/dev/")
            yield NearMiss(device.devnode, f"twin of {other}: same {kind}link, which leads to {other}: {link}")


def _dead_links(decided: Decided, selector: PathSelector) -> Iterator[NearMiss]:
    for path in sorted(filter(selector.glob.matches, decided.host.dead_links)):
        yield NearMiss(path, "is a link that leads nowhere")


def _shown(decided: Decided, slot: Slot) -> str:
    """A selector, and where it stands if there is another one like it."""
    selectors = [path_spec.selector for group in decided.spec.groups for path_spec in group.paths]
    selector = decided.spec.groups[slot.group].paths[slot.member].selector
    return f"{selector} in groups[{slot.group}]" if selectors.count(selector) > 1 else str(selector)
