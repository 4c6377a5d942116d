"""A program, in a lab: measures some parts. `python -m hack.benchmarks.inside FILE DIVISOR PART…`.

The figures go into FILE, by part; what is being done is said on stdout.
"""

import asyncio
import json
import sys
import traceback
from collections.abc import Awaitable
from dataclasses import asdict

from hack.benchmarks.figures import Figure
from hack.benchmarks.parts import Amounts, parts


def main(path: str, divisor: str, *names: str) -> int:
    """Measure, and write; 1 if a part broke down, which costs its own figures only."""
    amounts, found, broken = Amounts().divided(int(divisor)), {}, False
    for name in names:
        print(f"measuring {name} …", flush=True)
        try:
            figures = asyncio.run(_measured(parts()[name].measure(amounts)))
        except Exception:  # whatever it is, the other parts are worth having
            traceback.print_exc()
            broken = True
        else:
            found[name] = [asdict(figure) for figure in figures]
    with open(path, "w") as file:
        json.dump(found, file)
    return int(broken)


async def _measured(measure: Awaitable[list[Figure]]) -> list[Figure]:
    return await measure


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
