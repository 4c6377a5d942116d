"""Runs that are kept: the last recorded one, what is worse than it, and the table of BENCHMARKS.md."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hack.benchmarks.figures import Figure

RECORD = "hack/benchmarks/recorded.json"
DOCUMENT = "BENCHMARKS.md"
BEGIN, END = "<!-- a run: written by hack/bench --record -->", "<!-- end of the run -->"

_NOISE: Mapping[str, tuple[float, float]] = {
    "ms": (0.5, 0.3),
    "s": (0.5, 0.5),
    "µs": (0.3, 1.0),
    "MiB": (0.03, 0.3),
    "KiB": (0.01, 0.1),
    "/s": (0.5, 1.0),
    "ms/s": (1.0, 0.2),
    "": (0.3, 1.0),
}
"""By unit: which part of a figure, and how much at least, two runs may differ by without anything having changed."""

_EXTREME = 3.0
"""Maxima and p99 differ by so many times more."""


@dataclass(frozen=True, slots=True)
class Change:
    """A figure that is worse than the recorded one, by more than the noise."""

    figure: Figure
    before: float

    def __str__(self) -> str:
        return f"{self.figure}, before {self.before:.4g}"


def regressions(figures: Iterable[Figure], record: Mapping[str, Any]) -> list[Change]:
    """What is worse than recorded."""
    before = {(one["section"], one["name"]): float(one["value"]) for one in record["figures"]}
    known = ((figure, before.get((figure.section, figure.name))) for figure in figures)
    return [Change(figure, value) for figure, value in known if value is not None and _is_worse(figure, value)]


def _is_worse(figure: Figure, before: float) -> bool:
    part, least = _NOISE.get(figure.unit, (0.5, 0.0))
    times = _EXTREME if figure.name.endswith(("max", "p99")) else 1.0
    allowed = max(abs(before) * part, least) * times
    return (before - figure.value if figure.at_least is not None else figure.value - before) > allowed


def load(path: str = RECORD) -> Mapping[str, Any] | None:
    """The last recorded run; None if there is none."""
    try:
        with open(path) as file:
            record: Mapping[str, Any] = json.load(file)
    except FileNotFoundError:
        return None
    return record


def keep(document: Mapping[str, Any], figures: Sequence[Figure]) -> None:
    """Record a run: without its samples, and as the table of BENCHMARKS.md."""
    slim = [{key: value for key, value in one.items() if key != "samples"} for one in document["figures"]]
    with open(RECORD, "w") as file:
        json.dump({**document, "figures": slim}, file, indent=1, ensure_ascii=False)
        file.write("\n")
    with open(DOCUMENT) as file:
        text = file.read()
    head, _, rest = text.partition(BEGIN)
    tail = rest.partition(END)[2]
    with open(DOCUMENT, "w") as file:
        file.write(f"{head}{BEGIN}\n\n{_told(document)}\n\n{table(figures)}\n\n{END}{tail}")


def _told(document: Mapping[str, Any]) -> str:
    machine = document["machine"]
    programs = f"kernel {machine['kernel']}, Python {machine['python']}, grpcio {machine['packages']['grpcio']}"
    return f"{document['when'][:10]}, {machine['cpus']} CPUs, {programs}; load {machine['load_before']:.1f} before."


def table(figures: Sequence[Figure]) -> str:
    """As Markdown."""
    lines = ["| question | figure | value | target |", "|---|---|---|---|"]
    section = ""
    for figure in figures:
        first = figure.section if figure.section != section else ""
        section = figure.section
        value = f"{rounded(figure.value)} {figure.unit}".strip()
        target = f"{figure.target} **missed**" if figure.is_missed else figure.target
        lines.append(f"| {first} | {figure.name} | {value} | {target} |")
    return "\n".join(lines)


def rounded(value: float) -> str:
    """As many digits as mean something."""
    return f"{value:.0f}" if value == int(value) or abs(value) >= 100 else f"{value:.2f}"
