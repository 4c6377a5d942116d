"""What a real kubelet has of the plugin, and when: lists after plugs and after its restarts, plugs right after those.

Each story is told again and again, and yields samples by figure: milliseconds, or 1 and 0 for what may go wrong.
"""

import asyncio
import time
from collections.abc import Callable
from functools import partial

from hack.benchmarks import listener
from hack.benchmarks.figures import BARE
from hack.benchmarks.kubelet_lab import CALM_KUBELET, Counts, Lab, Measured, first_of, have_one_each
from hack.benchmarks.kubelet_pods import holding_pods
from hack.benchmarks.node import CALM, MANY, resource_of
from hack.benchmarks.programs import Program
from tests.lab.kubelet.processes import LOGS

_HELD = (7, 13)
"""The resources of which pods hold devices: none that a plugin would register first anyway."""

_ROUNDS = 2
_ABSENCE_STEP, _ABSENCES = 0.05, 10
"""Seconds: the kubelet is away for 0 to 9 of these steps, so that the plugin is met in all of its states."""

_PLUG_STEP = 0.002  # seconds: a plug comes so many of these steps after the socket's accept
_LOST_AFTER = 5.0  # seconds: then a plug counts as lost
_LATE = first_of(0) + 1  # the adapter that comes and goes, for a resource that has another one


async def plugs(it: Lab, times: int) -> Measured:
    """Milliseconds from when a bare listener has udev's event until the kubelet has the new list."""
    plugged, unplugged = list[float](), list[float]()
    bare = Program("hack.benchmarks.listener", it.adapters.subsystem, output=f"{LOGS}/listener.log")

    def events(action: str) -> list[float]:
        fields = [line.split() for line in bare.lines()[1:]]
        return [float(when) for when, kind, name in fields if (kind, name) == (action, f"{it.adapters.prefix}{_LATE}")]

    async def delay(order: Callable[[int], None], action: str, healthy: int) -> float:
        before, began = len(events(action)), time.monotonic()
        order(_LATE)
        listed = await it.until(partial(_has, healthy), after=began)
        assert listed is not None, f"the kubelet does not hear of {action}"
        await bare.said(lambda _: len(events(action)) > before)
        await asyncio.sleep(CALM)
        return (listed - events(action)[before]) * 1000

    async with it.plugin(1), bare:
        await bare.said(lambda lines: listener.READY in lines)
        for _ in range(times):
            plugged.append(await delay(it.adapters.plug, "add", 2))
            unplugged.append(await delay(it.adapters.unplug, "remove", 1))
    return {"plug": plugged, "unplug": unplugged}


async def restarts(it: Lab, times: int) -> Measured:
    """Milliseconds from when the kubelet's socket accepts until it has all lists, and before that those of held ones.

    Of the plugin and of a bare one, in turns: what slows the machine down slows both.
    """
    samples, missing = dict[str, list[float]](), list[float]()
    one = {"all lists, 1 resource": range(1)}
    many = {f"both held of {MANY} resources": _HELD, f"all lists, {MANY} resources": range(MANY)}
    for _ in range(_ROUNDS):
        for name, program, count, held, goals in (
            ("", it.plugin, 1, (), one),
            ("", it.plugin, MANY, _HELD, many),
            (BARE, it.bare_plugin, MANY, _HELD, many),
        ):
            async with program(count), holding_pods(it, held):
                for turn in range(times // _ROUNDS):
                    accepting = await it.restart_kubelet(turn % _ABSENCES * _ABSENCE_STEP)
                    for goal, resources in goals.items():
                        listed = await it.until(partial(have_one_each, resources))
                        found = samples.setdefault(f"kubelet restart to {goal}{name}", [])
                        if listed is not None:
                            found.append((listed - accepting) * 1000)
                    if name != BARE:
                        missing.append(float(listed is None))
                    await asyncio.sleep(CALM_KUBELET)
    return samples | {"kubelet restarts that leave a list missing": missing}


async def late_plugs(it: Lab, times: int) -> Measured:
    """Milliseconds from a plug right after a kubelet's start until it is listed; and whether it is."""
    late, lost = list[float](), list[float]()
    for count in (1, MANY):
        async with it.plugin(count):
            for turn in range(times):
                await it.restart_kubelet(turn % _ABSENCES * _ABSENCE_STEP)
                await asyncio.sleep(turn * _PLUG_STEP)
                plugged = time.monotonic()
                it.adapters.plug(_LATE)
                listed = await it.until(partial(_has, 2), patience=_LOST_AFTER)
                lost.append(float(listed is None))
                if listed is not None:
                    late.append((listed - plugged) * 1000)
                it.adapters.unplug(_LATE)
                await asyncio.sleep(CALM_KUBELET)
    return {"plug right after a kubelet restart": late, "plugs right after a kubelet restart, lost": lost}


def _has(healthy: int, counts: Counts) -> bool:
    return counts.get(resource_of(0), 0) == healthy
