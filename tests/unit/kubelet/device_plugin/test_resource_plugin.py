"""A resource's plugin and the kubelet, over real gRPC on real sockets: every order of starts, stops and mishaps."""

import asyncio
import contextlib
import os
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from udev_device_plugin.config.specs import PathType
from udev_device_plugin.devices.device import Device, DeviceSet, Member
from udev_device_plugin.devices.store import DeviceStore
from udev_device_plugin.errors import StartError
from udev_device_plugin.filesystem.own_directory import OwnDirectory
from udev_device_plugin.kubelet.api.v1beta1 import api_pb2, api_pb2_grpc
from udev_device_plugin.kubelet.channel import open_channel
from udev_device_plugin.kubelet.checkpoint import held_ids
from udev_device_plugin.kubelet.device_plugin import messages, resource_plugin as plugin_module
from udev_device_plugin.kubelet.device_plugin.registration_turns import RegistrationTurns
from udev_device_plugin.kubelet.device_plugin.resource_plugin import ResourcePlugin
from udev_device_plugin.kubelet.device_plugin.server import MAX_SOCKET_PATH, remove_stale, socket_name
from udev_device_plugin.kubelet.plugin_directory import PluginDirectory
from udev_device_plugin.telemetry.event_log import EventKind, EventLog
from udev_device_plugin.telemetry.metrics import Metrics
from udev_device_plugin.testing.directory import Wipe
from udev_device_plugin.testing.kubelet import Kubelet
from udev_device_plugin.testing.records import AdmissionError, ContainerStartError
from udev_device_plugin.testing.registrar import Registrar

SERIAL = "squat.ai/serial"
OTHER = "squat.ai/other"


def devices(resource: str, *paths: str, absent: tuple[str, ...] = ()) -> DeviceSet:
    return DeviceSet(
        resource,
        tuple(
            Device((path,), (Member(path, path, path, PathType.DEVICE, "mrw"),), 1, path not in absent, since=0.0)
            for path in paths
        ),
    )


class Instance:
    """One running plugin process's kubelet side: as many plugins as there are resources."""

    def __init__(self, directory: Path, *resources: str) -> None:
        self.metrics = Metrics()
        self.event_log = EventLog()
        self.directory = PluginDirectory(str(directory))
        self.store = DeviceStore(resources)
        for resource in resources:
            self.store.publish(devices(resource, "/dev/null"))
        turns = RegistrationTurns(self.directory.kubelet_socket, lambda: held_ids(str(directory)) or ())
        self.plugins = [
            ResourcePlugin(one, self.store, self.directory, turns, metrics=self.metrics, event_log=self.event_log)
            for one in resources
        ]
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "Instance":
        self._tasks = [asyncio.create_task(self.directory.run())]
        self._tasks += [asyncio.create_task(plugin.run()) for plugin in self.plugins]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self.directory.own.close()

    def count(self, result: str, resource: str = SERIAL) -> float:
        labels = {"resource": resource, "result": result}
        return self.metrics.registry.get_sample_value("udev_device_plugin_registrations_total", labels) or 0.0


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A directory with a short path: a unix socket's has 107 bytes at most."""
    with tempfile.TemporaryDirectory(prefix="dp") as path:
        yield Path(path)


@pytest.fixture
async def kubelet(tmp_path: Path) -> AsyncIterator[Kubelet]:
    async with Kubelet(tmp_path, dial_timeout=0.5, seed=1) as kubelet:
        yield kubelet


def restarts(instance: Instance) -> float | None:
    return instance.metrics.registry.get_sample_value("generic_device_plugin_restarts_total", {"resource": SERIAL})


def sockets(directory: Path) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.glob("udev-device-plugin/*.sock"))


async def test_a_resource_is_registered_and_its_devices_are_listed(kubelet: Kubelet, tmp_path: Path) -> None:
    async with Instance(tmp_path, SERIAL) as instance:
        view = await kubelet.wait_for_devices(SERIAL, healthy=1)
        assert (view.capacity, view.allocatable, view.registrations) == (1, 1, 1)
        assert instance.plugins[0].trouble is None
        async with asyncio.timeout(10):
            while not instance.count("accepted"):  # the first list may come before the plugin has the answer
                await asyncio.sleep(0)
        assert instance.count("accepted") == 1


async def test_each_published_change_reaches_the_kubelet(kubelet: Kubelet, tmp_path: Path) -> None:
    async with Instance(tmp_path, SERIAL) as instance:
        await kubelet.wait_for_devices(SERIAL, healthy=1)
        instance.store.publish(devices(SERIAL, "/dev/null", "/dev/zero", absent=("/dev/null",)))
        view = await kubelet.wait_for_devices(SERIAL, healthy=1, unhealthy=1)
        assert (view.capacity, view.allocatable, view.lists) == (2, 1, 2)


async def test_a_container_gets_its_device(kubelet: Kubelet, tmp_path: Path) -> None:
    async with Instance(tmp_path, SERIAL):
        await kubelet.wait_for_devices(SERIAL, healthy=1)
        response = (await kubelet.allocate(SERIAL)).response
        assert [(device.host_path, device.permissions) for device in response.devices] == [("/dev/null", "mrw")]


async def test_a_refused_allocation_says_why(kubelet: Kubelet, tmp_path: Path) -> None:
    async with Instance(tmp_path, SERIAL):
        await kubelet.wait_for_devices(SERIAL, healthy=1)
        with pytest.raises(AdmissionError, match="the device 'nobody' is not known"):
            await kubelet.allocate(SERIAL, ids=["nobody"])


async def test_a_plugin_may_start_before_the_kubelet_and_before_the_directory(tmp_path: Path) -> None:
    directory = tmp_path / "later" / "device-plugins"
    async with Instance(directory, SERIAL) as instance:
        assert instance.plugins[0].trouble == "no kubelet answers"
        async with Kubelet(directory) as kubelet:
            await kubelet.wait_for_devices(SERIAL, healthy=1)


async def test_a_directory_that_sockets_cannot_be_made_in_is_the_reason_that_is_told(tmp_path: Path) -> None:
    (tmp_path / "udev-device-plugin").touch()
    async with Instance(tmp_path, SERIAL) as instance:
        (plugin,) = instance.plugins
        async with asyncio.timeout(10):
            while plugin.trouble == "no kubelet answers":
                await asyncio.sleep(0)
        assert f"{tmp_path}/udev-device-plugin" in str(plugin.trouble)
        (tmp_path / "udev-device-plugin").unlink()
        async with Kubelet(tmp_path) as kubelet:
            await kubelet.wait_for_devices(SERIAL, healthy=1)
        async with asyncio.timeout(10):
            while plugin.trouble != "no kubelet answers":
                await asyncio.sleep(0)


@pytest.mark.skipif(os.geteuid() != 0, reason="a socket refuses nobody who has no other identity to take on")
async def test_a_kubelets_socket_that_refuses_is_named_once_and_gone_when_it_answers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tmp_path.chmod(0o755)
    async with Kubelet(tmp_path) as kubelet, Instance(tmp_path, SERIAL) as instance:
        (plugin,) = instance.plugins
        await kubelet.wait_for_devices(SERIAL, healthy=1)
        await kubelet.stop()
        await kubelet.start()
        os.chmod(f"{tmp_path}/kubelet.sock", 0)
        os.seteuid(65534)
        try:
            instance.directory.check()
            async with asyncio.timeout(10):
                while "Permission denied" not in instance.directory.trouble:
                    await asyncio.sleep(0)
        finally:
            os.seteuid(0)
        assert instance.directory.trouble == f"{tmp_path}/kubelet.sock: Permission denied"
        assert caplog.text.count("the kubelet cannot be connected to") == 1
        instance.directory.check()
        await kubelet.wait_for_devices(SERIAL, healthy=1)
        assert plugin.trouble is None
        assert instance.directory.trouble == "no kubelet answers"


@pytest.mark.parametrize("wipe", Wipe)
async def test_a_kubelet_restart_is_met_every_time_on_the_same_sockets(tmp_path: Path, wipe: Wipe) -> None:
    async with Kubelet(tmp_path, wipe=wipe) as kubelet, Instance(tmp_path, SERIAL, OTHER) as instance:
        used: set[str] = set()
        for number in range(20):
            await kubelet.wait_for_devices(SERIAL, healthy=1)
            await kubelet.wait_for_devices(OTHER, healthy=1)
            used.update(sockets(tmp_path))
            await kubelet.restart()
            instance.store.publish(devices(SERIAL, f"/dev/{number}"))  # a plug right after the restart
        await kubelet.wait_until(lambda kubelet: any(id_.startswith("19-") for id_ in kubelet.resource(SERIAL).healthy))
        assert kubelet.resource(SERIAL).capacity == 1
        await kubelet.wait_for_devices(OTHER, healthy=1)
        assert len(used) == 2
        assert set(sockets(tmp_path)) == used


async def test_resources_that_pods_hold_devices_of_register_first_and_the_others_three_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resources = [f"squat.ai/{number:02}" for number in range(10)]
    held = {resources[7], resources[9]}
    under_way: list[set[str]] = []
    registering: set[str] = set()
    register = Registrar._connect

    async def counted(self: Registrar, resource: str, endpoint: str) -> str:
        registering.add(resource)
        under_way.append(set(registering))
        try:
            return await register(self, resource, endpoint)
        finally:
            registering.discard(resource)

    async with Kubelet(tmp_path) as kubelet, Instance(tmp_path, *resources):
        for resource in resources:
            await kubelet.wait_for_devices(resource, healthy=1)
        for resource in held:
            await kubelet.allocate(resource)
        monkeypatch.setattr(Registrar, "_connect", counted)
        await kubelet.restart()
        for resource in resources:
            await kubelet.wait_for_devices(resource, healthy=1)
    assert under_way[1] == held
    assert not any(held & others for others in under_way[2:])
    assert max(map(len, under_way)) <= 3


async def test_a_resource_that_cannot_register_does_not_keep_the_others_waiting_though_pods_hold_it(
    kubelet: Kubelet, tmp_path: Path
) -> None:
    async with Instance(tmp_path, SERIAL, OTHER) as instance:
        await kubelet.wait_for_devices(SERIAL, healthy=1)
        await kubelet.wait_for_devices(OTHER, healthy=1)
        await kubelet.allocate(SERIAL)
        kubelet.misbehaviour.refuse_registration(SERIAL, "not this one")
        await kubelet.restart()
        await kubelet.wait_for_devices(OTHER, healthy=1)
        await kubelet.wait_until(lambda kubelet: kubelet.resource(SERIAL).attempts >= 3)
        assert instance.plugins[0].trouble is not None


async def test_a_stream_of_somebody_else_shows_the_list_and_its_end_ends_nothing(
    kubelet: Kubelet, tmp_path: Path
) -> None:
    async with Instance(tmp_path, SERIAL) as instance:
        await kubelet.wait_for_devices(SERIAL, healthy=1)
        (endpoint,) = sockets(tmp_path)
        async with open_channel(str(tmp_path / endpoint)) as channel:
            async for message in api_pb2_grpc.DevicePluginStub(channel).ListAndWatch(api_pb2.Empty()):
                assert len(message.devices) == 1
                break
        instance.store.publish(devices(SERIAL, "/dev/null", "/dev/zero"))
        await kubelet.wait_for_devices(SERIAL, healthy=2)
        assert kubelet.resource(SERIAL).registrations == 1


async def test_an_earlier_registration_that_comes_through_as_well_leaves_one_stream_that_counts(
    kubelet: Kubelet, tmp_path: Path
) -> None:
    async with Instance(tmp_path, SERIAL):
        await kubelet.wait_for_devices(SERIAL, healthy=1)
        (endpoint,) = sockets(tmp_path)
        async with open_channel(f"{tmp_path}/kubelet.sock") as channel:
            await api_pb2_grpc.RegistrationStub(channel).Register(messages.register_request(endpoint, SERIAL))
        await kubelet.wait_until(lambda kubelet: kubelet.resource(SERIAL).registrations >= 3)
        await kubelet.wait_for_devices(SERIAL, healthy=1)
        async with asyncio.timeout(10):
            while open_streams() != 1:
                await asyncio.sleep(0)
        registrations = kubelet.resource(SERIAL).registrations
        kubelet.disconnect(SERIAL)
        await kubelet.wait_until(lambda kubelet: kubelet.resource(SERIAL).registrations > registrations)
        await kubelet.wait_for_devices(SERIAL, healthy=1)


def open_streams() -> int:
    """How many calls gRPC's servers answer in this process."""
    return sum(getattr(task.get_coro(), "__name__", "") == "_schedule_rpc_coro" for task in asyncio.all_tasks())


async def test_a_container_waits_until_its_device_is_back(tmp_path: Path) -> None:
    async with Kubelet(tmp_path, pre_start_timeout=30) as kubelet, Instance(tmp_path, SERIAL) as instance:
        await kubelet.wait_for_devices(SERIAL, healthy=1)
        pod = await kubelet.allocate(SERIAL)
        instance.store.publish(devices(SERIAL, "/dev/null", absent=("/dev/null",)))
        await kubelet.wait_for_devices(SERIAL, unhealthy=1)
        start = asyncio.create_task(kubelet.start_container(pod))
        await waiting(instance)
        instance.store.publish(devices(SERIAL, "/dev/null", "/dev/zero", absent=("/dev/null",)))
        await kubelet.wait_for_devices(SERIAL, healthy=1, unhealthy=1)
        assert not start.done()
        instance.store.publish(devices(SERIAL, "/dev/null", "/dev/zero"))
        await start


async def test_a_container_that_has_waited_long_enough_is_told_what_for(kubelet: Kubelet, tmp_path: Path) -> None:
    async with Instance(tmp_path, SERIAL) as instance:
        await kubelet.wait_for_devices(SERIAL, healthy=1)
        pod = await kubelet.allocate(SERIAL)
        instance.store.publish(devices(SERIAL, "/dev/null", absent=("/dev/null",)))
        with pytest.raises(ContainerStartError, match="device /dev/null is unplugged since"):
            await kubelet.start_container(pod)


async def test_a_container_does_not_start_while_a_node_is_away_that_no_event_has_told_of(
    kubelet: Kubelet, tmp_path: Path
) -> None:
    async with Instance(tmp_path, SERIAL) as instance:
        await kubelet.wait_for_devices(SERIAL, healthy=1)
        instance.store.publish(devices(SERIAL, "/dev/nowhere"))
        await kubelet.wait_until(lambda kubelet: kubelet.resource(SERIAL).lists == 2)
        with pytest.raises(ContainerStartError, match="/dev/nowhere is not there"):
            await kubelet.allocate(SERIAL)


async def test_a_plugin_that_stops_lets_nobody_wait(tmp_path: Path) -> None:
    async with Kubelet(tmp_path, pre_start_timeout=30) as kubelet:
        async with Instance(tmp_path, SERIAL) as instance:
            await kubelet.wait_for_devices(SERIAL, healthy=1)
            pod = await kubelet.allocate(SERIAL)
            instance.store.publish(devices(SERIAL, "/dev/null", absent=("/dev/null",)))
            await kubelet.wait_for_devices(SERIAL, unhealthy=1)
            start = asyncio.create_task(kubelet.start_container(pod))
            await waiting(instance)
        with pytest.raises((ContainerStartError, asyncio.CancelledError)):  # the latter is grpc's word for it
            await start


async def waiting(instance: Instance) -> None:
    """Wait until a container waits."""
    while not any(event.kind is EventKind.CONTAINER_WAITS for event in instance.event_log.events(SERIAL)):
        await asyncio.sleep(0)


async def test_a_kubelet_that_is_away_for_a_while_is_met_when_it_comes_back(kubelet: Kubelet, tmp_path: Path) -> None:
    async with Instance(tmp_path, SERIAL) as instance:
        await kubelet.wait_for_devices(SERIAL, healthy=1)
        await kubelet.stop()
        while instance.plugins[0].trouble != "no kubelet answers":
            await asyncio.sleep(0)
        instance.store.publish(devices(SERIAL, "/dev/null", "/dev/zero"))
        await kubelet.start()
        await kubelet.wait_for_devices(SERIAL, healthy=2)


async def test_a_kubelet_that_answers_is_known_to_be_another_one_before_it_is_registered_with(
    kubelet: Kubelet, tmp_path: Path
) -> None:
    async with Instance(tmp_path, SERIAL) as instance:
        await kubelet.wait_for_devices(SERIAL, healthy=1)
        before = instance.directory.epoch
        asyncio.get_running_loop().remove_reader(instance.directory._watch._watch.fileno())  # as if it were late
        await kubelet.restart()
        await kubelet.wait_for_devices(SERIAL, healthy=1)
        assert instance.directory.epoch == before + 1


async def test_a_stream_that_the_kubelet_ends_leads_to_a_new_registration(kubelet: Kubelet, tmp_path: Path) -> None:
    async with Instance(tmp_path, SERIAL) as instance:
        await kubelet.wait_for_devices(SERIAL, healthy=1)
        kubelet.disconnect(SERIAL)
        await kubelet.wait_until(lambda kubelet: kubelet.resource(SERIAL).registrations == 2)
        await kubelet.wait_for_devices(SERIAL, healthy=1)
        assert restarts(instance) == 1


async def test_a_socket_that_somebody_removes_is_made_anew(kubelet: Kubelet, tmp_path: Path) -> None:
    async with Instance(tmp_path, SERIAL):
        await kubelet.wait_for_devices(SERIAL, healthy=1)
        (first,) = sockets(tmp_path)
        (tmp_path / first).unlink()
        await kubelet.wait_until(lambda kubelet: not kubelet.resource(SERIAL).connected)
        await kubelet.wait_until(lambda kubelet: kubelet.resource(SERIAL).registrations == 2)
        await kubelet.wait_for_devices(SERIAL, healthy=1)
        assert sockets(tmp_path) != [first]


async def test_what_keeps_the_socket_from_being_made_is_named(kubelet: Kubelet, tmp_path: Path) -> None:
    (tmp_path / "udev-device-plugin").symlink_to(".")
    async with Instance(tmp_path, SERIAL) as instance:
        (plugin,) = instance.plugins
        async with asyncio.timeout(10):
            while plugin.trouble == "no kubelet answers":
                await asyncio.sleep(0)
        assert plugin.trouble == (
            f"{tmp_path}/udev-device-plugin: it is a symbolic link, which is not followed: remove it"
        )
        (tmp_path / "udev-device-plugin").unlink()
        await kubelet.wait_for_devices(SERIAL, healthy=1)
        assert plugin.trouble is None


async def test_a_refused_name_is_tried_again_and_keeps_nobody_else(kubelet: Kubelet, tmp_path: Path) -> None:
    kubelet.misbehaviour.refuse_registration(SERIAL, "the ResourceName is invalid")
    async with Instance(tmp_path, SERIAL, OTHER) as instance:
        await kubelet.wait_for_devices(OTHER, healthy=1)
        await kubelet.wait_until(lambda kubelet: kubelet.resource(SERIAL).attempts >= 2)
        assert instance.plugins[0].trouble == "the kubelet refuses the registration: the ResourceName is invalid"
        kubelet.misbehaviour.behave()
        await kubelet.wait_for_devices(SERIAL, healthy=1)
        assert instance.count("refused") >= 2
        assert instance.plugins[1].trouble is None


async def test_a_kubelet_that_accepts_and_opens_no_stream_is_registered_with_again(
    kubelet: Kubelet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugin_module, "STREAM_TIMEOUT", 0.05)
    kubelet.misbehaviour.never_open_stream(SERIAL)
    async with Instance(tmp_path, SERIAL) as instance:
        await kubelet.wait_until(lambda kubelet: kubelet.resource(SERIAL).registrations >= 2)
        kubelet.misbehaviour.behave()
        await kubelet.wait_for_devices(SERIAL, healthy=1)
        assert not restarts(instance)  # not each attempt is one


async def test_lives_that_keep_ending_soon_are_spaced_out_until_another_kubelet_comes(
    kubelet: Kubelet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    async def lists(number: int) -> None:
        await kubelet.wait_until(lambda kubelet: kubelet.resource(SERIAL).lists == number)

    async def pause(_: PluginDirectory, seconds: float, epoch: int) -> None:
        del epoch
        waits.append(seconds)

    monkeypatch.setattr(PluginDirectory, "pause", pause)
    async with Instance(tmp_path, SERIAL):
        for number in range(1, 9):
            await lists(number)
            kubelet.disconnect(SERIAL)
        await lists(9)
        assert waits == [0.0, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]
        await kubelet.restart()
        await lists(1)
        kubelet.disconnect(SERIAL)
        await lists(2)
        assert waits[-1] == 0.0


async def test_two_instances_of_a_rolling_update_end_with_the_newer_one_connected(
    kubelet: Kubelet, tmp_path: Path
) -> None:
    async with Instance(tmp_path, SERIAL) as new:
        async with Instance(tmp_path, SERIAL) as old:
            old.store.publish(devices(SERIAL, "/dev/old"))
            await kubelet.wait_until(lambda kubelet: kubelet.resource(SERIAL).registrations >= 2)
        new.store.publish(devices(SERIAL, "/dev/new", "/dev/newer"))
        await kubelet.wait_for_devices(SERIAL, healthy=2)


async def test_a_plugin_that_stops_takes_its_sockets_along_and_nothing_else(kubelet: Kubelet, tmp_path: Path) -> None:
    (tmp_path / "somebody-elses.sock").touch()
    async with Instance(tmp_path, SERIAL, OTHER):
        await kubelet.wait_for_devices(SERIAL, healthy=1)
        await kubelet.wait_for_devices(OTHER, healthy=1)
    assert sockets(tmp_path) == []
    assert (tmp_path / "somebody-elses.sock").exists()


async def test_a_directory_that_is_taken_away_is_waited_for(tmp_path: Path) -> None:
    directory = tmp_path / "device-plugins"
    async with Kubelet(directory) as kubelet, Instance(directory, SERIAL):
        await kubelet.wait_for_devices(SERIAL, healthy=1)
        await kubelet.stop()
        shutil.rmtree(directory)
        await kubelet.start()
        await kubelet.wait_for_devices(SERIAL, healthy=1)


def burden() -> tuple[int, int]:
    """How many descriptors and tasks there are."""
    return len(os.listdir("/proc/self/fd")), len(asyncio.all_tasks())


async def test_twenty_restarts_leave_no_task_and_no_descriptor_behind(tmp_path: Path) -> None:
    async with Kubelet(tmp_path) as kubelet:
        async with Instance(tmp_path, SERIAL):  # what grpc makes once for the process is made here
            await kubelet.wait_for_devices(SERIAL, healthy=1)
        before = burden()
        for _ in range(20):
            async with Instance(tmp_path, SERIAL):
                await kubelet.wait_for_devices(SERIAL, healthy=1)
            await kubelet.wait_until(lambda kubelet: not kubelet.resource(SERIAL).connected)
        async with asyncio.timeout(10):  # connections are closed by grpc's own threads; those of earlier tests too
            while any(now > then for now, then in zip(burden(), before, strict=True)):
                await asyncio.sleep(0)


def test_stale_sockets_of_ours_are_removed_and_those_of_the_living_stay(tmp_path: Path) -> None:
    (tmp_path / "udev-device-plugin").mkdir()
    dead, living = (tmp_path / f"udev-device-plugin/a-{number * 8}.sock" for number in "01")
    dead_before, living_before = (tmp_path / f"udev-device-plugin-a-{number * 8}.sock" for number in "01")
    foreign, file = tmp_path / "foreign.sock", tmp_path / "udev-device-plugin-file-00000000.sock"
    with contextlib.ExitStack() as stack:
        for path in (dead, living, dead_before, living_before, foreign):
            made = stack.enter_context(socket.socket(socket.AF_UNIX))
            made.bind(str(path))
            if path in {living, living_before}:
                made.listen()
            else:
                made.close()
        file.touch()
        remove_stale(OwnDirectory(str(tmp_path)))
        assert sorted(tmp_path.iterdir()) == sorted([living.parent, living_before, foreign, file])
        assert list(living.parent.iterdir()) == [living]
    remove_stale(OwnDirectory(str(tmp_path / "nowhere")))


def test_socket_names_fit_whatever_the_resource_and_too_long_a_directory_is_said() -> None:
    name = socket_name("/var/lib/kubelet/device-plugins/", "squat.ai/" + "x" * 63)
    assert len(f"/var/lib/kubelet/device-plugins/{name}") <= MAX_SOCKET_PATH
    assert socket_name("/run", SERIAL) != socket_name("/run", SERIAL)
    with pytest.raises(StartError, match=r"--plugin-directory: '/xxx.*too long"):
        socket_name("/" + "x" * 80, SERIAL)


async def test_who_is_told_to_stop_just_when_a_stream_ends_does_stop(tmp_path: Path) -> None:
    directory = PluginDirectory(str(tmp_path))
    running = asyncio.create_task(directory.run())
    for _ in range(20):  # until nobody has answered, and it waits
        await asyncio.sleep(0)
    directory.check()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(10):
            await running
