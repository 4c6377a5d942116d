"""A program, in a lab: measures some parts. `python -m hack.benchmarks.inside FILE full|quick CHECKOUTS PART…`.

CHECKOUTS says as JSON, by column (`before`, `now`), where the package is that is run. The samples go into FILE, by
column and figure; what is being done is said on stdout.
"""

import asyncio
import json
import sys
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from hack.benchmarks import costs, plugs, registering
from hack.benchmarks.figures import Samples


@dataclass(frozen=True, slots=True)
class Amounts:
    """How much of everything in a round."""

    rounds: int = 2
    plugs: int = 150
    few_plugs: int = 50
    storms: int = 3
    events: int = 50_000
    times: int = 10
    seconds: float = 15


QUICK = Amounts(rounds=1, plugs=25, few_plugs=6, storms=1, events=10_000, times=2, seconds=5)

MEASURES: Mapping[str, Callable[[str, Amounts], Awaitable[Samples]]] = {
    "plug": lambda checkout, amounts: plugs.one_resource(checkout, amounts.plugs, amounts.few_plugs),
    "many": lambda checkout, amounts: plugs.many_resources(checkout, amounts.plugs),
    "large": lambda checkout, amounts: plugs.large_resource(checkout, amounts.few_plugs),
    "storm": lambda checkout, amounts: plugs.storm(checkout, amounts.storms),
    "unrelated": lambda checkout, amounts: costs.unrelated_events(checkout, amounts.events),
    "start": lambda checkout, amounts: registering.starts(checkout, amounts.times),
    "kubelet": lambda checkout, amounts: registering.kubelet_restarts(checkout, amounts.times),
    "idle": lambda checkout, amounts: costs.idleness(checkout, amounts.seconds),
}


async def main(path: str, how: str, checkouts: str, *parts: str) -> None:
    """Measure, and write; a part that fails loses its own figures only."""
    amounts = QUICK if how == "quick" else Amounts()
    columns = json.loads(checkouts)
    found: dict[str, dict[str, list[float]]] = {column: {} for column in columns}
    for part in parts:
        samples: dict[tuple[str, str], list[float]] = {}
        try:
            for number in range(amounts.rounds):
                for column, checkout in columns.items():  # in turns: what slows the machine down slows both
                    print(f"measuring {part}, {column}, {number + 1} of {amounts.rounds} …", flush=True)
                    for name, values in (await MEASURES[part](checkout, amounts)).items():
                        samples.setdefault((column, name), []).extend(values)
        except Exception:  # whatever it is, the other parts are worth having
            traceback.print_exc()
            continue
        for (column, name), values in samples.items():
            found[column][name] = values
    with open(path, "w") as file:  # noqa: ASYNC230 - all is measured
        json.dump(found, file)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
