"""What was measured, as values: figures, their targets, and how samples become figures. No I/O."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One number, and the most that it may be.

    Attributes:
        section: the question that it answers a part of.
        name: what of it.
        at_most: the target; None: told, not judged.
        at_least: the other kind of target.
        samples: what it was made from, in its unit, in the order of measurement.
    """

    section: str
    name: str
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None
    samples: tuple[float, ...] = ()

    @property
    def is_missed(self) -> bool:
        # NaN is a miss.
        return (self.at_most is not None and not self.value <= self.at_most) or (
            self.at_least is not None and not self.value >= self.at_least
        )

    @property
    def target(self) -> str:
        """The target as text; "" for none."""
        bounds = (("≤", self.at_most), ("≥", self.at_least))
        return " ".join(f"{sign} {bound:g} {self.unit}".strip() for sign, bound in bounds if bound is not None)

    def __str__(self) -> str:
        return f"{self.section}: {self.name}: {self.value:.4g} {self.unit}"


def percentile(samples: Sequence[float], percent: float) -> float:
    """The smallest sample that so many percent of all do not exceed: always one that was measured."""
    return sorted(samples)[max(0, math.ceil(len(samples) * percent / 100) - 1)]


def distribution(
    section: str,
    samples: Sequence[float],
    unit: str = "ms",
    *,
    name: str = "",
    median_at_most: float | None = None,
    p99_at_most: float | None = None,
    at_most: float | None = None,
) -> list[Figure]:
    """Median, p99 if there are enough, and maximum."""
    prefix = f"{name}, " if name else ""
    kept = tuple(samples)
    figures = [Figure(section, f"{prefix}median", statistics.median(kept), unit, median_at_most, samples=kept)]
    if len(kept) >= 100:
        figures.append(Figure(section, f"{prefix}p99", percentile(kept, 99), unit, p99_at_most))
    figures.append(Figure(section, f"{prefix}max", max(kept), unit, at_most))
    return figures
