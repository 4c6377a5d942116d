"""What the plugin costs when nothing happens that concerns it: CPU time, wake-ups, memory."""

import asyncio
import contextlib
import json
from urllib.request import urlopen

from hack.benchmarks import listener
from hack.benchmarks.adapters import MadeUpAdapters, add_unrelated_nodes
from hack.benchmarks.figures import Samples
from hack.benchmarks.node import MANY, UNRELATED_NODES, directory, node, plugin
from hack.benchmarks.programs import Program
from tests.lab.host import FakeHost
from tests.lab.records import FakeDevice, FakeNode

_SETTLING = 12.0  # seconds after a start, until it is idle: after 10 s it asks once what pods hold

_BATTERY = FakeDevice(
    "/devices/virtual/power_supply/BAT0",
    "power_supply",
    properties={"POWER_SUPPLY_NAME": "BAT0", "POWER_SUPPLY_STATUS": "Discharging", "POWER_SUPPLY_CAPACITY": "81"},
)
_DISK = FakeDevice(
    "/devices/virtual/block/dm-3",
    "block",
    devtype="disk",
    node=FakeNode("dm-3", 253, 3, "b"),
    properties={"ID_FS_TYPE": "ext4", "DM_NAME": "vg-data", "DM_UUID": "LVM-a1b2c3", "ID_FS_UUID": "1f2e3d4c"},
    links=("disk/by-id/dm-name-vg-data", "mapper/vg-data", "disk/by-uuid/1f2e3d4c"),
)
_TERMINAL = FakeDevice("/devices/virtual/tty/tty5", "tty", node=FakeNode("tty5", 4, 5))
_INTERFACE = FakeDevice("/devices/virtual/net/veth1", "net", properties={"INTERFACE": "veth1", "IFINDEX": "7"})
_EVENTS = ((_BATTERY, "change"), (_DISK, "change"), (_TERMINAL, "change"), (_INTERFACE, "remove"))


async def unrelated_events(checkout: str, events: int) -> Samples:
    """So many to all programs at once, a quarter of each kind: no node, a node with links, one without, a removal."""
    host = FakeHost()
    for device, _ in _EVENTS:
        host.plug(device, silent=True)
    async with contextlib.AsyncExitStack() as stack:
        folders = [stack.enter_context(directory()) for _ in range(3)]
        bare = Program("hack.benchmarks.listener", output=f"{folders[0]}.log")
        programs = (bare, plugin(checkout, 1, folders[1]), plugin(checkout, MANY, folders[2]))
        for program in programs:
            await stack.enter_async_context(program)
        await bare.said(lambda lines: listener.READY in lines)
        for program in programs[1:]:
            await _address(program)
        before = [await program.at_rest() for program in programs]
        for device, action in _EVENTS:
            host.storm(device, events // len(_EVENTS), action)
            await asyncio.gather(*(program.at_rest() for program in programs))
        after = [await program.at_rest() for program in programs]
    bare_cost, one, many = ((now - then) / events * 1e6 for then, now in zip(before, after, strict=True))
    return {
        "CPU for unrelated events, 1 resource": [one / bare_cost],
        f"CPU for unrelated events, {MANY} resources": [many / bare_cost],
        "CPU of the bare listener, each event": [bare_cost],
    }


async def idleness(checkout: str, seconds: float) -> Samples:
    """Watch for so many seconds, in each situation."""
    host, rates, memory = FakeHost(), list[float](), dict[str, list[float]]()
    for count, unrelated, name in (
        (1, 0, "1 resource"),
        (MANY, 0, f"{MANY} resources"),
        (MANY, UNRELATED_NODES, f"{MANY} resources, {UNRELATED_NODES:,} unrelated nodes"),
    ):
        add_unrelated_nodes(host, unrelated)
        async with node(checkout, MadeUpAdapters(host, count)) as it:
            await it.plug(0)
            for path in ("/healthz", "/metrics"):  # as a kubelet and a Prometheus ask: what answers is loaded then
                (await asyncio.to_thread(urlopen, f"http://{await _address(it.plugin)}{path}")).close()
            await asyncio.sleep(_SETTLING)
            memory[f"resident memory, {name}"] = [it.plugin.memory()]
            before = it.plugin.wake_ups()
            await asyncio.sleep(seconds)
            rates.append(sum(woken - before.get(task, 0) for task, woken in it.plugin.wake_ups().items()) / seconds)
            await it.unplug(0)
    return {"idle, wake-ups of its own threads": rates, **memory}


async def _address(program: Program) -> str:
    """Where it answers over HTTP, as soon as it does."""
    await program.said(lambda lines: any('"listening"' in line for line in lines))
    return str(json.loads(next(line for line in program.lines() if '"listening"' in line))["address"])
