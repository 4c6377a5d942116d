"""Shows a run: a table for a person, files for programs, and the table of BENCHMARKS.md."""

import json
import os
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version

from rich.console import Console
from rich.table import Table

from hack.benchmarks.figures import Figure, Samples, Summary

RECORD = "hack/benchmarks/recorded.json"
DOCUMENT = "BENCHMARKS.md"
BEGIN, END = "<!-- a run: written by hack/bench --record -->", "<!-- end of the run -->"


@dataclass(frozen=True, slots=True)
class Run:
    """What was measured.

    Attributes:
        columns: the revision of each column, `now` last.
        samples: by column.
        load: the machine's load average of one minute, before and after.
    """

    figures: Sequence[Figure]
    columns: Mapping[str, str]
    samples: Mapping[str, Samples]
    load: tuple[float, float]

    def summary(self, column: str, figure: Figure) -> Summary | None:
        """None: not measured, as its part broke down."""
        samples = self.samples.get(column, {}).get(figure.name)
        return Summary.of(samples) if samples else None

    def is_missed(self, figure: Figure) -> bool:
        """Whether it is beyond its budget now."""
        summary = self.summary("now", figure)
        return summary is not None and summary.misses(figure)

    def is_whole(self) -> bool:
        """Whether nothing broke down."""
        return all(self.summary(column, figure) for column in self.columns for figure in self.figures)

    def conditions(self) -> str:
        """In one line."""
        before, after = self.load
        return (
            f"{time.strftime('%Y-%m-%d')}; {os.cpu_count()} CPUs, kernel {platform.release()}, "
            f"Python {platform.python_version()}, grpcio {version('grpcio')}, pyudev {version('pyudev')}; "
            f"load average {before:.1f} before and {after:.1f} after; "
            f"{', '.join(f'{column}: {revision}' for column, revision in self.columns.items())}."
        )

    def rows(self) -> list[tuple[str, ...]]:
        """The heading and a line for each figure, as text."""
        is_comparing = len(self.columns) > 1
        table = [("figure", "n", *self.columns, *(("now : before",) if is_comparing else ()), "budget")]
        for figure in self.figures:
            summaries = [self.summary(column, figure) for column in self.columns]
            table.append(
                (
                    figure.name,
                    str(summaries[-1].n if summaries[-1] else 0),
                    *(_cell(summary, figure.unit) for summary in summaries),
                    *((ratio(*summaries),) if is_comparing else ()),
                    figure.budget() + (" missed" if self.is_missed(figure) else ""),
                )
            )
        return table

    def document(self, *, has_samples: bool) -> str:
        """As JSON."""
        figures = {
            figure.name: {
                "unit": figure.unit,
                "budget": {"median": figure.median, "p99": figure.p99},
                "is_missed": self.is_missed(figure),
                **{
                    column: asdict(summary) | ({"samples": self.samples[column][figure.name]} if has_samples else {})
                    for column in self.columns
                    if (summary := self.summary(column, figure))
                },
            }
            for figure in self.figures
        }
        document = {"conditions": self.conditions(), "revisions": self.columns, "figures": figures}
        return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def show(run: Run) -> None:
    """The table for a person."""
    heading, *lines = run.rows()
    table = Table(*heading, title=run.conditions())
    for line in lines:
        table.add_row(*line, style="red" if line[-1].endswith("missed") else "")
    Console(width=None if sys.stdout.isatty() else 200).print(table)


def record(run: Run) -> None:
    """Keep it: as numbers, and as the table of BENCHMARKS.md."""
    with open(RECORD, "w") as file:
        file.write(run.document(has_samples=False))
    replace(BEGIN, END, f"{run.conditions()}\n\n{markdown(run.rows()).replace(' missed |', ' **missed** |')}")


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """A table; its heading first."""
    heading, *lines = rows
    return "\n".join(f"| {' | '.join(line)} |" for line in (heading, ["---"] * len(heading), *lines))


def replace(begin: str, end: str, text: str) -> None:
    """Put a text between two lines of BENCHMARKS.md, in place of what is there."""
    with open(DOCUMENT) as file:
        head, _, rest = file.read().partition(begin)
    with open(DOCUMENT, "w") as file:
        file.write(f"{head}{begin}\n\n{text}\n\n{end}{rest.partition(end)[2]}")


def _cell(summary: Summary | None, unit: str) -> str:
    if summary is None:
        return "-"
    values = (summary.median, summary.p99, summary.max) if summary.n > 1 else (summary.median,)
    return f"{' / '.join(map(rounded, values))} {unit}".strip()


def ratio(before: Summary | None, now: Summary | None) -> str:
    """Of the medians."""
    return rounded(now.median / before.median) if before and now and before.median > 0 < now.median else ""


def rounded(value: float) -> str:
    """As many digits as mean something."""
    return f"{value:.0f}" if value == int(value) or abs(value) >= 100 else f"{value:.2f}"
