"""Nothing happens: what does the plugin cost then? And the packages that it is made of (the floor)?

Both are watched at the same time, over the same seconds.
"""

import asyncio
import contextlib
import http.client
import re
from collections.abc import Mapping
from dataclasses import dataclass

from hack.benchmarks.figures import Figure
from hack.benchmarks.programs import Memory, Program
from hack.benchmarks.scene import MANY, SERIAL, floor_program, scene

SETTLING = 12.0  # seconds after a start, until it is idle: after 10 s it asks once what pods hold
PATIENCE = 10.0  # seconds
SWITCHES, CPU = 10.0, 1.5  # a second; ms/s
ABOVE_FLOOR, FOR_EACH = 3.0, 0.1  # MiB; for each further resource

_OF_GRPC = ("event_engine", "grpc", "lifeguard", "timer", "resolver")
"""How the names of threads begin that are not ours: gRPC's own."""


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
        await _probe(stage.plugin)
        await asyncio.sleep(SETTLING)
        one = stage.plugin.memory()
    async with scene(MANY) as stage, floor_program() as floor:
        stage.sticks.plug(0)
        await stage.kubelet.wait_for_devices(SERIAL, healthy=1)
        await _probe(stage.plugin)
        await asyncio.sleep(SETTLING)
        many, bare = await asyncio.gather(_watch(stage.plugin, seconds), _watch(floor, seconds))
        memories = (one, stage.plugin.memory(), floor.memory())
    return [*_idle(f"idle, {MANY} resources", many), *_floor("idle, floor", bare), *_memory(*memories)]


async def _probe(plugin: Program) -> None:
    """Ask for health and metrics, as a kubelet and a Prometheus do soon after a start: what answers is loaded then."""

    def listening() -> re.Match[str] | None:
        return re.search(r"listening\b.*?(127\.0\.0\.1):(\d+)", "\n".join(plugin.lines()))

    await plugin.said(lambda _: listening() is not None)
    match = listening()
    assert match is not None
    for path in ("/healthz", "/metrics"):
        await asyncio.to_thread(_get, match[1], int(match[2]), path)


def _get(host: str, port: int, path: str) -> None:
    with contextlib.closing(http.client.HTTPConnection(host, port, timeout=PATIENCE)) as connection:
        connection.request("GET", path)
        if connection.getresponse().status != http.HTTPStatus.OK:
            raise RuntimeError(f"{path} is not well")


async def _watch(program: Program, seconds: float) -> Idleness:
    switches, cpu = program.switches(), program.cpu_seconds()
    await asyncio.sleep(seconds)
    # Gone threads count for nothing: they have ended, which is no idling.
    during = {name: (count - switches.get(name, 0)) / seconds for name, count in program.switches().items()}
    return Idleness(during, (program.cpu_seconds() - cpu) * 1000 / seconds)


def _idle(section: str, idleness: Idleness) -> list[Figure]:
    ours = sum(rate for name, rate in idleness.switches.items() if not name.startswith(_OF_GRPC))
    return [
        Figure(section, "context switches", sum(idleness.switches.values()), "/s", SWITCHES),
        Figure(section, "of them our own threads", ours, "/s", 0),
        *_threads(section, idleness),
        Figure(section, "CPU time", idleness.cpu_ms, "ms/s", CPU),
    ]


def _floor(section: str, idleness: Idleness) -> list[Figure]:
    return [
        Figure(section, "context switches", sum(idleness.switches.values()), "/s"),
        *_threads(section, idleness),
        Figure(section, "CPU time", idleness.cpu_ms, "ms/s"),
    ]


def _threads(section: str, idleness: Idleness) -> list[Figure]:
    return [Figure(section, f"of them {name}", rate, "/s") for name, rate in sorted(idleness.switches.items()) if rate]


def _memory(one: Memory, many: Memory, floor: Memory) -> list[Figure]:
    sizes = {"1 resource": one, f"{MANY} resources": many, "floor": floor}
    each = (many.resident - one.resident) / (MANY - 1)
    return [
        *(Figure("memory", f"{name}, resident", memory.resident, "MiB") for name, memory in sizes.items()),
        *(Figure("memory", f"{name}, of it anonymous", memory.anonymous, "MiB") for name, memory in sizes.items()),
        Figure("memory", "1 resource, above the floor", one.resident - floor.resident, "MiB", ABOVE_FLOOR),
        Figure("memory", "each further resource", each, "MiB", FOR_EACH),
    ]
