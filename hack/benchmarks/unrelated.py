"""Events that mean nothing to the plugin, as a host has them all day: what does each cost, next to a bare listener?

CPU time, so that other programs on the machine matter little. A kind each: no node; a node with links; a node without;
gone, and never offered.
"""

import asyncio
import contextlib
from collections.abc import Sequence

from hack.benchmarks import bystander
from hack.benchmarks.figures import Figure
from hack.benchmarks.programs import Program
from hack.benchmarks.scene import MANY, directory, plugin_of, plugin_program
from tests.lab.host import FakeHost
from tests.lab.records import FakeDevice, FakeNode

TIMES_BARE, FILTERED = 1.3, 0.01

BATTERY = FakeDevice(
    "/devices/virtual/power_supply/BAT0",
    "power_supply",
    properties={"POWER_SUPPLY_NAME": "BAT0", "POWER_SUPPLY_STATUS": "Discharging", "POWER_SUPPLY_CAPACITY": "81"},
)
DISK = FakeDevice(
    "/devices/virtual/block/dm-3",
    "block",
    devtype="disk",
    node=FakeNode("dm-3", 253, 3, "b"),
    properties={"ID_FS_TYPE": "ext4", "DM_NAME": "vg-data", "DM_UUID": "LVM-a1b2c3", "ID_FS_UUID": "1f2e3d4c"},
    links=("disk/by-id/dm-name-vg-data", "mapper/vg-data", "disk/by-uuid/1f2e3d4c"),
)
TERMINAL = FakeDevice("/devices/virtual/tty/tty5", "tty", node=FakeNode("tty5", 4, 5))
INTERFACE = FakeDevice("/devices/virtual/net/veth1", "net", properties={"INTERFACE": "veth1", "IFINDEX": "7"})
EVENTS = ((BATTERY, "change"), (DISK, "change"), (TERMINAL, "change"), (INTERFACE, "remove"))

RULE = (
    '{"name":"card","groups":[{"udev":[{"match":"SUBSYSTEM==\\"sound\\", KERNEL==\\"controlC*\\""}]},'
    '{"usb":[{"vendor":"2c7c","product":"0125","nodes":{"usbmisc":1}}]}]}'
)
"""Each of its selectors names its subsystem."""


async def measure(events: int) -> list[Figure]:
    """So many, a quarter of each kind."""
    host = FakeHost()
    for device, _ in EVENTS:
        host.plug(device, silent=True)
    async with contextlib.AsyncExitStack() as stack:
        folder = stack.enter_context(directory())
        bare = Program("hack.benchmarks.bystander", output=f"{folder}/bare.log")
        folders = [stack.enter_context(directory()) for _ in range(3)]
        one, many = plugin_program(1, folders[0]), plugin_program(MANY, folders[1])
        programs = (bare, one, many, plugin_of(folders[2], RULE))
        for program in programs:
            await stack.enter_async_context(program)
        await bare.said(lambda lines: bystander.READY in lines)
        for plugin in programs[1:]:
            await plugin.said(lambda lines: any('"listening"' in line for line in lines))
            await plugin.at_rest()
        host.send("change", BATTERY)  # a monitor that has heard something can be told what to hear
        costs = await _costs(host, programs, events)
    return _figures(costs, events)


async def _costs(host: FakeHost, programs: Sequence[Program], events: int) -> list[float]:
    """Microseconds of CPU time for each event, of each program."""
    before = [await program.at_rest() for program in programs]
    for device, action in EVENTS:
        host.storm(device, events // len(EVENTS), action)
        await asyncio.gather(*(program.at_rest() for program in programs))
    after = [await program.at_rest() for program in programs]
    return [(now - then) / events * 1e6 for then, now in zip(before, after, strict=True)]


def _figures(costs: Sequence[float], events: int) -> list[Figure]:
    section = f"{events} unrelated uevents, CPU for each"
    bare, one, many, filtering = costs
    return [
        Figure(section, "bare listener", bare, "µs"),
        Figure(section, "1 resource", one, "µs"),
        Figure(section, "1 resource, times the bare listener's", one / bare, "", TIMES_BARE),
        Figure(section, f"{MANY} resources, times the bare listener's", many / bare, "", TIMES_BARE),
        Figure(section, "filtered by the kernel, times the bare listener's", filtering / bare, "", FILTERED),
    ]
