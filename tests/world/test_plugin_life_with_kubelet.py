"""The plugin as a process beside kubelets that come late, go, come again and clear their directory."""

import asyncio
import os
import shutil
import signal

import pytest

from tests.lab.chaos.overlaps import WAYS, Which, overlap
from tests.lab.host import FakeHost
from tests.lab.node import (
    LANDMARKS,
    SERIAL,
    Node,
    every,
    is_listed,
    metric,
    node,
    offers,
    sockets,
    until_dropped,
    wait_until_listed,
)
from tests.lab.plugin import PluginProcess
from tests.lab.sticks import serial_adapter
from udev_device_plugin.testing.directory import Wipe
from udev_device_plugin.testing.kubelet import Kubelet

TTYS = every("/dev/ttyUSB*")
VIDEO = every("/dev/video*", name="video")


async def registered_again(here: Node) -> None:
    """Wait for the second registration with the same kubelet, and its list."""
    await here.kubelet.wait_until(lambda kubelet: kubelet.resource(SERIAL).registrations == 2)
    await here.wait_for(healthy=1)


async def gave_up(plugin: PluginProcess, resource: str) -> None:
    """Wait until a registration has ended and nothing is left of it."""
    await plugin.wait_for_log(lambda line: "re-registering" in line.message and line.fields["resource"] == resource)


async def test_it_may_start_before_the_kubelet(host: FakeHost, plugin_directory: str) -> None:
    host.plug(serial_adapter())
    async with PluginProcess.serving(TTYS, directory=plugin_directory) as plugin:
        await plugin.wait_for_message("devices are here")
        while not (served := sockets(plugin_directory)):
            await asyncio.sleep(0)
        async with Kubelet(plugin_directory) as kubelet:
            await kubelet.wait_for_devices(SERIAL, healthy=1)
            assert kubelet.resource(SERIAL).attempts == 1
            assert {kubelet.resource(SERIAL).endpoint} == served


async def test_it_may_start_before_the_plugin_directory_is_there(host: FakeHost, plugin_directory: str) -> None:
    host.plug(serial_adapter())
    directory = f"{plugin_directory}/kubelet/plugins"
    async with PluginProcess.serving(TTYS, directory=directory) as plugin:
        await plugin.wait_for_message("devices are here")
        async with Kubelet(directory) as kubelet:
            await kubelet.wait_for_devices(SERIAL, healthy=1)


async def test_a_kubelet_socket_that_nobody_answers_on_is_waited_out(host: FakeHost, plugin_directory: str) -> None:
    host.plug(serial_adapter())
    async with Kubelet(plugin_directory):
        pass
    assert os.listdir(plugin_directory) == ["kubelet.sock"]
    async with PluginProcess.serving(TTYS, directory=plugin_directory) as plugin:
        await plugin.wait_for_message("devices are here")
        async with Kubelet(plugin_directory) as kubelet:
            await kubelet.wait_for_devices(SERIAL, healthy=1)


@pytest.mark.parametrize("wipe", Wipe, ids=lambda wipe: wipe.name)
async def test_it_survives_kubelet_restarts_with_the_same_devices(
    host: FakeHost, plugin_directory: str, wipe: Wipe
) -> None:
    host.plug(serial_adapter())
    async with PluginProcess.serving(TTYS, VIDEO, directory=plugin_directory) as plugin:
        async with Kubelet(plugin_directory, wipe=wipe) as kubelet:
            await kubelet.wait_for_devices(SERIAL, healthy=1)
            before = await offers(kubelet)
            for _ in range(5):
                await kubelet.restart()
                await wait_until_listed(kubelet, TTYS, VIDEO)
                assert await offers(kubelet) == before
                assert kubelet.resource(SERIAL).registrations == 1
            assert len(sockets(plugin_directory)) == 2
        assert plugin.is_running()


async def test_what_changes_while_there_is_no_kubelet_is_in_the_next_ones_first_list(
    host: FakeHost, plugin_directory: str
) -> None:
    async with node(plugin_directory, TTYS) as here:
        host.plug(serial_adapter("ttyUSB0", "A", "1-1"))
        await here.wait_for(healthy=1)
        await here.kubelet.stop()
        second = serial_adapter("ttyUSB1", "B", "1-2")
        host.plug(second)
        await here.plugin.wait_for_log(lambda line: line.fields.get("devices") == [second.by_id])
        await here.kubelet.start()
        await here.kubelet.wait_until(is_listed)
        first = next(message for message in here.kubelet.history if message.resource == SERIAL)
        assert len(first.devices) == 2


async def test_a_wiped_directory_is_served_in_anew(host: FakeHost, plugin_directory: str) -> None:
    host.plug(serial_adapter())
    async with node(plugin_directory, TTYS) as here:
        before = await here.offers()
        old = sockets(plugin_directory)
        async with until_dropped(here.kubelet, SERIAL):
            for name in old:
                os.unlink(f"{plugin_directory}/{name}")
        await registered_again(here)
        assert await here.offers() == before
        assert not old & sockets(plugin_directory)


async def test_a_directory_that_was_removed_and_made_again_is_found(host: FakeHost, plugin_directory: str) -> None:
    host.plug(serial_adapter())
    async with node(plugin_directory, TTYS) as here:
        await here.kubelet.stop()
        for resource in (SERIAL, LANDMARKS):
            await gave_up(here.plugin, resource)
        shutil.rmtree(plugin_directory)
        await here.kubelet.start()
        await here.wait_for(healthy=1)


async def test_a_stream_that_the_kubelet_drops_is_registered_again(host: FakeHost, plugin_directory: str) -> None:
    host.plug(serial_adapter())
    async with node(plugin_directory, TTYS) as here:
        here.kubelet.disconnect(SERIAL)
        await registered_again(here)


async def test_a_resource_that_is_refused_does_not_stop_the_others(host: FakeHost, plugin_directory: str) -> None:
    host.plug(serial_adapter())
    kubelet = Kubelet(plugin_directory)
    kubelet.misbehaviour.refuse_registration("squat.ai/video", "not today")
    async with kubelet, PluginProcess.serving(VIDEO, TTYS, directory=plugin_directory) as plugin:
        await kubelet.wait_for_devices(SERIAL, healthy=1)
        line = await plugin.wait_for_log(lambda line: "not today" in line.message)
        assert line.fields["resource"] == "squat.ai/video"
        kubelet.misbehaviour.behave()
        await wait_until_listed(kubelet, VIDEO, TTYS)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
async def test_a_signal_ends_it_cleanly(host: FakeHost, plugin_directory: str, number: signal.Signals) -> None:
    host.plug(serial_adapter())
    async with node(plugin_directory, TTYS, VIDEO) as here:
        here.plugin.signal(number)
        assert await here.plugin.wait() == 0
        assert sockets(plugin_directory) == set()
        await here.kubelet.wait_until(lambda kubelet: not kubelet.resource(SERIAL).connected)
        await here.wait_for(healthy=0, unhealthy=1)
        assert here.plugin.log[-1].message == "stopped"
        assert here.plugin.errors == []


async def test_a_signal_ends_it_before_there_is_a_kubelet(host: FakeHost, plugin_directory: str) -> None:
    host.plug(serial_adapter())
    async with PluginProcess.serving(TTYS, directory=plugin_directory) as plugin:
        await plugin.wait_for_message("devices are here")
        assert await plugin.terminate() == 0
        assert plugin.errors == []


async def test_killed_and_started_at_once_it_offers_the_same_and_clears_up(
    host: FakeHost, plugin_directory: str
) -> None:
    host.plug(serial_adapter("ttyUSB0", "A", "1-1"))
    host.plug(serial_adapter("ttyUSB1", "B", "1-2"))
    async with Kubelet(plugin_directory) as kubelet:
        async with PluginProcess.serving(TTYS, directory=plugin_directory) as plugin:
            await kubelet.wait_for_devices(SERIAL, healthy=2)
            before = await offers(kubelet)
            async with until_dropped(kubelet, SERIAL):
                await plugin.kill()
        left_behind = sockets(plugin_directory)
        assert len(left_behind) == 1
        async with PluginProcess.serving(TTYS, directory=plugin_directory) as plugin:
            await kubelet.wait_for_devices(SERIAL, healthy=2)
            assert await offers(kubelet) == before
            assert not left_behind & sockets(plugin_directory)
            await plugin.wait_for_message("removed the sockets of earlier runs")


async def test_sockets_of_others_and_of_the_living_are_left_alone(host: FakeHost, plugin_directory: str) -> None:
    host.plug(serial_adapter())
    async with node(plugin_directory, TTYS) as here:
        others = f"{plugin_directory}/gdp-c3F1YXQuYWkvc2VyaWFs-1700000000.sock"
        os.close(os.open(others, os.O_CREAT, 0o600))
        living = sockets(plugin_directory)
        async with PluginProcess.serving(VIDEO, directory=plugin_directory) as plugin:
            await wait_until_listed(here.kubelet, VIDEO)
            assert living <= sockets(plugin_directory)
            assert os.path.exists(others)
            async with until_dropped(here.kubelet, "squat.ai/video"):
                await plugin.kill()
        await here.catch_up()
        assert await here.paths() == ["/dev/ttyUSB0"]
        assert here.kubelet.resource(SERIAL).registrations == 1


@pytest.mark.parametrize(("goes", "ended_by"), WAYS, ids=lambda way: getattr(way, "name", way))
async def test_of_two_plugins_of_a_rolling_update_the_one_that_stays_is_heard(
    host: FakeHost, plugin_directory: str, goes: Which, ended_by: signal.Signals
) -> None:
    await overlap(host, plugin_directory, goes, ended_by)


async def test_a_hundred_kubelet_restarts_are_all_survived(host: FakeHost, plugin_directory: str) -> None:
    host.plug(serial_adapter())
    async with node(plugin_directory, TTYS, VIDEO) as here:
        before = await here.offers()
        served = sockets(plugin_directory)
        for number in range(100):
            here.kubelet._wipe = (Wipe.ALL_FILES, Wipe.SOCKETS)[number % 2]
            await here.kubelet.restart()
            await wait_until_listed(here.kubelet, TTYS, VIDEO)
            assert here.kubelet.resource(SERIAL).registrations == 1
            assert sockets(plugin_directory) == served
        assert await here.offers() == before
        assert here.plugin.errors == []


async def test_each_kubelet_restart_is_counted(host: FakeHost, plugin_directory: str) -> None:
    host.plug(serial_adapter())
    async with node(plugin_directory, TTYS) as here:
        await here.kubelet.restart()
        await here.wait_for(healthy=1)
        assert await metric(here.plugin, "generic_device_plugin_restarts_total", resource=SERIAL) == 1
