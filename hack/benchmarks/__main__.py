"""The command line of hack/bench: which measurements, how much of each, and where the figures go."""

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping

from rich.console import Console

from hack.benchmarks import burst, idle, kubelet, latency, report, startup
from hack.benchmarks.figures import Figure
from hack.benchmarks.latency import MAX_PLUGS
from tests.lab.udevd import refuse_outside

Measurements = Mapping[str, Callable[[], Awaitable[list[Figure]]]]


def main() -> int:
    """Measure, show, write; 1 if a target is missed."""
    arguments = _parser().parse_args()
    refuse_outside()
    load_before = os.getloadavg()[0]
    console = Console(width=None if sys.stdout.isatty() else 120)
    figures = asyncio.run(_measure(_chosen(arguments), console))
    report.show(console, figures, load_before)
    report.write(arguments.json, figures, load_before)
    return 1 if report.missed(figures) else 0


async def _measure(measurements: Measurements, console: Console) -> list[Figure]:
    figures = []
    for name, measure in measurements.items():
        console.print(f"measuring {name} …")
        figures += await measure()
    return figures


def _chosen(arguments: argparse.Namespace) -> Measurements:
    measurements: Measurements = {
        "latency": lambda: latency.measure(arguments.plugs),
        "burst": lambda: burst.measure(arguments.burst),
        "kubelet": lambda: kubelet.measure(arguments.restarts),
        "startup": lambda: startup.measure(arguments.starts),
        "idle": lambda: idle.measure(arguments.idle),
    }
    return {name: measure for name, measure in measurements.items() if name in (arguments.only or measurements)}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hack/bench", description="Measures the plugin; BENCHMARKS.md explains.")
    parser.add_argument(
        "-n", "--plugs", type=_stick_count, default=100, help="single plugs, of each kind (default: %(default)s)"
    )
    parser.add_argument("--burst", type=_stick_count, default=250, help="sticks in a burst (default: %(default)s)")
    parser.add_argument("--restarts", type=int, default=20, help="kubelet restarts (default: %(default)s)")
    parser.add_argument("--starts", type=int, default=5, help="starts of the plugin (default: %(default)s)")
    parser.add_argument("--idle", type=float, default=20.0, help="seconds of idling (default: %(default)g)")
    parser.add_argument(
        "--only",
        action="append",
        choices=("latency", "burst", "kubelet", "startup", "idle"),
        help="just this; repeatable",
    )
    parser.add_argument(
        "--json", default=".cache/bench.json", metavar="FILE", help="all figures and samples (default: %(default)s)"
    )
    return parser


def _stick_count(text: str) -> int:
    count = int(text)
    if not 1 <= count <= MAX_PLUGS:
        raise argparse.ArgumentTypeError(f"{count}: there are 1 to {MAX_PLUGS} sticks")
    return count


if __name__ == "__main__":
    sys.exit(main())
