"""Which devices come close to a rule without matching it, and why: the rule is tried once more, term by term.

Pure, but the compared devices may belong to one thread. A host has thousands of devices. A device comes close if it
fits a term that is specific (`Term.is_specific`). If none does, the devices of the subsystem count, if they are few.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from udev_device_plugin.selectors.mismatch import NearMiss, NearMisses, bounded
from udev_device_plugin.selectors.records import ComparedDevice
from udev_device_plugin.selectors.udev_rule.rule import Mismatch, Rule

OF_DATABASE = frozenset({"ENV", "TAG", "TAGS", "SYMLINK"})
"""Keys that look into udev's database."""

FEW = 4
"""How many devices of a subsystem are shown though nothing else about them fits."""


def compare(rules: Iterable[Rule], devices: Callable[[], Iterable[ComparedDevice]]) -> Mapping[Rule, NearMisses]:
    """Return what comes close to each rule, among devices with and without a node.

    Those of another subsystem are tried only where nothing else comes close: reading sysfs takes time.
    """
    nearest = {rule: Nearest(rule) for rule in rules}
    for are_of_subsystem in (True, False):
        collectors = [one for one in nearest.values() if are_of_subsystem or one.has_nothing]
        for device in devices() if collectors else ():
            subsystem = device.subsystem
            for collector in collectors:
                if collector.is_of_subsystem(subsystem) is are_of_subsystem:
                    collector.consider(device)
    return {rule: one.result() for rule, one in nearest.items()}


@dataclass(frozen=True, slots=True)
class _Seen:
    """A device that does not match."""

    name: str
    mismatch: Mismatch
    is_in_database: bool

    @property
    def rank(self) -> tuple[int, int, int, str]:
        """The closest has the lowest."""
        return -self.mismatch.specific, -self.mismatch.fitted, len(self.name), self.name

    @property
    def miss(self) -> NearMiss:
        is_of_database = self.mismatch.term.key in OF_DATABASE and not self.is_in_database
        excuse = "; udev's database has nothing about it, or not yet" if is_of_database else ""
        return NearMiss(self.name, f"{self.mismatch}{excuse}")


class Nearest:
    """Collects what comes close to one rule."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._subsystems = rule.subsystems
        self._has_matched = False
        self._without_node: list[NearMiss] = []
        self._of_subsystem: list[_Seen] = []
        self._of_others: list[_Seen] = []

    @property
    def has_nothing(self) -> bool:
        """Whether nothing came close: then devices of another subsystem are tried too."""
        return not (self._has_matched or self._without_node or _specific(self._of_subsystem))

    def is_of_subsystem(self, subsystem: str) -> bool:
        """Whether a device of this subsystem may match."""
        return self._subsystems is None or subsystem in self._subsystems

    def consider(self, device: ComparedDevice) -> None:
        """Try the rule on a device."""
        mismatch = self._rule.mismatch(device)
        if mismatch is not None:
            seen = self._of_subsystem if self.is_of_subsystem(device.subsystem) else self._of_others
            seen.append(_Seen(device.name, mismatch, device.is_in_database))
        elif device.has_node:
            self._has_matched = True
        else:
            of = f", a device of the subsystem {device.subsystem}" if device.subsystem else ""
            self._without_node.append(NearMiss(device.name, f"matches, but has no node{of}"))

    def result(self) -> NearMisses:
        """Return what came closest."""
        near = _specific(self._of_subsystem)
        if self.has_nothing:
            near = _specific(self._of_others) or (self._of_subsystem if len(self._of_subsystem) <= FEW else [])
        best = max((seen.mismatch.specific for seen in near), default=0)
        good = [seen for seen in near if seen.mismatch.specific >= best - 1]  # those that fit much less distract
        good.sort(key=lambda seen: seen.rank)
        number = None if self._subsystems is None else len(self._of_subsystem)
        return replace(bounded([*self._without_node, *(seen.miss for seen in good)]), of_subsystem=number)


def _specific(seen: Iterable[_Seen]) -> list[_Seen]:
    return [one for one in seen if one.mismatch.specific]
