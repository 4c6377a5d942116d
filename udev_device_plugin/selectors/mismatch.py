"""What comes close to a selector, or matches and is not offered, and why: few enough for a person to read.

Pure. Any thread.
"""

from collections.abc import Iterable
from dataclasses import dataclass

MOST = 8
"""How many are shown for one selector."""


@dataclass(frozen=True, slots=True)
class NearMiss:
    """Something on the host that a selector does not offer: its path or kernel name, and the reason.

    A reason is a phrase like ``ATTRS{idProduct} is ea70, wanted ea60``.
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


def bounded(misses: Iterable[NearMiss]) -> NearMisses:
    """Return the first `MOST` of them, and the number of the others."""
    misses = tuple(misses)
    return NearMisses(misses[:MOST], len(misses[MOST:]))
