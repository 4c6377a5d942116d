"""The plugin between a real udevd and a kubelet that restarts, and its own end and return."""

from tests.lab.hotplug import MacvtapSticks
from tests.lab.node import SERIAL, every, node, offers, sockets, until_dropped
from tests.lab.plugin import PluginProcess
from tests.lab.udevd import Udevd
from udev_device_plugin.testing.kubelet import Kubelet

BOTH = every("/dev/serial/by-id/*", "/dev/tap42*")


async def test_sticks_plugged_right_after_each_of_20_kubelet_restarts_are_all_listed(
    sticks: MacvtapSticks, plugin_directory: str
) -> None:
    async with node(plugin_directory, BOTH) as here:
        plugged = []
        for number in range(20):
            await here.kubelet.restart()
            plugged.append(sticks.plug(number).by_id)
            await here.wait_for(healthy=number + 1)
        assert await here.paths() == sorted(plugged)
        assert here.most_listed() == 20


async def test_sticks_plugged_while_there_is_no_kubelet_are_in_its_first_list(
    sticks: MacvtapSticks, udevd: Udevd, plugin_directory: str
) -> None:
    async with node(plugin_directory, BOTH) as here:
        await here.kubelet.stop()
        sticks.plug(20)
        udevd.settle()
        await here.plugin.wait_for_message("devices are here")
        await here.kubelet.start()
        await here.wait_for(healthy=1)
        assert here.lists() == 1


async def test_a_signal_ends_it_cleanly(sticks: MacvtapSticks, plugin_directory: str) -> None:
    async with node(plugin_directory, BOTH) as here:
        sticks.plug(21)
        await here.wait_for(healthy=1)
        assert await here.plugin.terminate() == 0
        assert sockets(plugin_directory) == set()
        await here.kubelet.wait_until(lambda kubelet: not kubelet.resource(SERIAL).connected)
        assert here.plugin.errors == []


async def test_killed_and_started_at_once_it_offers_the_same_and_clears_up(
    sticks: MacvtapSticks, udevd: Udevd, plugin_directory: str
) -> None:
    for number in (22, 23):
        sticks.plug(number)
    udevd.settle()
    async with Kubelet(plugin_directory) as kubelet:
        async with PluginProcess.serving(BOTH, directory=plugin_directory) as plugin:
            await kubelet.wait_for_devices(SERIAL, healthy=2)
            before = await offers(kubelet)
            async with until_dropped(kubelet, SERIAL):
                await plugin.kill()
        left_behind = sockets(plugin_directory)
        assert len(left_behind) == 1
        async with PluginProcess.serving(BOTH, directory=plugin_directory):
            await kubelet.wait_for_devices(SERIAL, healthy=2)
            assert await offers(kubelet) == before
            assert not left_behind & sockets(plugin_directory)
            sticks.unplug(22)
            await kubelet.wait_for_devices(SERIAL, healthy=1, unhealthy=1)


async def test_what_is_unplugged_while_it_is_away_is_not_offered(
    sticks: MacvtapSticks, udevd: Udevd, plugin_directory: str
) -> None:
    for number in (24, 25):
        sticks.plug(number)
    udevd.settle()
    async with Kubelet(plugin_directory) as kubelet:
        async with PluginProcess.serving(BOTH, directory=plugin_directory) as plugin:
            await kubelet.wait_for_devices(SERIAL, healthy=2)
            async with until_dropped(kubelet, SERIAL):
                await plugin.kill()
        sticks.unplug(24)
        async with PluginProcess.serving(BOTH, directory=plugin_directory):
            await kubelet.wait_for_devices(SERIAL, healthy=1, unhealthy=0)
