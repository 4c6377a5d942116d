"""What became of one selector's matches: what it gives to devices, and why it does not give more.

Pure. The order of the reasons is that in which ``devices.candidates`` and the groupings turn things down. What only one
kind of selector can say, it says itself (``mismatch`` of its package).
"""

from collections.abc import Collection, Iterable, Iterator

from udev_device_plugin.config.specs import PathType
from udev_device_plugin.devices.candidates import Candidate, Slot, node_key
from udev_device_plugin.host.model import HostDevice, PathEntry, PathKind
from udev_device_plugin.reporting.list_devices.model import Decided
from udev_device_plugin.selectors.kind import LostLink
from udev_device_plugin.selectors.mismatch import NearMiss, NearMisses
from udev_device_plugin.selectors.udev_rule.rule import Rule

CLAIMED = "already claimed by"
AWAITED = "udevd has not finished with it: offered as soon as it has, or in 3 s without what udev would know of it"


class Facts:
    """`MatchFacts` about the selector in ``slot``."""

    def __init__(self, decided: Decided, slot: Slot) -> None:
        self._decided = decided
        self._slot = slot
        self._inventory = decided.host.inventory

    @property
    def dead_links(self) -> Collection[str]:
        """Configured paths at which a link stands that leads nowhere."""
        return self._decided.host.dead_links

    def devices(self) -> Iterable[HostDevice]:
        """All devices with a node that are known."""
        return self._inventory.devices()

    def is_there(self, path: str) -> bool:
        """Whether something stands at a path that is watched."""
        return path in self._inventory.entries

    def lost_links(self) -> Iterator[LostLink]:
        """The links that devices claim, which are in no device of the resource, and that lead to others."""
        offered = {node.number for node in self._decided.by_node}
        for device in self._inventory.devices():
            if device.number in offered:
                continue
            for link in device.devlinks:
                entry = self._inventory.entries.get(link)
                if entry is not None and entry.number not in (None, device.number):
                    yield LostLink(device.devnode, link, entry.target)

    def near_misses(self, rule: Rule) -> NearMisses:
        """What comes close to one of the selector's rules."""
        return self._decided.host.near.get(rule, NearMisses())

    def found(self) -> Collection[Candidate]:
        """What the selector may have."""
        return self._decided.found[self._slot].values()

    def offered(self) -> Collection[Candidate]:
        """What it gives to devices."""
        given = (match for formed in self._decided.formation.devices for match in formed.matches(self._decided.spec))
        return [candidate for slot, candidate in given if slot == self._slot]

    def not_offered(self) -> list[NearMiss]:
        """What it matches and does not give, and why; what another selector has, as it should be, comes last."""
        offered = {candidate.path for candidate in self.offered()}
        selector = self._decided.spec.groups[self._slot.group].paths[self._slot.member].selector
        entries = sorted(self._inventory.matches(selector).items())
        others = [(entry, _why_not(self._decided, self._slot, entry)) for path, entry in entries if path not in offered]
        others.sort(key=lambda other: (other[1].startswith(CLAIMED), other[0].kind is not PathKind.NODE))
        return [NearMiss(entry.path, why) for entry, why in others]

    def why_not(self, path: str) -> str:
        """Why what stands at a path, or should, is not offered."""
        entry = self._inventory.entries.get(path)
        return "is not there" if entry is None else _why_not(self._decided, self._slot, entry)


def _why_not(decided: Decided, slot: Slot, entry: PathEntry) -> str:
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
    for formed in decided.formation.devices:
        if formed.group != slot.group and candidate.identity in formed.identity:
            return f"the same device is offered by groups[{formed.group}] already"
    joining = [other for other in others if decided.found[other]]
    if joining:
        scarce = min(joining, key=lambda other: len(decided.found[other]) * paths[other.member].limit)
        return f"no match of {_shown(decided, scarce)} is left to go together with"
    return "is not part of any device"


def _shown(decided: Decided, slot: Slot) -> str:
    """A selector, and where it stands if there is another one like it."""
    selectors = [path_spec.selector for group in decided.spec.groups for path_spec in group.paths]
    selector = decided.spec.groups[slot.group].paths[slot.member].selector
    return f"{selector} in groups[{slot.group}]" if selectors.count(selector) > 1 else str(selector)
