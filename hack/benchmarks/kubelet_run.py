"""The command line of hack/bench kubelet: all stories beside a real kubelet, on a quiet machine and on a busy one.

Outside of all labs, as `hack.benchmarks` is. A node that boots has other things to do, too: hence the busy loops.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence

from hack.benchmarks import report
from hack.benchmarks.figures import BARE, Samples, Summary
from hack.benchmarks.revisions import checkouts

BEGIN, END = "<!-- a run: written by hack/bench kubelet --record -->", "<!-- end of that run -->"
CONDITIONS = {"quiet": 0, "busy": 2}
"""How many loops there are beside it."""

AT_ONCE = 1
"""Seconds: so soon a container that has waited for its stick is back."""


def main() -> None:
    """Measure, show, write."""
    parser = argparse.ArgumentParser(
        prog="hack/bench kubelet", description="Measures the plugin beside a real kubelet."
    )
    parser.add_argument("--quick", action="store_true", help="few repetitions: to see that it works")
    parser.add_argument("--compare", metavar="REV", help="measure another revision too, in turns with this checkout")
    parser.add_argument("--record", action="store_true", help=f"keep this run, in {report.DOCUMENT}")
    arguments = parser.parse_args()
    columns, notes = dict[str, Samples](), list[str]()
    with checkouts(arguments.compare) as (folders, revisions):
        for condition, loops in CONDITIONS.items():
            for which, folder in folders.items():
                print(f"measuring {which}, {condition} …", flush=True)
                load = os.getloadavg()[0]
                columns[f"{which}, {condition}"] = _measured("quick" if arguments.quick else "full", folder, loops)
                notes.append(f"load average {load:.1f} before and {os.getloadavg()[0]:.1f} after {which}, {condition}")
    notes += [f"{which}: {revision}" for which, revision in revisions.items()]
    with open(".cache/bench-kubelet.json", "w") as file:
        json.dump({"conditions": notes, "samples": columns}, file, indent=1)
    machine = f"{os.cpu_count()} CPUs, kernel {platform.release()}, Kubernetes {os.environ['KUBERNETES']}"
    text = f"{time.strftime('%Y-%m-%d')}; {machine}; {'; '.join(notes)}.\n\n{_table(columns)}"
    print(text)
    if arguments.record:
        report.replace(BEGIN, END, text)


def _measured(how: str, checkout: str, loops: int) -> Samples:
    with tempfile.NamedTemporaryFile("r", dir=".cache", suffix=".json") as file:
        program = (sys.executable, "-m", "hack.benchmarks.kubelet_inside", file.name, how, checkout, str(loops))
        subprocess.run(["hack/lib/beside-kubelet", "-r", "hack/benchmarks/rules.d", *program], check=True)
        samples: Samples = json.load(file)
    return samples


def _table(columns: Mapping[str, Samples]) -> str:
    rows = [("figure", *columns)]
    for figure in next(iter(columns.values())):
        rows.append((figure, *(_cell(figure, samples[figure]) for samples in columns.values())))
        if (bare := figure.removesuffix(BARE)) != figure:
            ratios = (report.ratio(*map(_summary, (samples[figure], samples[bare]))) for samples in columns.values())
            rows.append((f"{bare}, plugin : bare plugin", *ratios))
    return report.markdown(rows)


def _cell(figure: str, samples: Sequence[float]) -> str:
    """Median, p99 and maximum of times; of what goes one way or the other, how often it went so."""
    if figure.endswith(("survive a node's start", "missing", "lost")):
        return f"{sum(samples):.0f} of {len(samples)}"
    if (summary := _summary(samples)) is None:
        return "-"
    values = " / ".join(map(report.rounded, (summary.median, summary.p99, summary.max)))
    if not figure.startswith("replug"):
        return f"{values} ms"
    return f"{values} s, {sum(sample <= AT_ONCE for sample in samples)} of {len(samples)} within {AT_ONCE} s"


def _summary(samples: Sequence[float]) -> Summary | None:
    return Summary.of(samples) if samples else None


if __name__ == "__main__":
    main()
