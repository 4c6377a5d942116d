"""What became of one selector's matches: what it gives to devices, and why it does not give more.

Pure. The reasons come in the order in which ``devices.path_assignment`` and ``devices.pairing`` reject matches. A
reason that only one kind of selector can have comes from its own package.
"""

from collections.abc import Collection, Iterable, Iterator

from udev_device_plugin.config.specs import PathType
from udev_device_plugin.devices.candidates import Candidate, Slot, node_key
from udev_device_plugin.devices.path_assignment import fits, is_ready, may_be_excluded
from udev_device_plugin.host.model import HostDevice, NodeState, PathEntry, PathKind
from udev_device_plugin.reporting.list_devices.model import Decided
from udev_device_plugin.selectors.kind import LostLink, MatchFacts
from udev_device_plugin.selectors.mismatch import NearMiss, NearMisses
from udev_device_plugin.selectors.udev_rule.rule import Rule

CLAIMED = "already claimed by"
AWAITED = "udevd has not finished with it: offered as soon as it has, or in 3 s without what udev would know of it"


def facts_about(decided: Decided, slot: Slot) -> MatchFacts:
    """Return the facts about the selector in ``slot``."""
    return _Facts(decided, slot)


class _Facts:
    def __init__(self, decided: Decided, slot: Slot) -> None:
        self._decided = decided
        self._slot = slot
        self._path_spec = decided.path_spec(slot)
        self._inventory = decided.host.inventory

    @property
    def dead_links(self) -> Collection[str]:
        return self._decided.host.dead_links

    def devices(self) -> Iterable[HostDevice]:
        return self._inventory.devices()

    def is_there(self, path: str) -> bool:
        return path in self._inventory.entries

    def lost_links(self) -> Iterator[LostLink]:
        offered = {node.number for node in self._decided.by_node}
        for device in self._inventory.devices():
            if device.number in offered:
                continue
            for link in device.devlinks:
                entry = self._inventory.entries.get(link)
                if entry is not None and entry.number not in (None, device.number):
                    yield LostLink(device.devnode, link, entry.target)

    def near_misses(self, rule: Rule) -> NearMisses:
        return self._decided.host.near.get(rule, NearMisses())

    def found(self) -> Collection[Candidate]:
        return self._decided.found[self._slot].values()

    def offered(self) -> Collection[Candidate]:
        return [candidate for slot, candidate in self._given() if slot == self._slot]

    def not_offered(self) -> list[NearMiss]:
        offered = {candidate.path for candidate in self.offered()}
        entries = sorted(self._inventory.matches(self._path_spec.selector).items())
        others = [(entry, self._why_not(entry)) for path, entry in entries if path not in offered]
        others.sort(key=lambda other: (other[1].startswith(CLAIMED), other[0].kind is not PathKind.NODE))
        return [NearMiss(entry.path, why) for entry, why in others]

    def why_not(self, path: str) -> str:
        entry = self._inventory.entries.get(path)
        return "is not there" if entry is None else self._why_not(entry)

    def _given(self) -> Iterator[tuple[Slot, Candidate]]:
        """Yield what devices have, each with the path of the spec that gave it."""
        for device in self._decided.assembled.devices:
            yield from device.matches(self._decided.spec)

    def _why_not(self, entry: PathEntry) -> str:
        spec, is_mount = self._decided.spec, self._path_spec.type is PathType.MOUNT
        if (excluding := self._decided.exclusion.of(entry)) is not None:
            return f"is excluded by {excluding}"
        if not fits(spec, self._path_spec, entry):
            return self._why_unfit(entry)
        if not is_mount and not is_ready(spec, self._path_spec, entry, self._inventory):
            return self._why_not_ready(entry)
        holders = self._decided.by_node.get(node_key(self._inventory, entry), ())
        for slot, candidate in holders:
            if (slot, candidate.path) == (self._slot, entry.path):
                return self._why_unpaired(candidate)
        return self._why_claimed(entry, holders)

    def _why_not_ready(self, entry: PathEntry) -> str:
        if self._inventory.state_of(entry) is NodeState.UNFINISHED:
            return AWAITED
        if may_be_excluded(self._decided.spec, entry, self._inventory):
            return "may be excluded by a link or a property that udevd has not announced: offered once it has"
        return "udevd has not finished with other nodes of its USB device"

    def _why_unfit(self, entry: PathEntry) -> str:
        """Say what it is that a container cannot get."""
        what = entry.kind.value if entry.kind is PathKind.OTHER else f"a {entry.kind.value}"
        if not self._path_spec.is_literal:
            return f"is {what}, and a glob means device nodes"
        if entry.kind is PathKind.DIRECTORY:
            return f"is {what}, with which a container would get what is excluded, too: name the nodes in it"
        return f"is {what}"

    def _why_claimed(self, entry: PathEntry, holders: Iterable[tuple[Slot, Candidate]]) -> str:
        """Say which selector has the node."""
        for slot, candidate in holders:
            if slot == self._slot:
                return f"is {entry.target}, as is {candidate.path}: one node is one device"
            path_spec = self._decided.path_spec(slot)
            if path_spec.type is PathType.DEVICE and path_spec.limit == 1:  # others do not claim what they have
                return f"{CLAIMED} {self._shown(slot)}"
        return "has the same identity as another match"

    def _why_unpaired(self, candidate: Candidate) -> str:
        """Say why a candidate is in no device: there is none to pair it with, or another group has the device."""
        found, group = self._decided.found, self._slot.group
        paths = self._decided.spec.groups[group].paths
        others = [Slot(group, member) for member in range(len(paths)) if member != self._slot.member]
        for other in others:
            if not found[other] and not paths[other.member].optional:
                return f"goes together with {self._shown(other)}, which has no match"
        for slot, match in self._given():
            if slot.group == group and slot != self._slot and match.node == candidate.node:
                return f"is {candidate.target}, which a device of its group has already by {match.path}"
        for device in self._decided.assembled.devices:
            if device.group != group and candidate.identity in device.identity:
                return (
                    f"the same device is offered by {self._shown(next(device.matches(self._decided.spec))[0])} already"
                )
        if pairing := [other for other in others if found[other]]:
            scarce = min(pairing, key=lambda other: len(found[other]) * paths[other.member].limit)
            return f"no match of {self._shown(scarce)} is left to go together with"
        return "is not part of any device"

    def _shown(self, slot: Slot) -> str:
        """Return a selector as text; if it is one of another group and there is an equal one, that is said."""
        selectors = [path_spec.selector for group in self._decided.spec.groups for path_spec in group.paths]
        selector = self._decided.path_spec(slot).selector
        is_elsewhere = slot.group != self._slot.group and selectors.count(selector) > 1
        return f"{selector} in another group" if is_elsewhere else str(selector)
