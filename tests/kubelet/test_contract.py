"""What a device plugin meets: the same script for the real kubelet and for the embedded one of the other layers."""

import os
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Protocol

import grpc
import pytest

from tests.lab.fake_plugin import FakePlugin, served
from tests.lab.kubelet.containers import Containerd
from tests.lab.kubelet.node import PLUGIN_DIRECTORY, KubeletProcess, container_of, is_running, kubernetes_version
from tests.lab.kubelet.pods import FOREVER, StaticPods, pod_spec
from tests.lab.kubelet.processes import eventually
from udev_device_plugin.kubelet.api.v1beta1 import api_pb2
from udev_device_plugin.testing.directory import Wipe
from udev_device_plugin.testing.kubelet import Kubelet
from udev_device_plugin.testing.records import AdmissionError, Allocation, ContainerStartError


class EitherKubelet(Protocol):
    """What the script does with a kubelet."""

    directory: str

    async def restart(self) -> None: ...

    async def wait_for_healthy(self, resource: str, count: int) -> None: ...

    async def run_pod(self, resource: str) -> str:
        """Have a pod with a device, and wait until it runs, or is told why not: the reason."""

    async def restart_container(self) -> None:
        """Have the pod's container end, and wait until it runs again."""

    async def start_refused_container(self) -> None:
        """Wait until the container of a pod whose start was refused runs; the real kubelet tries by itself."""


class Embedded:
    def __init__(self, kubelet: Kubelet) -> None:
        self.directory = kubelet.directory
        self._kubelet = kubelet
        self._pod: Allocation | None = None

    async def restart(self) -> None:
        await self._kubelet.restart()

    async def wait_for_healthy(self, resource: str, count: int) -> None:
        await self._kubelet.wait_for_devices(resource, healthy=count)

    async def run_pod(self, resource: str) -> str:
        try:
            self._pod = await self._kubelet.allocate(resource)
        except ContainerStartError as error:
            self._pod = error.allocation
            return str(error)
        except AdmissionError as error:
            return str(error)
        return ""

    async def restart_container(self) -> None:
        assert self._pod
        await self._kubelet.start_container(self._pod)

    async def start_refused_container(self) -> None:
        await self.restart_container()


class Real:
    directory = PLUGIN_DIRECTORY

    def __init__(self, kubelet: KubeletProcess, containerd: Containerd, pods: StaticPods) -> None:
        self._kubelet, self._containerd, self._pods = kubelet, containerd, pods

    async def restart(self) -> None:
        self._kubelet.restart()

    async def wait_for_healthy(self, resource: str, count: int) -> None:
        await self._kubelet.wait_for_devices(resource, count)

    async def run_pod(self, resource: str) -> str:
        name = self._pods.add("contract", pod_spec(FOREVER, **{resource.removeprefix("squat.ai/"): 1}))

        def is_decided(pods: dict[str, dict[str, Any]]) -> bool:
            return name in pods and (is_running(pods[name]) or bool(refusal_in(pods[name])))

        return refusal_in((await eventually(self._kubelet.pods, is_decided, f"{name} runs or is refused"))[name])

    async def restart_container(self) -> None:
        (name,) = self._pods.names
        former = container_of(self._kubelet.pods()[name])
        self._containerd.kill_task(former)

        def runs_again(pods: dict[str, dict[str, Any]]) -> bool:
            return is_running(pods[name]) and container_of(pods[name]) != former

        await eventually(self._kubelet.pods, runs_again, f"{name} runs again")

    async def start_refused_container(self) -> None:
        (name,) = self._pods.names
        await eventually(self._kubelet.pods, lambda pods: is_running(pods[name]), f"{name} runs")


@pytest.fixture(params=["embedded", "real"])
async def either(request: pytest.FixtureRequest, plugin_directory: str) -> AsyncIterator[EitherKubelet]:
    if request.param == "real":
        yield Real(*(request.getfixturevalue(name) for name in ("kubelet", "containerd", "static_pods")))
    else:
        wipe = Wipe.SOCKETS if takes_sockets_alone() else Wipe.ALL_FILES
        async with Kubelet(plugin_directory, wipe=wipe) as kubelet:
            yield Embedded(kubelet)


class Plugin(FakePlugin):
    """Hands out nothing that would have to be on this machine."""

    async def Allocate(  # noqa: N802 - the contract's name
        self, request: api_pb2.AllocateRequest, context: "grpc.aio.ServicerContext[object, object]"
    ) -> api_pb2.AllocateResponse:
        answer = await super().Allocate(request, context)
        for container in answer.container_responses:
            for field in ("mounts", "devices", "cdi_devices"):
                container.ClearField(field)
        return answer


def plugin(either: EitherKubelet, resource: str, endpoint: str = "contract.sock") -> Plugin:
    return Plugin(either.directory, f"squat.ai/{resource}", endpoint)


async def test_options_are_asked_for_during_a_registration_and_each_list_counts(either: EitherKubelet) -> None:
    async with served(plugin(either, "lists")) as one:
        await one.register()
        assert one.calls == ["GetDevicePluginOptions"]
        await either.wait_for_healthy(one.resource, 1)
        one.list(a="Healthy", b="Healthy", c="Unhealthy")
        await either.wait_for_healthy(one.resource, 2)
        one.list(a="Unhealthy")
        await either.wait_for_healthy(one.resource, 0)


async def test_refusals_of_a_registration_are_worded_alike(either: EitherKubelet) -> None:
    async with served(plugin(either, "refused")) as one:
        wanted = 'requested API version "v1" is not supported by kubelet. Supported version is ["v1beta1"]'
        assert await refusal_of(one, "v1") == wanted
        for name in ("serial", "kubernetes.io/x", "requests.example.com/x", "Example.com/x", "a/b/c"):
            one.resource = name
            assert await refusal_of(one) == f'the ResourceName "{name}" is invalid'
        assert one.calls == []


async def test_a_start_leaves_sub_directories_and_takes_sockets_and_ends_streams(either: EitherKubelet) -> None:
    directory = Path(either.directory)
    (directory / "below").mkdir(exist_ok=True)
    bind(directory / "stray.sock")
    bind(directory / "below" / "kept.sock")
    (directory / "file").touch()
    async with served(plugin(either, "wiped")) as one:
        await one.register()
        await either.wait_for_healthy(one.resource, 1)
        await either.restart()
        await one.stream_ended.wait()
        assert not (directory / one.endpoint).exists()
    assert (directory / "below" / "kept.sock").is_socket()
    assert not (directory / "stray.sock").exists()
    assert (directory / "file").exists() == takes_sockets_alone()
    (directory / "below" / "kept.sock").unlink()


async def test_the_end_of_an_older_stream_disconnects_the_newer_plugin(either: EitherKubelet) -> None:
    older, newer = plugin(either, "replaced", "older.sock"), plugin(either, "replaced", "newer.sock")
    async with served(older), served(newer):
        await older.register()
        await either.wait_for_healthy(older.resource, 1)
        newer.list(b="Healthy", c="Healthy")
        await newer.register()
        await either.wait_for_healthy(newer.resource, 2)
        older.end_stream()
        await newer.stream_ended.wait()
        newer.list(b="Healthy", c="Healthy", d="Healthy")
        await newer.register()
        await either.wait_for_healthy(newer.resource, 3)


async def test_a_pod_is_preferred_allocated_and_started_and_its_container_started_again(either: EitherKubelet) -> None:
    async with served(plugin(either, "order")) as one:
        one.options = api_pb2.DevicePluginOptions(pre_start_required=True, get_preferred_allocation_available=True)
        one.preferred = ("b",)
        one.list(a="Healthy", b="Healthy")
        await one.register()
        await either.wait_for_healthy(one.resource, 2)
        one.calls.clear()
        assert await either.run_pod(one.resource) == ""
        order = ["prefer 1 of ['a', 'b'] with []", "allocate ['b']", "start with ['b']"]
        assert one.calls == order
        await either.restart_container()
        assert one.calls == [*order, "start with ['b']"]


async def test_what_refuses_a_pod_is_told_in_the_plugins_words(either: EitherKubelet) -> None:
    async with served(plugin(either, "refuses")) as one:
        await one.register()
        await either.wait_for_healthy(one.resource, 1)
        one.refusal = "the stick is not here"
        assert "the stick is not here" in await either.run_pod(one.resource)


async def test_a_refused_start_is_tried_again_with_the_same_devices_and_no_new_allocation(
    either: EitherKubelet,
) -> None:
    async with served(plugin(either, "waits")) as one:
        one.options = api_pb2.DevicePluginOptions(pre_start_required=True)
        one.list(a="Healthy", b="Healthy")
        await one.register()
        await either.wait_for_healthy(one.resource, 2)
        one.calls.clear()
        one.start_refusal = "the stick is not here"
        assert "the stick is not here" in await either.run_pod(one.resource)
        one.start_refusal = ""
        await either.start_refused_container()
        allocate, first, *more = one.calls
        assert (allocate, first) in {(f"allocate ['{device}']", f"start with ['{device}']") for device in "ab"}
        assert more
        assert set(more) == {first}


async def test_an_endpoint_that_nobody_serves_is_dialled_for_ten_seconds_before_the_refusal(
    either: EitherKubelet,
) -> None:
    start = time.monotonic()
    assert await refusal_of(plugin(either, "absent")) == "failed to dial device plugin: context deadline exceeded"
    assert time.monotonic() - start > 9


def takes_sockets_alone() -> bool:
    """What a kubelet of this version clears away at its start: older ones take plain files, too."""
    return kubernetes_version() >= (1, 34)


async def refusal_of(plugin: FakePlugin, version: str = "v1beta1") -> str:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await plugin.register(version)
    assert caught.value.code() is grpc.StatusCode.UNKNOWN
    return str(caught.value.details())


def refusal_in(pod: dict[str, Any]) -> str:
    """Why a pod, or its only container, does not start."""
    status = pod["status"]
    waiting = [container["state"].get("waiting", {}) for container in status.get("containerStatuses") or []]
    return str(status.get("message") or "".join(state.get("message", "") for state in waiting))


def bind(path: Path) -> None:
    """A socket's file that nobody listens to."""
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(os.fspath(path))
