"""Shows figures: a table for a person, a file for a program, and what was missed."""

import json
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version

from rich.console import Console
from rich.table import Table
from rich.text import Text

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
        console.print(f"[red]missed[/] {figure}, at most {figure.at_most:g}", highlight=False)


def missed(figures: Sequence[Figure]) -> list[Figure]:
    """What is above its target."""
    return [figure for figure in figures if figure.is_missed]


def write(path: str, figures: Sequence[Figure], load_before: float) -> None:
    """The figures with their samples, and what they come from, as JSON."""
    document = {
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
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path, "w") as file:
        json.dump(document, file, indent=1)
        file.write("\n")


def _cells(figure: Figure) -> tuple[str, str, str | Text]:
    value = f"{_rounded(figure.value)} {figure.unit}".strip()
    if figure.at_most is None:
        return figure.name, value, ""
    target = f"≤ {figure.at_most:g} {figure.unit}".strip()
    return (
        figure.name,
        value,
        Text(f"{target} {'✗' if figure.is_missed else '✓'}", "red" if figure.is_missed else "green"),
    )


def _rounded(value: float) -> str:
    return f"{value:.0f}" if value == int(value) or abs(value) >= 100 else f"{value:.2f}"


def _title(load_before: float) -> str:
    python, grpcio = platform.python_version(), version("grpcio")
    return f"Python {python}, grpcio {grpcio}, {os.cpu_count()} CPUs, load {load_before:.1f} before"
