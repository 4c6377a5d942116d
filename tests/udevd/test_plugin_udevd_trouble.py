"""The plugin beside a real udevd that is slow, dies, or comes late."""

import asyncio
import os

from tests.lab.hotplug import MacvtapSticks, announce
from tests.lab.node import SERIAL, every, metric, node, offers, wait_for_metric
from tests.lab.plugin import PATIENCE, PluginProcess
from tests.lab.udevd import Udevd
from udev_device_plugin.host.udev.delivery_check import UDEV_CONTROL
from udev_device_plugin.testing.kubelet import Kubelet

BOTH = every("/dev/serial/by-id/*", "/dev/tap42*")


async def test_a_stick_is_held_back_while_udevd_is_slow_and_offered_once_by_its_link(
    sticks: MacvtapSticks, udevd: Udevd, plugin_directory: str
) -> None:
    async with node(plugin_directory, BOTH) as here:
        with udevd.holding_its_queue():
            stick = sticks.plug(10)
            await here.catch_up()
            assert here.lists() == 1
        await here.wait_for(healthy=1)
        await here.catch_up()
        assert await here.paths() == [stick.by_id]
        assert here.lists() == 2
        assert here.most_listed() == 1


async def test_a_stick_that_udevd_sleeps_over_is_offered_once_before_and_after(
    sticks: MacvtapSticks, udevd: Udevd, plugin_directory: str
) -> None:
    async with node(plugin_directory, BOTH) as here:
        with udevd.holding_its_queue():
            stick = sticks.plug(11)
            await here.wait_for(healthy=1)
            before = await here.offers()
            assert before[0].paths == (stick.devnode,)
        udevd.settle()
        await here.catch_up()
        assert await here.offers() == before
        assert here.most_listed() == 1


async def test_what_is_plugged_while_udevd_is_dead_is_right_in_the_end(
    sticks: MacvtapSticks, udevd: Udevd, plugin_directory: str
) -> None:
    async with node(plugin_directory, BOTH) as here:
        first = sticks.plug(12)
        await here.wait_for(healthy=1)
        udevd.kill()
        second = sticks.plug(13)
        await here.wait_for(healthy=2)
        assert await here.paths() == sorted([first.by_id, second.devnode])
        udevd.start()
        udevd.trigger("--action=add", "--subsystem-match=macvtap")
        udevd.settle()
        await here.catch_up()
        assert os.path.exists(second.by_id)
        assert len(await here.paths()) == 2
        assert here.most_listed() == 2
        third = sticks.plug(14)
        await here.wait_for(healthy=3)
        assert third.by_id in await here.paths()


async def test_what_is_unplugged_while_udevd_is_dead_is_unhealthy_at_once(
    sticks: MacvtapSticks, udevd: Udevd, plugin_directory: str
) -> None:
    async with node(plugin_directory, BOTH) as here:
        sticks.plug(15)
        await here.wait_for(healthy=1)
        udevd.kill()
        sticks.unplug(15)
        await here.wait_for(healthy=0, unhealthy=1)
        udevd.start()
        sticks.plug(15)
        await here.wait_for(healthy=1)


async def test_after_each_restart_of_udevd_sticks_come_with_their_links(
    sticks: MacvtapSticks, udevd: Udevd, plugin_directory: str
) -> None:
    async with node(plugin_directory, BOTH) as here:
        for count, number in enumerate(range(16, 21), start=1):
            udevd.restart()
            stick = sticks.plug(number)
            await here.wait_for(healthy=count)
            assert stick.by_id in await here.paths()
        assert here.most_listed() == 5


async def test_after_a_restart_of_udevd_its_events_are_heard(udevd: Udevd, plugin_directory: str) -> None:
    async with node(plugin_directory, BOTH) as here:
        udevd.restart()
        await wait_for_metric(here.plugin, "udev_device_plugin_rescans_total", 2, source="udev")
        try:
            async with asyncio.timeout(PATIENCE):
                while not await metric(here.plugin, "udev_device_plugin_uevents_total", action="change"):
                    announce("change")  # until the last of its new monitors is there
        finally:
            announce("remove")  # takes its link away
            udevd.settle()


async def test_it_may_start_before_kubelet_and_udevd(
    sticks: MacvtapSticks, udevd: Udevd, plugin_directory: str
) -> None:
    udevd.stop()
    if os.path.exists(UDEV_CONTROL):
        os.unlink(UDEV_CONTROL)  # as it is before the first udevd of a boot
    async with PluginProcess.serving(BOTH, directory=plugin_directory) as plugin:
        await plugin.wait_for_log(lambda line: "is not there, so udev's events cannot arrive" in line.message)
        first = sticks.plug(20)
        await plugin.wait_for_message("devices are here")
        async with Kubelet(plugin_directory) as kubelet:
            await kubelet.wait_for_devices(SERIAL, healthy=1)
            udevd.start()
            await plugin.wait_for_message("udev: udevd is there now")
            udevd.trigger("--action=add", "--subsystem-match=macvtap")
            second = sticks.plug(21)
            await kubelet.wait_for_devices(SERIAL, healthy=2)
            udevd.settle()
            paths = {path for offer in await offers(kubelet) for path in offer.paths}
            assert paths == {first.devnode, second.by_id}
            assert kubelet.resource(SERIAL).capacity == 2
