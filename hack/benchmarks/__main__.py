"""The command line of hack/bench: which parts, of which revisions, and where the figures go.

Outside of all labs; each lab is entered once, for all of its parts.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence

from hack.benchmarks import report
from hack.benchmarks.figures import BESIDE_UDEVD, FIGURES, PARTS, Samples
from hack.benchmarks.revisions import checkouts

_UDEVD = ("hack/lib/beside-udevd", "-r", "hack/benchmarks/rules.d")
_WORLD = ("hack/lib/in-world",)


def main() -> int:
    """Measure, show, write; 1 if a budget is missed or a part failed."""
    parser = argparse.ArgumentParser(prog="hack/bench", description="Measures the plugin; BENCHMARKS.md explains.")
    parser.add_argument("--only", action="append", choices=PARTS, help="just this part; repeatable")
    parser.add_argument("--quick", action="store_true", help="few repetitions: to see that it works")
    parser.add_argument("--compare", metavar="REV", help="measure another revision too, in turns with this checkout")
    parser.add_argument("--record", action="store_true", help=f"keep this run, in {report.DOCUMENT} too")
    arguments = parser.parse_args()
    if arguments.record and (arguments.only or arguments.quick):
        parser.error("--record: only a whole run is recorded: leave out --only and --quick")
    parts = [name for name in PARTS if name in (arguments.only or PARTS)]
    load_before = os.getloadavg()[0]
    with checkouts(arguments.compare) as (folders, revisions):
        samples = _measured(parts, folders, "quick" if arguments.quick else "full")
    figures = [figure for figure in FIGURES if figure.part in parts]
    run = report.Run(figures, revisions, samples, (load_before, os.getloadavg()[0]))
    report.show(run)
    with open(".cache/bench.json", "w") as file:
        file.write(run.document(has_samples=True))
    if arguments.record and run.is_whole():
        report.record(run)
    return 0 if run.is_whole() and not any(map(run.is_missed, figures)) else 1


def _measured(parts: Sequence[str], folders: Mapping[str, str], how: str) -> Mapping[str, Samples]:
    """By column; nothing of a part that failed, which has printed why."""
    found: dict[str, dict[str, Sequence[float]]] = {column: {} for column in folders}
    for enter, mine in (
        (_UDEVD, [part for part in parts if part in BESIDE_UDEVD]),
        (_WORLD, [part for part in parts if part not in BESIDE_UDEVD]),
    ):
        with tempfile.NamedTemporaryFile("r", dir=".cache", suffix=".json") as file:
            program = (sys.executable, "-m", "hack.benchmarks.inside", file.name, how, json.dumps(folders), *mine)
            if mine:
                subprocess.run([*enter, *program], check=False)
            for column, samples in json.loads(file.read() or "{}").items():
                found[column].update(samples)
    return found


if __name__ == "__main__":
    sys.exit(main())
