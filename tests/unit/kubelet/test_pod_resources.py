"""Which pods hold which devices: what the kubelet is asked, and what is made of its answer, or of none."""

import asyncio
import contextlib
import logging
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import grpc
import pytest

from tests.lab.fake_plugin import SERIAL, FakePlugin, served
from udev_device_plugin.devices.device import Holder
from udev_device_plugin.kubelet import pod_resources
from udev_device_plugin.kubelet.api.podresources.v1 import api_pb2
from udev_device_plugin.kubelet.api.v1beta1 import api_pb2 as device_plugin_pb2
from udev_device_plugin.kubelet.pod_resources import ATTEMPTS, PodResources
from udev_device_plugin.testing.kubelet import Kubelet

VIDEO = "example.com/video"


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A directory with a short path: a unix socket's has 107 bytes at most."""
    with tempfile.TemporaryDirectory(prefix="pr") as path:
        yield Path(path)


@pytest.fixture
def socket(tmp_path: Path) -> str:
    (tmp_path / "pods").mkdir()
    return str(tmp_path / "pods" / "kubelet.sock")


@pytest.fixture
async def kubelet(tmp_path: Path, socket: str) -> AsyncIterator[Kubelet]:
    async with Kubelet(tmp_path / "plugins", pod_resources_socket=socket) as kubelet:
        yield kubelet


@pytest.fixture
async def plugin(kubelet: Kubelet) -> AsyncIterator[FakePlugin]:
    async with served(FakePlugin(kubelet.directory)) as plugin:
        plugin.list(a="Healthy", b="Healthy", c="Healthy")
        await plugin.register()
        await kubelet.wait_for_devices(SERIAL, healthy=3)
        yield plugin


class Log:
    """What these modules have logged."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog
        caplog.set_level(logging.DEBUG, pod_resources.logger.name)

    @property
    def lines(self) -> list[tuple[str, str]]:
        return [
            (record.levelname, record.getMessage())
            for record in self._caplog.records
            if record.name == pod_resources.logger.name
        ]


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Log:
    return Log(caplog)


class ScriptedLister:
    """Answers each call with the next step of its script: a status to fail with, or the bytes of a message."""

    def __init__(self, *script: grpc.StatusCode | bytes) -> None:
        self._script = list(script)

    async def answer(self, _request: bytes, context: "grpc.aio.ServicerContext[bytes, bytes]") -> bytes:
        step = self._script.pop(0)
        if isinstance(step, grpc.StatusCode):
            await context.abort(step, "as the script says")
        return step


@contextlib.asynccontextmanager
async def scripted(socket: str, *script: grpc.StatusCode | bytes) -> AsyncIterator[None]:
    server = grpc.aio.server()
    method = grpc.unary_unary_rpc_method_handler(ScriptedLister(*script).answer)
    handler = grpc.method_handlers_generic_handler("v1.PodResourcesLister", {"List": method})
    server.add_generic_rpc_handlers((handler,))
    server.add_insecure_port(f"unix:{socket}")
    await server.start()
    try:
        yield
    finally:
        await server.stop(0.2)


async def test_what_containers_hold_is_told_by_resource_and_id(
    kubelet: Kubelet, plugin: FakePlugin, socket: str
) -> None:
    await kubelet.allocate(plugin.resource, ids=["a", "b"], pod="robot", namespace="floor", container="eyes")
    await kubelet.allocate(plugin.resource, ids=["c"])
    holders = await PodResources(socket).held([SERIAL])

    assert holders is not None
    eyes = Holder("floor", "robot", "eyes")
    assert holders == {SERIAL: {"a": eyes, "b": eyes, "c": Holder("default", "pod-1", "main")}}
    assert holders[SERIAL].keys() == {"a", "b", "c"}


async def test_what_has_been_released_is_not_held(kubelet: Kubelet, plugin: FakePlugin, socket: str) -> None:
    kubelet.release(await kubelet.allocate(plugin.resource, ids=["a"]))
    await kubelet.allocate(plugin.resource, ids=["b"])
    holders = await PodResources(socket).held([SERIAL])

    assert holders is not None
    assert holders[SERIAL].keys() == {"b"}


async def test_only_resources_that_were_asked_about_are_told_and_those_that_nobody_holds_too(
    kubelet: Kubelet, plugin: FakePlugin, socket: str
) -> None:
    await kubelet.allocate(plugin.resource)
    holders = await PodResources(socket).held([VIDEO])

    assert holders is not None
    assert holders == {VIDEO: {}}


async def test_a_device_that_the_kubelet_tells_once_for_each_numa_node_is_held_once(
    kubelet: Kubelet, plugin: FakePlugin, socket: str
) -> None:
    plugin.devices = (device_plugin_pb2.Device(ID="d", health="Healthy", topology={"nodes": [{"ID": 0}, {"ID": 1}]}),)
    await plugin.register()
    await kubelet.wait_for_devices(SERIAL, healthy=1)
    await kubelet.allocate(SERIAL)
    holders = await PodResources(socket).held([SERIAL])

    assert holders is not None
    assert holders == {SERIAL: {"d": Holder("default", "pod-1", "main")}}


async def test_the_answer_of_a_node_full_of_pods_is_taken(socket: str) -> None:
    devices = api_pb2.ContainerDevices(resource_name=SERIAL, device_ids=[f"{number:063}" for number in range(500)])
    container = api_pb2.ContainerResources(name="c" * 63, devices=[devices])
    pods = [
        api_pb2.PodResources(name=f"{number:0253}", namespace="n" * 63, containers=[container]) for number in range(110)
    ]
    answer = api_pb2.ListPodResourcesResponse(pod_resources=pods).SerializeToString()

    async with scripted(socket, answer):
        holders = await PodResources(socket).held([SERIAL])
    assert holders is not None
    assert len(holders[SERIAL]) == 500


async def test_the_kubelet_is_asked_once_for_each_question_and_never_without_one(
    kubelet: Kubelet, socket: str, log: Log
) -> None:
    asking = PodResources(socket)
    assert kubelet.pod_resources_calls == 0
    await asking.held([SERIAL, VIDEO])
    await asking.held([SERIAL])

    assert (kubelet.pod_resources_calls, log.lines) == (2, [])


async def test_a_question_that_the_rate_limit_turned_away_is_asked_again(
    kubelet: Kubelet, socket: str, log: Log
) -> None:
    kubelet.misbehaviour.pod_resources_rate_limited = 2

    assert await PodResources(socket).held([SERIAL]) is not None
    assert (kubelet.pod_resources_calls, log.lines) == (3, [])


async def test_a_question_to_a_kubelet_that_restarts_is_asked_again(socket: str, log: Log) -> None:
    async with scripted(socket, grpc.StatusCode.UNAVAILABLE, b""):
        assert await PodResources(socket).held([SERIAL]) is not None

    assert log.lines == []


async def test_after_a_few_refusals_it_gives_up(kubelet: Kubelet, socket: str, log: Log) -> None:
    kubelet.misbehaviour.pod_resources_rate_limited = 1000

    assert await PodResources(socket).held([SERIAL]) is None
    assert kubelet.pod_resources_calls == ATTEMPTS
    ((level, text),) = log.lines
    assert level == "WARNING"
    assert "rejected by rate limit" in text


async def test_a_kubelet_that_does_not_answer_is_not_asked_again(
    kubelet: Kubelet, socket: str, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pod_resources, "CALL_TIMEOUT", 0.2)
    kubelet.misbehaviour.pod_resources_silent = True

    assert await PodResources(socket).held([SERIAL]) is None
    assert kubelet.pod_resources_calls == 1
    ((level, text),) = log.lines
    assert level == "WARNING"
    assert f"--pod-resources-socket: {socket!r} does not answer within 0.2 s" in text


async def test_a_socket_that_is_not_there_is_said_with_the_remedy(kubelet: Kubelet, socket: str, log: Log) -> None:
    kubelet.misbehaviour.pod_resources_absent = True
    await kubelet.restart()

    assert await PodResources(socket).held([SERIAL]) is None
    ((level, text),) = log.lines
    assert level == "INFO"
    assert f"--pod-resources-socket: {socket!r} is not there" in text
    assert f"is its directory, {os.path.dirname(socket)}, mounted here (read-only will do)" in text


async def test_a_socket_that_a_dead_kubelet_left_behind_gives_no_answer(
    kubelet: Kubelet, socket: str, log: Log
) -> None:
    await kubelet.stop()

    assert await PodResources(socket).held([SERIAL]) is None
    ((level, text),) = log.lines
    assert level == "WARNING"
    assert "does not answer: " in text


async def test_trouble_is_said_once_and_again_only_after_it_has_worked_in_between(
    kubelet: Kubelet, socket: str, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pod_resources, "CALL_TIMEOUT", 0.2)
    asking = PodResources(socket)
    kubelet.misbehaviour.pod_resources_absent = True
    await kubelet.restart()
    for _ in range(3):
        assert await asking.held([SERIAL]) is None
    kubelet.misbehaviour.behave()
    await kubelet.restart()
    for _ in range(2):
        assert await asking.held([SERIAL]) is not None
    kubelet.misbehaviour.pod_resources_silent = True
    for _ in range(2):
        assert await asking.held([SERIAL]) is None

    assert [level for level, _ in log.lines] == ["INFO", "INFO", "WARNING"]
    assert log.lines[1][1] == "the kubelet now says which devices pods hold"


@pytest.mark.parametrize(
    "message", [b"\xff\xff", b"\x0a\x03\x0a\x01\xff"], ids=["not a message", "a name that is not UTF-8"]
)
async def test_an_answer_that_cannot_be_read_is_none(socket: str, log: Log, message: bytes) -> None:
    async with scripted(socket, message):
        assert await PodResources(socket).held([SERIAL]) is None

    assert [level for level, _ in log.lines] == ["WARNING"]


async def test_an_answer_beyond_grpc_s_limit_is_none(socket: str, log: Log) -> None:
    async with scripted(socket, *[bytes(5 << 20)] * ATTEMPTS):
        assert await PodResources(socket).held([SERIAL]) is None

    ((_, text),) = log.lines
    assert "larger than max" in text


async def test_a_refusal_for_good_is_not_asked_again(socket: str, log: Log) -> None:
    async with scripted(socket, grpc.StatusCode.UNIMPLEMENTED):
        assert await PodResources(socket).held([SERIAL]) is None

    ((_, text),) = log.lines
    assert "does not answer: as the script says" in text


async def test_a_path_too_long_for_a_socket_is_one_that_is_not_there(tmp_path: Path, log: Log) -> None:
    assert await PodResources(f"{tmp_path}/{'long' * 100}").held([SERIAL]) is None
    assert [level for level, _ in log.lines] == ["INFO"]


async def test_questions_leave_no_tasks_and_no_descriptors_behind(kubelet: Kubelet, socket: str) -> None:
    asking = PodResources(socket)
    kubelet.misbehaviour.pod_resources_rate_limited = 1
    await asking.held([SERIAL])
    before = left_behind()
    for _ in range(20):
        await asking.held([SERIAL])

    async with asyncio.timeout(10):
        while left_behind() > before:
            await asyncio.sleep(0.01)


def left_behind() -> int:
    return len(asyncio.all_tasks()) + len(os.listdir("/proc/self/fd"))
