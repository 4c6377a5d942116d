"""A program, in a lab: measures some parts. `python -m hack.benchmarks.inside FILE DIVISOR PART…`.

The figures go into FILE, by part; what is being done is said on stdout.
"""

import asyncio
import json
import sys
from dataclasses import asdict

from hack.benchmarks.figures import Figure
from hack.benchmarks.parts import Amounts, parts


def main(path: str, divisor: str, *names: str) -> None:
    """Measure, and write."""
    found = asyncio.run(_measure(names, Amounts().divided(int(divisor))))
    with open(path, "w") as file:
        json.dump({name: [asdict(figure) for figure in figures] for name, figures in found.items()}, file)


async def _measure(names: tuple[str, ...], amounts: Amounts) -> dict[str, list[Figure]]:
    found = {}
    for name in names:
        print(f"measuring {name} …", flush=True)
        found[name] = await parts()[name].measure(amounts)
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
