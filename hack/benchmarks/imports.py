"""What the plugin imports: how long it takes, and what stays in memory, by package."""

import asyncio
import re
import sys
from collections import Counter

from hack.benchmarks import weighing
from hack.benchmarks.figures import Figure

SHOWN = 8
_LINE = re.compile(r"import time:\s*(\d+) \|\s*\d+ \|\s*([\w.]+)")


async def measure() -> list[Figure]:
    """Import everything twice, the way the plugin does: with a clock, and with scales."""
    times: Counter[str] = Counter()
    for line in (await _said("-X", "importtime"))[1].splitlines():
        if (match := _LINE.match(line)) is not None:
            times[match[2].partition(".")[0].removeprefix("_")] += int(match[1])
    weights = [line.split() for line in (await _said())[0].splitlines()]
    return [
        Figure("imports, time", "all", times.total() / 1000, "ms"),
        *(Figure("imports, time", name, micro / 1000, "ms") for name, micro in times.most_common(SHOWN)),
        *(Figure("imports, memory", name, float(kib) / 1024, "MiB") for name, kib in weights),
    ]


async def _said(*options: str) -> tuple[str, str]:
    command = (sys.executable, *options, "-m", weighing.__name__)
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, errors = await process.communicate()
    return output.decode(), errors.decode()
