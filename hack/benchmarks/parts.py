"""The parts of a run: what each measures, how much of it, and in which lab."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, fields
from enum import Enum

from hack.benchmarks.figures import Figure


class Lab(Enum):
    """Where a part runs: beside a real udevd with real kernel events, or on a made-up host."""

    UDEVD = "udevd"
    WORLD = "world"


@dataclass(frozen=True, slots=True)
class Amounts:
    """How much of everything.

    Attributes:
        plugs: single plugs, in each situation (a fifth where it is said).
        storm: sticks at once.
        restarts: of the kubelet.
        starts: of the plugin.
        idle: seconds of doing nothing.
        crowd: nodes on a host.
        uevents: that mean nothing to the plugin.
        flaps: of one stick.
    """

    plugs: int = 500
    storm: int = 1000
    restarts: int = 20
    starts: int = 10
    idle: int = 60
    crowd: int = 5000
    uevents: int = 100_000
    flaps: int = 10_000

    def divided(self, by: int) -> "Amounts":
        """So many times less of everything, to see that it works."""
        return Amounts(**{one.name: max(1, getattr(self, one.name) // by) for one in fields(self)})


Measure = Callable[[Amounts], Awaitable[list[Figure]]]


@dataclass(frozen=True, slots=True)
class Part:
    """One part; `measure` is to be called in its lab."""

    lab: Lab
    measure: Measure


def parts() -> Mapping[str, Part]:
    """All parts, in the order in which they are shown."""
    from hack.benchmarks import (  # noqa: PLC0415 - the table alone needs none of them
        crowd,
        flap,
        idle,
        imports,
        kubelet,
        latency,
        polling,
        startup,
        storm,
        unrelated,
    )

    return {
        "latency": Part(Lab.UDEVD, lambda amounts: latency.measure(amounts.plugs)),
        "crowd": Part(Lab.WORLD, lambda amounts: crowd.measure(amounts.plugs, amounts.crowd)),
        "polling": Part(Lab.WORLD, lambda _: polling.measure()),
        "storm": Part(Lab.UDEVD, lambda amounts: storm.measure(amounts.storm)),
        "flap": Part(Lab.WORLD, lambda amounts: flap.measure(amounts.flaps)),
        "unrelated": Part(Lab.WORLD, lambda amounts: unrelated.measure(amounts.uevents)),
        "kubelet": Part(Lab.UDEVD, lambda amounts: kubelet.measure(amounts.restarts)),
        "startup": Part(Lab.UDEVD, lambda amounts: startup.measure(amounts.starts)),
        "imports": Part(Lab.WORLD, lambda _: imports.measure()),
        "idle": Part(Lab.UDEVD, lambda amounts: idle.measure(amounts.idle)),
    }


PARTS = ("latency", "crowd", "polling", "storm", "flap", "unrelated", "kubelet", "startup", "imports", "idle")
