"""What a selector does not give to a device, though one might think so, and why: few enough to be read.

Pure. Any thread.
"""

from collections.abc import Iterable
from dataclasses import dataclass

MOST = 8
"""How many are told of one selector."""


@dataclass(frozen=True, slots=True)
class NearMiss:
    """Something on the host that a selector does not mean, or that is not offered though it does.

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
        of_subsystem: how many devices are of the subsystem that is asked for; None if there is none.
    """

    closest: tuple[NearMiss, ...] = ()
    more: int = 0
    of_subsystem: int | None = None


def bounded(misses: Iterable[NearMiss]) -> NearMisses:
    """So many of them as a person reads; the closest come first."""
    misses = tuple(misses)
    return NearMisses(misses[:MOST], len(misses[MOST:]))
