"""Nothing happens: what does the plugin cost then? And the packages that it is made of (the floor)?

Both are watched at the same time, over the same seconds.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from hack.benchmarks.figures import Figure
from hack.benchmarks.programs import Program
from hack.benchmarks.scene import MANY, SERIAL, floor_program, scene

SETTLING = 2.0  # seconds after a start, until it is idle
SWITCHES = 12.0  # a second
RESIDENT = 46.0  # MiB


@dataclass(frozen=True, slots=True)
class Idleness:
    """What a program did in a second of doing nothing."""

    switches: Mapping[str, float]
    cpu_ms: float


async def measure(seconds: float) -> list[Figure]:
    """Watch for so many seconds."""
    async with scene() as stage:
        stage.sticks.plug(0)
        await stage.kubelet.wait_for_devices(SERIAL, healthy=1)
        await asyncio.sleep(SETTLING)
        figures = _memory("1 resource", stage.plugin, RESIDENT)
    async with scene(MANY) as stage, floor_program() as floor:
        stage.sticks.plug(0)
        await stage.kubelet.wait_for_devices(SERIAL, healthy=1)
        await asyncio.sleep(SETTLING)
        many, bare = await asyncio.gather(_watch(stage.plugin, seconds), _watch(floor, seconds))
        figures += _memory(f"{MANY} resources", stage.plugin, RESIDENT) + _memory("floor", floor)
    return [*_idle(f"idle, {MANY} resources", many, SWITCHES), *_idle("idle, floor", bare), *figures]


async def _watch(program: Program, seconds: float) -> Idleness:
    switches, cpu = program.switches(), program.cpu_seconds()
    await asyncio.sleep(seconds)
    # Gone threads count for nothing: they have ended, which is no idling.
    during = {name: (count - switches.get(name, 0)) / seconds for name, count in program.switches().items()}
    return Idleness(during, (program.cpu_seconds() - cpu) * 1000 / seconds)


def _idle(section: str, idleness: Idleness, switches_at_most: float | None = None) -> list[Figure]:
    total = sum(idleness.switches.values())
    threads = [
        Figure(section, f"of them {name}", rate, "/s") for name, rate in sorted(idleness.switches.items()) if rate
    ]
    return [
        Figure(section, "context switches", total, "/s", switches_at_most),
        *threads,
        Figure(section, "CPU time", idleness.cpu_ms, "ms/s"),
    ]


def _memory(name: str, program: Program, resident_at_most: float | None = None) -> list[Figure]:
    memory = program.memory()
    return [
        Figure("memory", f"{name}, resident", memory.resident, "MiB", resident_at_most),
        Figure("memory", f"{name}, of it its own (anonymous)", memory.anonymous, "MiB"),
    ]
