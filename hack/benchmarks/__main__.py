"""The command line of hack/bench: which parts, where the figures go, and what they are held against.

Outside of all labs; each lab is entered once, for all of its parts.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence

from rich.console import Console

from hack.benchmarks import records, report
from hack.benchmarks.figures import Figure
from hack.benchmarks.parts import PARTS, Lab, parts

_ENTER = {
    Lab.UDEVD: ("hack/lib/beside-udevd", "-r", "hack/benchmarks/rules.d"),
    Lab.WORLD: ("hack/lib/in-world",),
}
_QUICK = 10


def main() -> int:
    """Measure, show, write; 1 if a target is missed, or something is worse than recorded."""
    arguments = _parser().parse_args()
    load_before = os.getloadavg()[0]
    console = Console(width=None if sys.stdout.isatty() else 120)
    figures = _measured([name for name in PARTS if name in (arguments.only or PARTS)], quick=arguments.quick)
    report.show(console, figures, load_before)
    document = report.document(figures, load_before)
    report.write(arguments.json, document)
    worse = report.compare(console, figures) if arguments.compare else []
    if arguments.record:
        records.keep(document, figures)
    return 1 if report.missed(figures) or worse else 0


def _measured(names: Sequence[str], *, quick: bool) -> list[Figure]:
    """The figures of these parts, in their order."""
    found: dict[str, list[Figure]] = {}
    for lab, enter in _ENTER.items():
        mine = [name for name in names if parts()[name].lab is lab]
        if not mine:
            continue
        with tempfile.NamedTemporaryFile(dir=".cache", suffix=".json") as file:
            divisor = str(_QUICK if quick else 1)
            inside = (sys.executable, "-m", "hack.benchmarks.inside", file.name, divisor, *mine)
            subprocess.run([*enter, *inside], check=True)
            with open(file.name) as written:
                for name, figures in json.load(written).items():
                    found[name] = [Figure(**{**one, "samples": tuple(one["samples"])}) for one in figures]
    return [figure for name in names for figure in found[name]]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hack/bench", description="Measures the plugin; BENCHMARKS.md explains.")
    parser.add_argument("--only", action="append", choices=PARTS, help="just this part; repeatable")
    parser.add_argument("--quick", action="store_true", help="a tenth of everything: to see that it works")
    parser.add_argument("--compare", action="store_true", help="tell what is worse than the last recorded run")
    parser.add_argument(
        "--record", action="store_true", help=f"make this the recorded run, and renew the table of {records.DOCUMENT}"
    )
    parser.add_argument(
        "--json", default=".cache/bench.json", metavar="FILE", help="all figures and samples (default: %(default)s)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
