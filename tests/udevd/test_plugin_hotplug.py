"""The plugin beside a real udevd, with real hotplug of the kernel: nodes come and go, rules give them links."""

import asyncio
import os
import time

from tests.lab.hotplug import LoopDevices, MacvtapSticks, announce, describe
from tests.lab.netlink import Injector, overflow
from tests.lab.node import SERIAL, every, metric, most_lists, node, wait_for_metric
from tests.lab.udevd import Udevd

TAPS = every("/dev/tap42*")
BY_ID = every("/dev/serial/by-id/*")
BOTH = every("/dev/serial/by-id/*FTDI*", "/dev/tap42*")
UEVENTS = "udev_device_plugin_uevents_total"


async def test_a_plug_is_offered_and_an_unplug_makes_it_unhealthy_until_it_returns(
    sticks: MacvtapSticks, plugin_directory: str
) -> None:
    async with node(plugin_directory, TAPS) as here:
        stick = sticks.plug(0)
        await here.wait_for(healthy=1)
        before = await here.offers()
        assert before[0].paths == (stick.devnode,)
        sticks.unplug(0)
        await here.wait_for(healthy=0, unhealthy=1)
        sticks.plug(0)
        await here.wait_for(healthy=1)
        assert await here.offers() == before


async def test_an_unplugged_stick_is_forgotten_after_the_grace_period(
    sticks: MacvtapSticks, plugin_directory: str
) -> None:
    async with node(plugin_directory, TAPS, arguments=["--removal-grace-period=100ms"]) as here:
        sticks.plug(1)
        await here.wait_for(healthy=1)
        (before,) = await here.offers()
        sticks.unplug(1)
        await here.wait_for(healthy=0, unhealthy=1)
        await here.wait_for(healthy=0, unhealthy=0)
        sticks.plug(1)
        await here.wait_for(healthy=1)
        assert await here.offers() == (before,)


async def test_what_is_plugged_before_the_start_is_in_the_first_list(
    sticks: MacvtapSticks, udevd: Udevd, plugin_directory: str
) -> None:
    plugged = [sticks.plug(number) for number in range(5)]
    udevd.settle()
    async with node(plugin_directory, BY_ID) as here:
        first = next(message for message in here.kubelet.history if message.resource == SERIAL)
        assert len(first.devices) == 5
        assert await here.paths() == sorted(stick.by_id for stick in plugged)


async def test_links_come_and_go_with_their_stick(sticks: MacvtapSticks, plugin_directory: str) -> None:
    async with node(plugin_directory, BY_ID) as here:
        stick = sticks.plug(2)
        await here.wait_for(healthy=1)
        (offer,) = await here.offers()
        assert offer.paths == (stick.by_id,)
        assert os.path.realpath(offer.devices[0].host_path) == stick.devnode
        sticks.unplug(2)
        await here.wait_for(healthy=0, unhealthy=1)


async def test_a_stick_that_two_globs_reach_is_offered_once_by_its_link(
    sticks: MacvtapSticks, plugin_directory: str
) -> None:
    async with node(plugin_directory, BOTH) as here:
        for number in range(10):
            sticks.plug(number)
            await here.wait_for(healthy=number + 1)
        await here.catch_up()
        assert await here.paths() == sorted(describe(number).by_id for number in range(10))
        assert here.most_listed() == 10
        for number in range(10):
            sticks.unplug(number)
        await here.wait_for(healthy=0, unhealthy=10)


async def test_a_stick_whose_place_in_sysfs_moves_is_the_same_until_it_is_pulled(
    sticks: MacvtapSticks, udevd: Udevd, plugin_directory: str
) -> None:
    async with node(plugin_directory, BY_ID) as here:
        sticks.plug(3)
        await here.wait_for(healthy=1)
        before = await here.offers()
        sticks.move(3)
        udevd.settle()
        await wait_for_metric(here.plugin, UEVENTS, 1, action="move")
        await here.catch_up()
        assert await here.offers() == before
        sticks.unplug(3)
        await here.wait_for(healthy=0, unhealthy=1)
        sticks.plug(3)
        await here.wait_for(healthy=1)
        assert await here.offers() == before


async def test_twins_are_two_devices(sticks: MacvtapSticks, udevd: Udevd, plugin_directory: str) -> None:
    async with node(plugin_directory, every("/dev/serial/by-path/*", "/dev/serial/by-id/*", "/dev/tap42*")) as here:
        first, second = sticks.plug(50), sticks.plug(51)
        await here.wait_for(healthy=2)
        sticks.unplug(51)
        await here.wait_for(healthy=1, unhealthy=1)
        udevd.settle()
        await here.catch_up()
        assert await here.paths() == [first.by_path]
        assert second.by_path != first.by_path


async def test_block_nodes_come_and_go(loops: LoopDevices, plugin_directory: str) -> None:
    async with node(plugin_directory, every("/dev/loop142*", name="loops")) as here:
        path = loops.add(0)
        await here.wait_for(healthy=1, resource="squat.ai/loops")
        assert await here.paths("squat.ai/loops") == [path]
        loops.remove(0)
        await here.wait_for(healthy=0, unhealthy=1, resource="squat.ai/loops")


async def test_40_sticks_as_fast_as_can_be_are_all_listed_in_few_lists(
    sticks: MacvtapSticks, plugin_directory: str
) -> None:
    async with node(plugin_directory, BY_ID) as here:
        before, started = here.lists(), time.monotonic()
        plugged = [await asyncio.to_thread(sticks.plug, number) for number in range(40)]
        await here.wait_for(healthy=40)
        assert here.lists() - before <= most_lists(time.monotonic() - started)
        assert await here.paths() == sorted(stick.by_id for stick in plugged)


async def test_40_sticks_that_udevd_announces_together_are_all_listed(
    sticks: MacvtapSticks, udevd: Udevd, plugin_directory: str
) -> None:
    async with node(plugin_directory, BOTH) as here:
        with udevd.holding_its_queue():
            plugged = [await asyncio.to_thread(sticks.plug, number) for number in range(40)]
        await here.wait_for(healthy=40)
        await here.catch_up()
        assert here.most_listed() == 40
        assert here.kubelet.resource(SERIAL).allocatable == len(plugged)


async def test_a_stick_that_flaps_ends_as_it_is(sticks: MacvtapSticks, udevd: Udevd, plugin_directory: str) -> None:
    async with node(plugin_directory, BY_ID) as here:
        for _ in range(10):
            sticks.plug(3)
            sticks.unplug(3)
        sticks.plug(3)
        udevd.settle()
        await here.catch_up()  # until then, it may be one of the states in between
        await here.wait_for(healthy=1)
        for _ in range(10):
            sticks.unplug(3)
            sticks.plug(3)
        sticks.unplug(3)
        udevd.settle()
        await here.catch_up()
        await here.wait_for(healthy=0, unhealthy=1)
        assert here.most_listed() == 1


async def test_an_overflow_is_counted_and_a_stick_plugged_meanwhile_is_listed(
    sticks: MacvtapSticks, injector: Injector, plugin_directory: str
) -> None:
    async with node(plugin_directory, BY_ID) as here:
        rescans = await metric(here.plugin, "udev_device_plugin_rescans_total", source="udev")
        with here.plugin.suspended():
            overflow(injector)
            stick = sticks.plug(4)
        await here.wait_for(healthy=1)
        assert await here.paths() == [stick.by_id]
        await wait_for_metric(here.plugin, "udev_device_plugin_overflows_total", 1)
        await wait_for_metric(here.plugin, "udev_device_plugin_rescans_total", rescans + 1, source="udev")


async def test_announcements_of_a_device_that_stays_send_no_list(udevd: Udevd, plugin_directory: str) -> None:
    announce("add")  # or udevd has never heard of it
    udevd.settle()
    async with node(plugin_directory, every("/dev/tty62")) as here:
        await here.wait_for(healthy=1)
        before = await here.offers()
        for action in ("change", "remove", "add", "remove"):
            announce(action)
        await wait_for_metric(here.plugin, UEVENTS, 2, action="remove")
        await here.catch_up()
        assert await here.offers() == before
        assert here.lists() == 1
