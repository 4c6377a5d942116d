"""The embedded kubelet's answers to who asks which pod holds which device: as a real one's."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest

from tests.lab.fake_plugin import SERIAL, FakePlugin, served
from udev_device_plugin.kubelet.api.podresources.v1 import api_pb2, api_pb2_grpc
from udev_device_plugin.kubelet.api.v1beta1 import api_pb2 as device_plugin_pb2
from udev_device_plugin.testing.directory import CHECKPOINT, SOCKET
from udev_device_plugin.testing.kubelet import Kubelet

VIDEO = "example.com/video"


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    return tmp_path / "pod-resources" / "kubelet.sock"


@pytest.fixture
async def kubelet(tmp_path: Path, asked: Path) -> AsyncIterator[Kubelet]:
    async with Kubelet(tmp_path / "device-plugins", seed=1, pod_resources_socket=asked) as kubelet:
        yield kubelet


async def list_of(asked: Path) -> api_pb2.ListPodResourcesResponse:
    options = (("grpc.use_local_subchannel_pool", 1),)
    async with grpc.aio.insecure_channel(f"unix:{asked}", options) as channel:
        answer = await api_pb2_grpc.PodResourcesListerStub(channel).List(api_pb2.ListPodResourcesRequest())
    assert isinstance(answer, api_pb2.ListPodResourcesResponse)
    return answer


async def held(asked: Path) -> list[tuple[str, str, str, str, list[str]]]:
    return [
        (pod.namespace, pod.name, container.name, devices.resource_name, list(devices.device_ids))
        for pod in (await list_of(asked)).pod_resources
        for container in pod.containers
        for devices in container.devices
    ]


async def refusal_of(asked: Path) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await list_of(asked)
    return caught.value.code(), str(caught.value.details())


async def test_pods_hold_what_was_allocated_to_them_until_it_is_released(
    kubelet: Kubelet, plugin: FakePlugin, asked: Path
) -> None:
    plugin.list(a="Healthy", b="Healthy")
    await plugin.register()
    await kubelet.wait_for_devices(SERIAL, healthy=2)
    assert await held(asked) == []
    allocation = await kubelet.allocate(SERIAL, ids=["a"])
    await kubelet.allocate(SERIAL, ids=["b"], pod="modem", namespace="radio", container="dialler")

    first, second = ("default", "pod-1", "main", SERIAL, ["a"]), ("radio", "modem", "dialler", SERIAL, ["b"])
    assert await held(asked) == [first, second]
    kubelet.release(allocation)
    assert await held(asked) == [second]


async def test_what_a_pod_was_given_in_several_allocations_is_listed_as_one_pod_with_its_containers(
    kubelet: Kubelet, plugin: FakePlugin, asked: Path
) -> None:
    async with served(FakePlugin(kubelet.directory, VIDEO, "video.sock")) as video:
        plugin.list(a="Healthy", b="Healthy")
        await plugin.register()
        await video.register()
        await kubelet.wait_for_devices(SERIAL, healthy=2)
        await kubelet.wait_for_devices(VIDEO, healthy=1)
        await kubelet.allocate(SERIAL, ids=["a"], pod="robot", container="eyes")
        await kubelet.allocate(SERIAL, ids=["b"], pod="robot", container="arms")
        await kubelet.allocate(VIDEO, ids=["a"], pod="robot", container="eyes")

    (pod,) = (await list_of(asked)).pod_resources
    assert {
        container.name: [devices.resource_name for devices in container.devices] for container in pod.containers
    } == {
        "eyes": [SERIAL, VIDEO],
        "arms": [SERIAL],
    }


async def test_each_device_has_an_entry_of_its_own_for_each_of_its_numa_nodes(
    kubelet: Kubelet, plugin: FakePlugin, asked: Path
) -> None:
    both = device_plugin_pb2.Device(ID="both", health="Healthy", topology={"nodes": [{"ID": 0}, {"ID": 1}]})
    plugin.devices = (both, device_plugin_pb2.Device(ID="none", health="Healthy"))
    await plugin.register()
    await kubelet.wait_for_devices(SERIAL, healthy=2)
    await kubelet.allocate(SERIAL, 2)

    assert sorted(ids for *_, ids in await held(asked)) == [["both"], ["both"], ["none"]]


async def test_what_pods_hold_survives_a_restart_of_the_kubelet_and_the_end_of_the_plugin(
    kubelet: Kubelet, plugin: FakePlugin, asked: Path
) -> None:
    await plugin.register()
    await kubelet.wait_for_devices(SERIAL, healthy=1)
    await kubelet.allocate(SERIAL)
    await kubelet.restart()

    assert await held(asked) == [("default", "pod-1", "main", SERIAL, ["a"])]


async def test_the_calls_are_counted_over_restarts_those_that_are_turned_away_as_well(
    kubelet: Kubelet, asked: Path
) -> None:
    assert kubelet.pod_resources_calls == 0
    await list_of(asked)
    await kubelet.restart()
    kubelet.misbehaviour.pod_resources_rate_limited = 1
    await refusal_of(asked)

    assert kubelet.pod_resources_calls == 2


async def test_so_many_calls_as_wanted_are_turned_away_for_the_rate_limit_in_the_kubelet_s_words(
    kubelet: Kubelet, asked: Path
) -> None:
    kubelet.misbehaviour.pod_resources_rate_limited = 2

    for _ in range(2):
        assert await refusal_of(asked) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "rejected by rate limit")
    assert await held(asked) == []


async def test_calls_can_be_left_unanswered_until_the_kubelet_stops(kubelet: Kubelet, asked: Path) -> None:
    kubelet.misbehaviour.pod_resources_silent = True
    refusal = asyncio.create_task(refusal_of(asked))
    await kubelet.wait_until(lambda kubelet: kubelet.pod_resources_calls == 1)
    await kubelet.stop()

    assert (await refusal)[0] is grpc.StatusCode.UNAVAILABLE


async def test_a_stopped_kubelet_leaves_its_socket_behind_which_refuses_connections_until_the_next_start(
    kubelet: Kubelet, asked: Path
) -> None:
    await kubelet.stop()
    with socket.socket(socket.AF_UNIX) as client, pytest.raises(ConnectionRefusedError):
        client.connect(str(asked))
    await kubelet.start()

    assert await held(asked) == []


async def test_a_kubelet_can_be_without_the_socket_and_get_it_at_a_later_start(kubelet: Kubelet, asked: Path) -> None:
    kubelet.misbehaviour.pod_resources_absent = True
    await kubelet.restart()
    assert not asked.exists()
    kubelet.misbehaviour.behave()
    await kubelet.restart()

    assert await held(asked) == []


async def test_nobody_is_told_anything_unless_a_socket_is_named(tmp_path: Path) -> None:
    async with Kubelet(tmp_path) as kubelet:
        assert kubelet.pod_resources_calls == 0
        assert set(os.listdir(tmp_path)) <= {CHECKPOINT, SOCKET}
