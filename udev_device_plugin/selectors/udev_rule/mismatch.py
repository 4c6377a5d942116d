"""What comes close to a rule without being meant by it: the closest first, and few enough to be read.

Floor 2, pure. A host has thousands of devices; almost is who fits a term that tells more than the subsystem, and if
nobody does, whoever is of the subsystem, if those are few.
"""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass

from udev_device_plugin.selectors.udev_rule.rule import Mismatch, Rule

MOST = 8
"""How many are told of one selector."""

OF_DATABASE = frozenset({"ENV", "TAG", "TAGS", "SYMLINK"})
"""Keys that look into udev's database."""

FEW = 4
"""How many devices of a subsystem are told of though nothing else about them fits."""


@dataclass(frozen=True, slots=True)
class NearMiss:
    """Something on the host that a selector does not mean, though one might think so.

    Attributes:
        name: the path, or the kernel's name of the device.
        why: what speaks against it: ``ATTRS{idProduct} is ea70, wanted ea60``.
    """

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class NearMisses:
    """What comes close to one selector.

    Attributes:
        closest: the closest first.
        more: how many there are besides.
        of_subsystem: how many devices are of the rule's subsystem; None if it names none.
    """

    closest: tuple[NearMiss, ...] = ()
    more: int = 0
    of_subsystem: int | None = None


def bounded(misses: Iterable[NearMiss], of_subsystem: int | None = None) -> NearMisses:
    """So many of them as a person reads; the closest come first."""
    misses = tuple(misses)
    return NearMisses(misses[:MOST], len(misses[MOST:]), of_subsystem)


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
        is_udevs_word = self.mismatch.term.key in OF_DATABASE and not self.is_in_database
        excuse = "; udev's database has nothing about it, or not yet" if is_udevs_word else ""
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
        self._at_home: list[_Seen] = []
        self._abroad: list[_Seen] = []

    @property
    def is_wanting(self) -> bool:
        """Whether nothing came close: then devices of another subsystem are worth a look."""
        return not (self._has_matched or self._nodeless or any(seen.telling for seen in self._at_home))

    def is_at_home(self, subsystem: str) -> bool:
        """Whether a device of this subsystem may match."""
        return self._subsystems is None or subsystem in self._subsystems

    def consider(
        self, name: str, subsystem: str, mismatch: Mismatch | None, *, has_node: bool, is_in_database: bool = True
    ) -> None:
        """Take a device in, with what speaks against it; whether it has a node, and an entry in udev's database."""
        if mismatch is not None:
            seen = _Seen(mismatch.telling, mismatch.fitted, name, mismatch, is_in_database)
            (self._at_home if self.is_at_home(subsystem) else self._abroad).append(seen)
        elif has_node:
            self._has_matched = True
        else:
            self._nodeless.append(NearMiss(name, "matches, but has no node"))

    def result(self) -> NearMisses:
        """What came closest."""
        number = None if self._subsystems is None else len(self._at_home)
        near = self._near()
        best = max((seen.telling for seen in near), default=0)
        good = [seen for seen in near if seen.telling >= best - 1]  # who fits much less would only be in the way
        closest = heapq.nsmallest(MOST, good, key=lambda seen: seen.rank)
        told = [*self._nodeless, *(seen.miss for seen in closest)][:MOST]
        return NearMisses(tuple(told), len(self._nodeless) + len(good) - len(told), number)

    def _near(self) -> list[_Seen]:
        if not self.is_wanting:
            return [seen for seen in self._at_home if seen.telling]
        if abroad := [seen for seen in self._abroad if seen.telling]:
            return abroad
        return self._at_home if len(self._at_home) <= FEW else []
