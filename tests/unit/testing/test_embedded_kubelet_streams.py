"""What the embedded kubelet makes of a plugin's lists, and of streams that end."""

import asyncio
from pathlib import Path

import pytest

from tests.lab.fake_plugin import SERIAL, FakePlugin, served
from udev_device_plugin.kubelet.api.v1beta1 import api_pb2
from udev_device_plugin.testing.kubelet import Kubelet
from udev_device_plugin.testing.records import DeviceView


async def test_capacity_counts_all_devices_and_allocatable_the_healthy_ones(
    kubelet: Kubelet, plugin: FakePlugin
) -> None:
    plugin.list(a="Healthy", b="Unhealthy", c="Healthy")
    await plugin.register()
    view = await kubelet.wait_for_devices(SERIAL, healthy=2, unhealthy=1)

    assert (view.capacity, view.allocatable, view.connected, view.endpoint) == (3, 2, True, "serial.sock")
    assert (view.registrations, view.lists, kubelet.resources) == (1, 1, (SERIAL,))


async def test_each_list_replaces_the_one_before_and_is_kept_in_the_history(
    kubelet: Kubelet, plugin: FakePlugin
) -> None:
    plugin.devices = (api_pb2.Device(ID="a", health="Healthy", topology={"nodes": [{"ID": 1}]}),)
    await plugin.register()
    await kubelet.wait_for_devices(SERIAL, healthy=1)
    plugin.list(b="Unhealthy")
    await kubelet.wait_for_devices(SERIAL, unhealthy=1)

    first, second = kubelet.history
    assert (first.devices, second.devices) == (
        (DeviceView("a", "Healthy", (1,)),),
        (DeviceView("b", "Unhealthy"),),
    )
    assert first.time <= second.time


async def test_when_a_stream_ends_the_capacity_stays_and_nothing_is_allocatable(
    kubelet: Kubelet, plugin: FakePlugin
) -> None:
    await plugin.register()
    await kubelet.wait_for_devices(SERIAL, healthy=1)
    plugin.end_stream()
    view = await kubelet.wait_for_devices(SERIAL, healthy=0)

    assert (view.capacity, view.connected) == (1, False)


async def test_a_resource_without_a_plugin_is_forgotten_after_the_grace_period(tmp_path: Path) -> None:
    async with (
        Kubelet(tmp_path, stop_grace_period=0.0) as kubelet,
        served(FakePlugin(str(tmp_path))) as plugin,
    ):
        await plugin.register()
        await kubelet.wait_for_devices(SERIAL, healthy=1)
        plugin.end_stream()
        await kubelet.wait_until(lambda kubelet: kubelet.resources == ())


async def test_when_the_stream_of_a_replaced_plugin_ends_the_new_one_is_dropped(
    kubelet: Kubelet, plugin: FakePlugin, other: FakePlugin
) -> None:
    await plugin.register()
    await kubelet.wait_for_devices(SERIAL, healthy=1)
    other.list(b="Healthy", c="Healthy")
    await other.register()
    await kubelet.wait_for_devices(SERIAL, healthy=2)
    plugin.end_stream()
    await other.stream_ended.wait()

    assert (kubelet.resource(SERIAL).capacity, kubelet.resource(SERIAL).allocatable) == (2, 0)
    await other.register()
    await kubelet.wait_for_devices(SERIAL, healthy=2)


async def test_a_plugin_that_registers_after_its_old_stream_has_ended_is_not_dropped(
    kubelet: Kubelet, plugin: FakePlugin, other: FakePlugin
) -> None:
    await plugin.register()
    await kubelet.wait_for_devices(SERIAL, healthy=1)
    plugin.end_stream()
    await kubelet.wait_until(lambda kubelet: not kubelet.resource(SERIAL).connected)
    await other.register()
    await kubelet.wait_for_devices(SERIAL, healthy=1)

    assert (kubelet.resource(SERIAL).endpoint, kubelet.resource(SERIAL).registrations) == ("other.sock", 2)


async def test_a_wait_that_times_out_says_what_the_kubelet_sees(kubelet: Kubelet, plugin: FakePlugin) -> None:
    await plugin.register()
    await kubelet.wait_for_devices(SERIAL, healthy=1)

    with pytest.raises(TimeoutError, match=r"sees: example.com/serial: connected, capacity 1, .*\[a Healthy\]"):
        await kubelet.wait_for_devices(SERIAL, healthy=2, timeout=0.01)


async def test_a_wait_sees_a_state_that_lasts_for_a_moment_only(kubelet: Kubelet, plugin: FakePlugin) -> None:
    await plugin.register()
    await kubelet.wait_for_devices(SERIAL, healthy=1)
    seen = asyncio.create_task(kubelet.wait_for_devices(SERIAL, unhealthy=1))
    plugin.list(a="Unhealthy")
    plugin.list(a="Healthy")

    await seen
