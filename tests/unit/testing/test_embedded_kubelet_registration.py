"""Who may register with the embedded kubelet, and with which words others are turned away: the real one's."""

import asyncio
import socket

import grpc
import pytest

from tests.lab.fake_plugin import SERIAL, FakePlugin
from udev_device_plugin.testing.kubelet import Kubelet


async def refusal_of(plugin: FakePlugin, version: str = "v1beta1") -> str:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await plugin.register(version)
    assert caught.value.code() is grpc.StatusCode.UNKNOWN
    return str(caught.value.details())


async def test_a_plugin_is_asked_for_its_options_during_its_registration(plugin: FakePlugin) -> None:
    await plugin.register()

    assert plugin.calls == ["GetDevicePluginOptions"]


async def test_a_registration_goes_on_when_the_plugin_has_given_up_waiting_for_the_answer(
    kubelet: Kubelet, plugin: FakePlugin
) -> None:
    plugin.has_options.clear()
    registration = asyncio.create_task(plugin.register())
    await kubelet.wait_until(lambda kubelet: kubelet.resource(SERIAL).attempts == 1)
    registration.cancel()
    plugin.has_options.set()

    await kubelet.wait_for_devices(SERIAL, healthy=1)


@pytest.mark.parametrize(
    "name", ["serial", "kubernetes.io/x", "requests.example.com/x", "Example.com/x", "example.com/", "a/b/c"]
)
async def test_a_resource_name_that_is_not_an_extended_one_is_refused(
    kubelet: Kubelet, plugin: FakePlugin, name: str
) -> None:
    plugin.resource = name

    assert await refusal_of(plugin) == f'the ResourceName "{name}" is invalid'
    assert (plugin.calls, kubelet.resources, kubelet.resource(name).attempts) == ([], (), 1)


async def test_a_prefix_may_have_no_more_than_253_characters_with_the_quota_s_in_front(
    plugin: FakePlugin,
) -> None:
    plugin.resource = f"{'a' * 244}/serial"
    await plugin.register()
    plugin.resource = f"{'a' * 245}/serial"

    assert await refusal_of(plugin) == f'the ResourceName "{plugin.resource}" is invalid'


async def test_another_version_is_refused(plugin: FakePlugin) -> None:
    expected = 'requested API version "v1" is not supported by kubelet. Supported version is ["v1beta1"]'

    assert await refusal_of(plugin, "v1") == expected


async def test_an_endpoint_that_is_not_there_is_refused_after_the_dial_timeout(
    kubelet: Kubelet,
) -> None:
    missing = FakePlugin(kubelet.directory, endpoint="missing.sock")

    assert await refusal_of(missing) == "failed to dial device plugin: context deadline exceeded"
    assert not kubelet.resource(SERIAL).connected


async def test_an_endpoint_that_accepts_and_says_nothing_is_refused_too(
    kubelet: Kubelet,
) -> None:
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(f"{kubelet.directory}/mute.sock")
        mute.listen()

        refusal = await refusal_of(FakePlugin(kubelet.directory, endpoint="mute.sock"))

    assert refusal == "failed to dial device plugin: context deadline exceeded"


async def test_a_registration_can_be_refused_on_demand(kubelet: Kubelet, plugin: FakePlugin) -> None:
    kubelet.misbehaviour.refuse_registration(SERIAL, "not today")

    assert await refusal_of(plugin) == "not today"
    kubelet.misbehaviour.behave()
    await plugin.register()
    assert (kubelet.resource(SERIAL).attempts, kubelet.resource(SERIAL).registrations) == (2, 1)


async def test_the_stream_can_be_left_unopened_on_demand(kubelet: Kubelet, plugin: FakePlugin) -> None:
    kubelet.misbehaviour.never_open_stream(SERIAL)
    await plugin.register()

    assert (kubelet.resource(SERIAL).connected, kubelet.resource(SERIAL).lists) == (True, 0)


async def test_registrations_can_be_left_unanswered_until_the_kubelet_stops(
    kubelet: Kubelet, plugin: FakePlugin
) -> None:
    kubelet.misbehaviour.mute = True
    registration = asyncio.create_task(plugin.register())
    await kubelet.wait_until(lambda kubelet: kubelet.resource(SERIAL).attempts == 1)
    await kubelet.stop()

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await registration
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
