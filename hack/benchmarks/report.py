"""Shows figures: a table for a person, a file for a program, what was missed, and what was better before."""

import json
import os
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from hack.benchmarks import records
from hack.benchmarks.figures import Figure

PACKAGES = ("udev-device-plugin", "grpcio", "pyudev", "protobuf", "prometheus-client")


def show(console: Console, figures: Sequence[Figure], load_before: float) -> None:
    """The table, then one line for each target that was missed."""
    table = Table("question", "figure", title=_title(load_before))
    table.add_column("value", justify="right")
    table.add_column("target", justify="right")
    section = ""
    for figure in figures:
        if figure.section != section:
            table.add_section()
        table.add_row(figure.section if figure.section != section else "", *_cells(figure))
        section = figure.section
    console.print(table)
    for figure in missed(figures):
        console.print(f"[red]missed[/] {figure}, target {figure.target}", highlight=False)


def missed(figures: Sequence[Figure]) -> list[Figure]:
    """What is beyond its target."""
    return [figure for figure in figures if figure.is_missed]


def compare(console: Console, figures: Sequence[Figure]) -> list[records.Change]:
    """One line for each figure that is worse than in the recorded run."""
    record = records.load()
    if record is None:
        console.print(f"nothing to compare with: {records.RECORD} is not there; hack/bench --record makes it")
        return []
    worse = records.regressions(figures, record)
    for change in worse:
        console.print(f"[red]worse[/] {change}", highlight=False)
    if not worse:
        console.print(f"nothing is worse than on {record['when'][:10]}, beyond the noise", highlight=False)
    return worse


def document(figures: Sequence[Figure], load_before: float) -> Mapping[str, Any]:
    """The figures with their samples, and what they come from."""
    return {
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": {
            "cpus": os.cpu_count(),
            "kernel": platform.release(),
            "python": platform.python_version(),
            "load_before": load_before,
            "packages": {name: version(name) for name in PACKAGES},
        },
        "figures": [asdict(figure) | {"missed": figure.is_missed} for figure in figures],
    }


def write(path: str, written: Mapping[str, Any]) -> None:
    """As JSON."""
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path, "w") as file:
        json.dump(written, file, indent=1)
        file.write("\n")


def _cells(figure: Figure) -> tuple[str, str, str | Text]:
    value = f"{records.rounded(figure.value)} {figure.unit}".strip()
    if not figure.target:
        return figure.name, value, ""
    mark, colour = ("✗", "red") if figure.is_missed else ("✓", "green")
    return figure.name, value, Text(f"{figure.target} {mark}", colour)


def _title(load_before: float) -> str:
    python, grpcio = platform.python_version(), version("grpcio")
    return f"Python {python}, grpcio {grpcio}, {os.cpu_count()} CPUs, load {load_before:.1f} before"
