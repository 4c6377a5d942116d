"""What a real kubelet has of the plugin, and when: lists after plugs and after its restarts, plugs right after those.

Each story is told again and again, and yields samples by figure: milliseconds, or 1 and 0 for what may go wrong.
"""

import asyncio
import time
from collections.abc import Callable
from functools import partial

from hack.benchmarks import listener
from hack.benchmarks.kubelet_lab import CALM_KUBELET, Counts, Lab, Measured, first_of, have_one_each
from hack.benchmarks.node import CALM, MANY, resource_of
from hack.benchmarks.programs import Program
from tests.lab.kubelet.processes import LOGS

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
        listed = await it.until(lambda counts: _healthy(counts) == healthy, after=began)
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
    """Milliseconds from when the kubelet's socket accepts until it has all lists; and one plug right after that.

    How long the kubelet is away, and when the adapter is plugged, differs from turn to turn.
    """
    samples = dict[str, list[float]]()
    late, lost, missing = list[float](), list[float](), list[float]()
    for count, name in ((1, "1 resource"), (MANY, f"{MANY} resources")):
        back = samples[f"kubelet restart to all lists, {name}"] = []
        async with it.plugin(count):
            for turn in range(times):
                accepting = await it.restart_kubelet(turn % 10 * 0.05)
                await asyncio.sleep(turn * 0.002)
                plugged = time.monotonic()
                it.adapters.plug(_LATE)
                all_listed = await it.until(partial(have_one_each, range(count)), after=accepting)
                missing.append(float(all_listed is None))
                if all_listed is not None:
                    back.append((all_listed - accepting) * 1000)
                listed = await it.until(lambda counts: _healthy(counts) == 2, after=accepting, patience=_LOST_AFTER)
                lost.append(float(listed is None))
                if listed is not None:
                    late.append((listed - plugged) * 1000)
                it.adapters.unplug(_LATE)
                await asyncio.sleep(CALM_KUBELET)
    return samples | {
        "kubelet restarts that leave a list missing": missing,
        "plug right after a kubelet restart": late,
        "plugs right after a kubelet restart, lost": lost,
    }


def _healthy(counts: Counts) -> int:
    return counts.get(resource_of(0), 0)
