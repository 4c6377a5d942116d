"""A stick with a bad contact: it comes and goes all the time. What does the kubelet hear of it?"""

import asyncio

from hack.benchmarks.figures import Figure
from hack.benchmarks.listening import listening
from hack.benchmarks.made_up import SUBSYSTEM, MadeUpSticks
from hack.benchmarks.scene import CALM, WINDOW, plugin_program
from tests.lab.host import FakeHost

AT_A_TIME = 20
"""Flaps until others have their turn."""


async def measure(flaps: int) -> list[Figure]:
    """Pull it so many times, and plug it again, as fast as can be; it is there in the end."""
    sticks = MadeUpSticks(FakeHost())
    async with listening(lambda folder: plugin_program(1, folder), SUBSYSTEM) as post:
        await post.delay(sticks, "add", 0)
        await asyncio.sleep(CALM)
        lists, cpu, started = len(post.lists()), post.plugin.cpu_seconds(), asyncio.get_running_loop().time()
        for number in range(flaps):
            sticks.flap(0)
            if number % AT_A_TIME == 0:
                await asyncio.sleep(0)
        await post.plugin.at_rest()
        await post.until_healthy(1)
        mine = post.lists()[lists:]
        cpu = post.plugin.cpu_seconds() - cpu
        span = max(mine[-1].time - started, WINDOW) if mine else WINDOW
    section = f"{flaps} flaps of one stick"
    return [
        Figure(section, "first flap to last list", span, "s"),
        Figure(section, "messages to the kubelet", len(mine), ""),
        Figure(section, "messages for each window of gathering", (len(mine) - 1) / (span / WINDOW), "", 1),
        Figure(section, "CPU time for each", cpu / flaps * 1000, "ms"),
    ]
