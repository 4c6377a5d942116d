"""An adapter is plugged: how long after a bare listener received the event has the kubelet the list? And unplugged?"""

import asyncio
from collections.abc import Iterable

from hack.benchmarks.adapters import FIRST, MadeUpAdapters, RealAdapters, add_unrelated_nodes
from hack.benchmarks.figures import Samples
from hack.benchmarks.node import CALM, MANY, UNRELATED_NODES, Node, node, resource_of
from hack.benchmarks.programs import PATIENCE
from tests.lab.host import FakeHost

_PRESENT = 10
"""With many resources, so many adapters are plugged at a time, each for another one: no change waits for another."""

_PAUSE = 0.02  # seconds, as the next change is another resource's
_LARGE = 256
_STORM = 1000


async def one_resource(checkout: str, times: int, first_times: int) -> Samples:
    """Real kernel events; the first adapter has udevd make the directory of its link, another one finds it there."""
    stays, *others = range(FIRST, FIRST + times + 1)
    with RealAdapters() as adapters:
        async with node(checkout, adapters) as it:
            first, _ = await _one_by_one(it, others[:first_times], CALM)
            await it.plug(stays)
            await asyncio.sleep(CALM)
            plugs, unplugs = await _one_by_one(it, others, CALM)
    return {"plug, 1 resource": plugs, "unplug, 1 resource": unplugs, "first plug, 1 resource": first}


async def many_resources(checkout: str, times: int) -> Samples:
    """On a host with little else, and on one with thousands of nodes that no resource asks for."""
    samples = dict[str, list[float]]()
    for unrelated, suffix in ((0, ""), (UNRELATED_NODES, f", {UNRELATED_NODES:,} unrelated nodes")):
        host = FakeHost()
        add_unrelated_nodes(host, unrelated)
        async with node(checkout, MadeUpAdapters(host, MANY)) as it:
            plugs, unplugs = await _one_by_one(it, range(times), _PAUSE, present=_PRESENT)
        samples |= {f"plug, {MANY} resources{suffix}": plugs, f"unplug, {MANY} resources{suffix}": unplugs}
    return samples


async def large_resource(checkout: str, times: int) -> Samples:
    """The last of many devices of one resource comes, and goes."""
    adapters = MadeUpAdapters(FakeHost())
    async with node(checkout, adapters) as it:
        for number in range(_LARGE - 1):
            adapters.plug(number)
        await it.kubelet.wait_for_devices(resource_of(0), healthy=_LARGE - 1)
        await asyncio.sleep(CALM)
        plugs, _ = await _one_by_one(it, [_LARGE - 1] * times, CALM)
    return {f"plug of the {_LARGE}th device in 1 resource": plugs}


async def storm(checkout: str, times: int) -> Samples:
    """As many at once as with a hub or at boot, as fast as kernel and udevd are."""
    lags = []
    with RealAdapters() as adapters:
        async with node(checkout, adapters) as it:
            for turn in range(1, times + 1):
                adapters.plug(*range(FIRST, FIRST + _STORM))
                await _all(it, "add", turn, _STORM)
                lags.append((it.kubelet.history[-1].time - it.events("add")[-1]) * 1000)
                adapters.unplug_all()
                await _all(it, "remove", turn, 0)
    return {f"{_STORM:,} plugs at once, last event to last list": lags}


async def _all(it: Node, action: str, turn: int, healthy: int) -> None:
    """Wait for a storm's events and its last list: the one that has them all need not be it."""
    await it.kubelet.wait_for_devices(resource_of(0), healthy=healthy, timeout=PATIENCE)
    await it.listener.said(lambda _: len(it.events(action)) >= turn * _STORM)
    await asyncio.sleep(2 * CALM)


async def _one_by_one(
    it: Node, numbers: Iterable[int], pause: float, *, present: int = 0
) -> tuple[list[float], list[float]]:
    """Plug these one after the other, and unplug each as soon as so many others were plugged after it."""
    plugs, unplugs, plugged = list[float](), list[float](), list[int]()
    for number in numbers:
        plugs.append(await it.plug(number))
        plugged.append(number)
        await asyncio.sleep(pause)
        if len(plugged) > present:
            unplugs.append(await it.unplug(plugged.pop(0)))
            await asyncio.sleep(pause)
    return plugs, unplugs
