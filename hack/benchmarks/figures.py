"""All figures with their budgets, and how samples become what is reported. No I/O."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Samples = Mapping[str, Sequence[float]]
"""What a measurement yields: by figure, in its unit, in the order of measurement."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure, of a part of the run; `median` and `p99` are its budget, None where there is none."""

    part: str
    name: str
    unit: str = "ms"
    median: float | None = None
    p99: float | None = None

    def budget(self) -> str:
        """As text; "" for none."""
        budgets = (("median", self.median), ("p99", self.p99))
        return ", ".join(f"{name} ≤ {budget:g}" for name, budget in budgets if budget is not None)


FIGURES = (
    Figure("plug", "plug, 1 resource", median=5, p99=20),
    Figure("plug", "unplug, 1 resource", median=5, p99=20),
    Figure("plug", "first plug, 1 resource", median=5, p99=20),
    Figure("many", "plug, 20 resources", median=5, p99=20),
    Figure("many", "unplug, 20 resources", median=5, p99=20),
    Figure("many", "plug, 20 resources, 5,000 unrelated nodes", median=5, p99=20),
    Figure("many", "unplug, 20 resources, 5,000 unrelated nodes", median=5, p99=20),
    Figure("large", "plug of the 256th device in 1 resource", p99=30),
    Figure("storm", "1,000 plugs at once, last event to last list", p99=1000),
    Figure("unrelated", "CPU for unrelated events, 1 resource", "x bare listener", p99=2),
    Figure("unrelated", "CPU for unrelated events, 20 resources", "x bare listener", p99=2),
    Figure("unrelated", "CPU of the bare listener, each event", "µs"),
    Figure("start", "start to registered, 1 resource", p99=500),
    Figure("start", "start to registered, 20 resources", p99=500),
    Figure("kubelet", "kubelet restart to all lists, 1 resource"),
    Figure("kubelet", "kubelet restart to all lists, 20 resources"),
    Figure("kubelet", "plug right after a kubelet restart"),
    Figure("kubelet", "plugs right after a kubelet restart, lost", "", p99=0),
    Figure("idle", "idle, wake-ups of its own threads", "/s", p99=0),
    Figure("idle", "resident memory, 1 resource", "MiB", p99=50),
    Figure("idle", "resident memory, 20 resources", "MiB"),
    Figure("idle", "resident memory, 20 resources, 5,000 unrelated nodes", "MiB"),
)
PARTS = tuple(dict.fromkeys(figure.part for figure in FIGURES))
BARE = ", bare plugin"
"""How the figures of the plugin end that the plugin is held against beside a real kubelet."""

BESIDE_UDEVD = ("plug", "storm")
"""Parts with real kernel events and a real udevd; the others are measured on a made-up host."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What is reported of a figure's samples; `p99` is the smallest that 99 % of them do not exceed."""

    n: int
    median: float
    p99: float
    max: float

    @classmethod
    def of(cls, samples: Sequence[float]) -> "Summary":
        """At least one sample; of fewer than 100, `p99` is the maximum."""
        p99 = sorted(samples)[math.ceil(len(samples) * 0.99) - 1]
        return cls(len(samples), statistics.median(samples), p99, max(samples))

    def misses(self, figure: Figure) -> bool:
        """Whether it is beyond the figure's budget."""
        held = ((self.median, figure.median), (self.p99, figure.p99))
        return any(budget is not None and value > budget for value, budget in held)
