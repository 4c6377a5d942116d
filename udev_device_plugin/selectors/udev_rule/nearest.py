"""What comes close to a rule without being meant by it, and why: the closest first, and few enough to be read.

Pure. Any thread, as far as it goes: the devices that are compared may be bound to one. A host has thousands of devices;
almost is who fits a term that tells more than the subsystem, and if nobody does, whoever is of the subsystem, if those
are few.
"""

import heapq
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from udev_device_plugin.selectors.kind import MatchFacts
from udev_device_plugin.selectors.mismatch import MOST, NearMiss, NearMisses, bounded
from udev_device_plugin.selectors.udev_rule.rule import Mismatch, Rule
from udev_device_plugin.selectors.udev_rule.terms import Subject

if TYPE_CHECKING:  # it asks this module
    from udev_device_plugin.selectors.udev_rule.selector import UdevSelector

OF_DATABASE = frozenset({"ENV", "TAG", "TAGS", "SYMLINK"})
"""Keys that look into udev's database."""

FEW = 4
"""How many devices of a subsystem are told of though nothing else about them fits."""


def mismatches(selector: "UdevSelector", facts: MatchFacts) -> tuple[NearMisses, str]:
    """What comes close to a rule, or matches and is not offered; and what to say if nothing matches."""
    near = facts.near_misses(selector.rule)
    own = bounded([*facts.not_offered(), *_nodes_not_there(selector, facts)])
    misses = NearMisses((*own.closest, *near.closest), own.more + near.more)
    return misses, "" if own.closest else _remark(selector.rule, near)


def _nodes_not_there(selector: "UdevSelector", facts: MatchFacts) -> list[NearMiss]:
    """Devices that a rule means, whose node is not where the kernel has it."""
    gone = [device for device in facts.devices() if selector.selects(device) and not facts.is_there(device.devnode)]
    gone.sort(key=lambda device: device.sys_path)
    return [
        NearMiss(device.sys_path.rpartition("/")[2], f"matches, but its node {device.devnode} is not there")
        for device in gone
    ]


def _remark(rule: Rule, near: NearMisses) -> str:
    if near.of_subsystem is None or rule.subsystems is None:
        return "no device with a node matches"
    names = " or ".join(sorted(rule.subsystems))
    if near.of_subsystem == 0:
        return f"no device is of the subsystem {names}"
    if not near.closest:
        return f"no device matches, and none of the {near.of_subsystem} of the subsystem {names} comes close"
    return "no device with a node matches"


# What comes close, by trying the rules once more on all devices, now term by term.


class ComparedDevice(Subject, Protocol):
    """A device that rules are compared with."""

    @property
    def has_node(self) -> bool:
        """Whether it has a node."""

    @property
    def is_in_database(self) -> bool:
        """Whether it has an entry in udev's database."""


def compare(rules: Iterable[Rule], devices: Callable[[], Iterable[ComparedDevice]]) -> Mapping[Rule, NearMisses]:
    """What comes close to each rule: devices with and without a node.

    Those of another subsystem are tried only where nothing else comes close: reading sysfs takes its time.
    """
    nearest = {rule: Nearest(rule) for rule in rules}
    _try(nearest.values(), devices, are_of_subsystem=True)
    _try([one for one in nearest.values() if one.is_wanting], devices, are_of_subsystem=False)
    return {rule: one.result() for rule, one in nearest.items()}


def _try(
    collectors: Collection["Nearest"], devices: Callable[[], Iterable[ComparedDevice]], *, are_of_subsystem: bool
) -> None:
    for device in devices() if collectors else ():
        subsystem = device.subsystem
        for collector in collectors:
            if collector.is_of_subsystem(subsystem) is are_of_subsystem:
                collector.consider(
                    device.name,
                    subsystem,
                    collector.rule.mismatch(device),
                    has_node=device.has_node,
                    is_in_database=device.is_in_database,
                )


@dataclass(frozen=True, slots=True)
class _Seen:
    """A device that does not match; sorted, the closest is the first."""

    telling: int
    fitted: int
    name: str
    mismatch: Mismatch
    is_in_database: bool

    @property
    def rank(self) -> tuple[int, int, int, str]:
        return -self.telling, -self.fitted, len(self.name), self.name

    @property
    def miss(self) -> NearMiss:
        is_of_database = self.mismatch.term.key in OF_DATABASE and not self.is_in_database
        excuse = "; udev's database has nothing about it, or not yet" if is_of_database else ""
        return NearMiss(self.name, f"{self.mismatch}{excuse}")


class Nearest:
    """Collects what comes close to a rule.

    Args:
        rule: the rule.
    """

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._subsystems = rule.subsystems
        self._has_matched = False
        self._nodeless: list[NearMiss] = []
        self._of_subsystem: list[_Seen] = []
        self._of_others: list[_Seen] = []

    @property
    def is_wanting(self) -> bool:
        """Whether nothing came close: then devices of another subsystem are worth a look."""
        return not (self._has_matched or self._nodeless or any(seen.telling for seen in self._of_subsystem))

    def is_of_subsystem(self, subsystem: str) -> bool:
        """Whether a device of this subsystem may match."""
        return self._subsystems is None or subsystem in self._subsystems

    def consider(
        self, name: str, subsystem: str, mismatch: Mismatch | None, *, has_node: bool, is_in_database: bool = True
    ) -> None:
        """Take a device in, with what speaks against it; whether it has a node, and an entry in udev's database."""
        if mismatch is not None:
            seen = _Seen(mismatch.telling, mismatch.fitted, name, mismatch, is_in_database)
            (self._of_subsystem if self.is_of_subsystem(subsystem) else self._of_others).append(seen)
        elif has_node:
            self._has_matched = True
        else:
            self._nodeless.append(NearMiss(name, "matches, but has no node"))

    def result(self) -> NearMisses:
        """What came closest."""
        number = None if self._subsystems is None else len(self._of_subsystem)
        near = self._near()
        best = max((seen.telling for seen in near), default=0)
        good = [seen for seen in near if seen.telling >= best - 1]  # who fits much less would only be in the way
        closest = heapq.nsmallest(MOST, good, key=lambda seen: seen.rank)
        told = [*self._nodeless, *(seen.miss for seen in closest)][:MOST]
        return NearMisses(tuple(told), len(self._nodeless) + len(good) - len(told), number)

    def _near(self) -> list[_Seen]:
        if not self.is_wanting:
            return [seen for seen in self._of_subsystem if seen.telling]
        if others := [seen for seen in self._of_others if seen.telling]:
            return others
        return self._of_subsystem if len(self._of_subsystem) <= FEW else []
