"""What users have today: a loop that looks at the same globs every 5 seconds. How much later does it know?

Both count from the bystander's receipt of the same events; sticks are plugged at all moments of the loop's interval.
"""

import asyncio
import contextlib
import statistics

from hack.benchmarks import poller
from hack.benchmarks.figures import Figure, distribution
from hack.benchmarks.listening import listening
from hack.benchmarks.made_up import LINKS, SUBSYSTEM, MadeUpSticks
from hack.benchmarks.programs import Program
from hack.benchmarks.scene import plugin_program
from tests.lab.host import FakeHost

INTERVAL = 5.0  # seconds
PLUGS = 40
TIMES_FASTER = 1000.0


async def measure() -> list[Figure]:
    """Plug sticks over two intervals, and wait until the loop has seen the last."""
    sticks = MadeUpSticks(FakeHost())
    async with contextlib.AsyncExitStack() as stack:
        post = await stack.enter_async_context(listening(lambda folder: plugin_program(1, folder), SUBSYSTEM))
        loop = Program("hack.benchmarks.poller", f"{LINKS}/*", str(INTERVAL), output=f"{post.folder}/poller.log")
        await stack.enter_async_context(loop)
        await loop.said(lambda lines: poller.READY in lines)
        delays = []
        for number in range(PLUGS):
            delays.append(await post.delay(sticks, "add", number))
            await asyncio.sleep(2 * INTERVAL / PLUGS)
        await loop.said(lambda lines: len(lines) > PLUGS)
        told = {one.sys_name: one.time for one in post.heard() if one.action == "add"}
        seen = [line.split() for line in loop.lines() if line != poller.READY]
    late = [(float(time) - told[f"ttyUSB{path.split('_')[2].split('-')[0]}"]) * 1000 for time, path in seen]
    section = f"a loop that looks every {INTERVAL:g} s"
    times = statistics.median(late) / statistics.median(delays)
    return [
        *distribution(section, late),
        *distribution(section, delays, name="the plugin meanwhile"),
        Figure(section, "the plugin is faster by", times, "times", at_least=TIMES_FASTER),
    ]
