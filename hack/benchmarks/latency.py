"""A stick is plugged: how long after a bare listener hears of it does the kubelet have the list? And pulled?

Real kernel devices, one resource; each change waits until the last one's window of gathering is over. The first stick
is one thing (udevd makes the directory of its link, which the plugin has to find), another beside it is the lighter.
Held against `bare`, the shortest way there is.
"""

import asyncio
import statistics

from hack.benchmarks.figures import Figure, distribution
from hack.benchmarks.listening import Delays, listening
from hack.benchmarks.scene import CALM, bare_program, plugin_program
from hack.benchmarks.sticks import COUNT, SUBSYSTEM, Sticks

TYPICAL, SELDOM = 1.0, 10.0  # ms

STAYS = COUNT - 1
"""The stick that is there when another one comes."""

MAX_PLUGS = STAYS
FEWER = 5
"""What stands beside the main question is asked so many times less often."""


async def measure(plugs: int) -> list[Figure]:
    """Plug and pull so many sticks one after the other."""
    fewer = max(1, plugs // FEWER)
    with Sticks() as sticks:
        async with listening(lambda folder: plugin_program(1, folder), SUBSYSTEM) as post:
            first = await post.delays(sticks, range(fewer))
            sticks.plug(STAYS)
            await post.until_healthy(1)
            await asyncio.sleep(CALM)
            another = await post.delays(sticks, range(plugs))
            sticks.unplug(STAYS)
            await post.until_healthy(0)
        async with listening(lambda folder: bare_program(folder, SUBSYSTEM), SUBSYSTEM) as post:
            bare = await post.delays(sticks, range(fewer))
    return [
        *judged("another stick, event to list", another),
        *judged("first stick, event to list", first),
        *distribution("shortest way, event to list", bare.plugs, name="plugged"),
        Figure(
            "shortest way, event to list",
            "another stick, times as long",
            statistics.median(another.plugs) / statistics.median(bare.plugs),
            "",
        ),
    ]


def judged(section: str, delays: Delays, median: float = TYPICAL, p99: float | None = SELDOM) -> list[Figure]:
    """The figures of plugs and pulls, with their targets."""
    return [
        *distribution(section, delays.plugs, name="plugged", median_at_most=median, p99_at_most=p99),
        *distribution(section, delays.pulls, name="pulled", median_at_most=median, p99_at_most=p99),
    ]
