"""The command line of hack/bench: which parts, where the figures go, and what they are held against.

Outside of all labs; each lab is entered once, for all of its parts.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence

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
    """Measure, show, write; 1 if a target is missed, a part broke down, or something is worse than recorded."""
    parser = _parser()
    arguments = parser.parse_args()
    if arguments.record and (arguments.only or arguments.quick):
        parser.error("--record: only a whole run is recorded: leave out --only and --quick")
    load_before = os.getloadavg()[0]
    console = Console(width=None if sys.stdout.isatty() else 120)
    names = [name for name in PARTS if name in (arguments.only or PARTS)]
    found = _measured(names, quick=arguments.quick)
    figures = [figure for name in names for figure in found.get(name, ())]
    is_whole = found.keys() >= set(names)
    report.show(console, figures, load_before)
    document = report.document(figures, load_before)
    report.write(arguments.json, document)
    worse = report.compare(console, figures) if arguments.compare else []
    if arguments.record and is_whole:
        records.keep(document, figures)
    return 1 if report.missed(figures) or worse or not is_whole else 0


def _measured(names: Sequence[str], *, quick: bool) -> Mapping[str, Sequence[Figure]]:
    """The figures of these parts; none of a part that broke down, as it said itself."""
    found: dict[str, list[Figure]] = {}
    for lab, enter in _ENTER.items():
        mine = [name for name in names if parts()[name].lab is lab]
        if not mine:
            continue
        with tempfile.NamedTemporaryFile(dir=".cache", suffix=".json") as file:
            divisor = str(_QUICK if quick else 1)
            inside = (sys.executable, "-m", "hack.benchmarks.inside", file.name, divisor, *mine)
            subprocess.run([*enter, *inside], check=False)
            with open(file.name) as written:
                for name, figures in json.loads(written.read() or "{}").items():
                    found[name] = [Figure(**{**one, "samples": tuple(one["samples"])}) for one in figures]
    return found


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
