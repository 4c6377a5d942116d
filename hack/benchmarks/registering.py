"""The plugin starts, or the kubelet restarts: how long until all is registered? Is a plug meanwhile lost?"""

import asyncio
import contextlib
import time

from hack.benchmarks.adapters import MadeUpAdapters
from hack.benchmarks.figures import Samples
from hack.benchmarks.node import CALM, MANY, Node, directory, node, plugin, resource_of, wait_for_lists
from hack.benchmarks.programs import PATIENCE
from tests.lab.host import FakeHost
from udev_device_plugin.testing.kubelet import Kubelet

_LOST_AFTER = 5.0  # seconds: then a plug counts as lost
_ABSENCE_STEP, _ABSENCES = 0.05, 10
_PLUG_STEP = 0.002
"""Seconds: the kubelet is away for 0 to 9 of these steps, the adapter comes so many steps after it is back."""

_STAYS = 0  # the adapter that is plugged all the time


async def starts(checkout: str, times: int) -> Samples:
    """So often each, in turns: what slows the machine down slows both."""
    FakeHost()
    await _registered_after(checkout, 1)  # the first reads from the disk
    one, many = [], []
    for _ in range(times):
        one.append(await _registered_after(checkout, 1))
        many.append(await _registered_after(checkout, MANY))
    return {"start to registered, 1 resource": one, f"start to registered, {MANY} resources": many}


async def _registered_after(checkout: str, count: int) -> float:
    """Milliseconds from just before the process is made until the kubelet has registered all resources."""
    names = [resource_of(number) for number in range(count)]
    with directory() as folder:
        async with Kubelet(folder) as kubelet, plugin(checkout, count, folder) as program:
            await kubelet.wait_until(
                lambda it: all(it.resource(name).registrations for name in names), timeout=PATIENCE
            )
            registered = time.monotonic()
            await wait_for_lists(kubelet, count)
            return (registered - program.started) * 1000


async def kubelet_restarts(checkout: str, times: int) -> Samples:
    """So often, for one resource and for many.

    How long the kubelet is away, and when the adapter is plugged, differs from turn to turn, so that the plugin is met
    in all of its states.
    """
    host, samples = FakeHost(), dict[str, list[float]]()
    delays, lost = list[float](), list[float]()
    for count, name in ((1, "1 resource"), (MANY, f"{MANY} resources")):
        back = samples[f"kubelet restart to all lists, {name}"] = []
        async with node(checkout, MadeUpAdapters(host, count)) as it:
            await it.plug(_STAYS)
            for turn in range(1, times + 1):
                number = turn * count  # of the same resource as the one that stays
                back.append(await _restart(it, turn, number))
                listed = it.lists(number)
                lost.append(float(not listed))
                delays += [(time - it.events("add", number)[0]) * 1000 for time in listed[:1]]
                await it.unplug(number)
                await asyncio.sleep(CALM)
            await it.unplug(_STAYS)
    return samples | {
        "plug right after a kubelet restart": delays,
        "plugs right after a kubelet restart, lost": lost,
    }


async def _restart(it: Node, turn: int, number: int) -> float:
    """Milliseconds from when the kubelet's socket is there to the last resource's first list."""
    await it.kubelet.stop()
    await asyncio.sleep(turn % _ABSENCES * _ABSENCE_STEP)
    await it.kubelet.start()
    accepting = time.monotonic()
    await asyncio.sleep(turn * _PLUG_STEP)
    it.adapters.plug(number)
    await wait_for_lists(it.kubelet, it.adapters.count)
    with contextlib.suppress(TimeoutError):
        await it.kubelet.wait_until(lambda _: bool(it.lists(number)), timeout=_LOST_AFTER)
    firsts = {one.resource: one.time for one in reversed(it.kubelet.history)}
    return (max(it.lists(_STAYS)[0], *firsts.values()) - accepting) * 1000
