"""What a pod holds stays what it was when the configuration changes, and is offered under no other ID meanwhile."""

import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lab.chaos.subject import PLUGIN
from tests.lab.host import FakeHost
from tests.lab.node import SERIAL, is_listed
from tests.lab.plugin import PluginProcess
from tests.lab.sticks import camera, ch340, modem, serial_adapter
from udev_device_plugin.testing.kubelet import Kubelet
from udev_device_plugin.testing.records import AdmissionError, Allocation

Spec = Mapping[str, Any]
WARNING = "a pod holds a device that the configuration does not offer like this any more"

TTYS: Spec = {"type": "serial", "paths": ["/dev/ttyUSB*"]}
STICKS: Spec = {"name": "serial", "groups": [{"usb": [{"vendor": "0403", "product": "6001", "nodes": {"tty": 1}}]}]}
TTYS_WITH_CAMERA: Spec = {"name": "serial", "groups": [{"paths": [{"path": "/dev/ttyUSB*"}, {"path": "/dev/video*"}]}]}
RULE: Spec = {"name": "serial", "groups": [{"udev": ['SUBSYSTEM=="tty", ENV{ID_BUS}=="usb"']}]}
OTHER: Spec = {"type": "other", "paths": ["/dev/null"]}


class Story:
    """A kubelet that says what pods hold, and a plugin with a configuration file."""

    def __init__(self, kubelet: Kubelet, plugin: PluginProcess, path: Path) -> None:
        self.kubelet = kubelet
        self.plugin = plugin
        self._path = path
        self._others = 0

    async def reload(self, *specs: Spec) -> None:
        """Have another configuration, and wait until its lists are there."""
        seen = len(self.plugin.log)
        self._others += 1  # so that there is always a new list to wait for
        other = {"type": f"other{self._others}", "paths": ["/dev/null"]}
        write(self._path, *specs, other)
        await self.plugin.wait_for_message("configuration reloaded", after=seen)
        await self.kubelet.wait_until(lambda kubelet: is_listed(kubelet, f"squat.ai/{other['type']}"))

    async def restart(self, *specs: Spec) -> None:
        """Have another process with another configuration."""
        self.plugin.signal(signal.SIGTERM)
        await self.plugin.wait()
        await self.kubelet.wait_until(lambda kubelet: not kubelet.resource(SERIAL).connected)
        write(self._path, *specs)
        seen = len(self.kubelet.history)
        await self.plugin.start()
        names = {name_of(spec) for spec in specs}
        await self.kubelet.wait_until(lambda kubelet: names <= {one.resource for one in kubelet.history[seen:]})

    async def wait_for(self, resource: str = SERIAL, *, healthy: int, unhealthy: int = 0) -> None:
        await self.kubelet.wait_for_devices(resource, healthy=healthy, unhealthy=unhealthy)

    def ids(self, resource: str = SERIAL) -> list[str]:
        return [device.id for device in self.kubelet.resource(resource).devices]

    async def let_go(self, pod: Allocation, *specs: Spec) -> None:
        """End a pod; the plugin asks at the latest a minute later, and after each reload."""
        self.kubelet.release(pod)
        await self.reload(*specs)

    def warnings(self) -> list[Mapping[str, Any]]:
        return [line.fields for line in self.plugin.log if line.message.startswith(WARNING)]


def name_of(spec: Spec) -> str:
    return f"squat.ai/{spec.get('type') or spec['name']}"


def write(path: Path, *specs: Spec) -> None:
    new = path.with_suffix(".new")
    new.write_text(yaml.safe_dump({"devices": [*map(dict, specs)]}))
    new.replace(path)


@asynccontextmanager
async def story(directory: str, path: Path, *specs: Spec, notes_alone: bool = False) -> AsyncIterator[Story]:
    """A plugin that has registered; with `notes_alone` there is no API that says what pods hold."""
    write(path, *specs)
    socket = f"{directory}/pods/kubelet.sock"
    options = {
        "--plugin-directory": directory,
        "--listen": "",
        "--config": str(path),
        "--pod-resources-socket": "/run/none.sock" if notes_alone else socket,
    }
    arguments = [argument for option in options.items() for argument in option]
    async with (
        Kubelet(directory, pod_resources_socket=socket) as kubelet,
        PluginProcess(*arguments, command=PLUGIN) as plugin,
    ):
        await kubelet.wait_until(lambda kubelet: all(is_listed(kubelet, name_of(spec)) for spec in specs))
        yield Story(kubelet, plugin, path)


def node_of(pod: Allocation) -> list[str]:
    return [os.path.realpath(device.host_path) for device in pod.response.devices]


CHANGES = [
    pytest.param((TTYS, STICKS), id="a glob becomes sticks"),
    pytest.param((STICKS, TTYS), id="sticks become a glob"),
    pytest.param((TTYS, TTYS_WITH_CAMERA), id="a path more"),
    pytest.param((TTYS_WITH_CAMERA, RULE), id="a path less"),
    pytest.param((RULE, STICKS), id="a rule becomes sticks"),
    pytest.param((TTYS, {**TTYS, "exclude": [{"path": "/dev/ttyUSB0"}]}), id="it is excluded"),
]


@pytest.mark.parametrize("anew", [Story.reload, Story.restart], ids=["reload", "restart"])
@pytest.mark.parametrize("change", CHANGES)
async def test_what_a_pod_holds_stays_its_own_when_it_is_selected_otherwise(
    host: FakeHost, plugin_directory: str, tmp_path: Path, change: tuple[Spec, Spec], anew: Callable[..., Any]
) -> None:
    before, after = change
    for stick in (serial_adapter(), camera(0)):
        host.plug(stick)
    is_excluded = "exclude" in after
    async with story(plugin_directory, tmp_path / "config.yaml", before) as here:
        await here.wait_for(healthy=1)
        pod = await here.kubelet.allocate(SERIAL)
        nodes = node_of(pod)
        await anew(here, after)
        assert (here.ids(), here.kubelet.resource(SERIAL).healthy) == ([*pod.ids], (*pod.ids,))
        with pytest.raises(AdmissionError):
            await here.kubelet.allocate(SERIAL)
        await here.kubelet.start_container(pod)
        assert node_of(pod) == nodes
        (warning,) = [await here.plugin.wait_for_log(lambda line: line.message.startswith(WARNING))]
        assert warning.fields["device_id"] == pod.ids[0]
        assert warning.fields["pod"]
        await here.let_go(pod, after, OTHER)
        await here.kubelet.wait_until(lambda _: pod.ids[0] not in here.ids())
        await here.wait_for(healthy=0 if is_excluded else 1)
        assert len(here.warnings()) == 1


async def test_it_comes_back_under_another_number_and_nobody_else_gets_it(
    host: FakeHost, plugin_directory: str, tmp_path: Path
) -> None:
    stick = ch340("ttyUSB0", "1-2")  # known by its port
    host.plug(stick)
    after = {"name": "serial", "groups": [{"usb": [{"vendor": "1a86", "product": "7523", "nodes": {"tty": 1}}]}]}
    async with story(plugin_directory, tmp_path / "config.yaml", TTYS) as here:
        await here.wait_for(healthy=1)
        pod = await here.kubelet.allocate(SERIAL)
        await here.reload(after)
        host.unplug(stick)
        await here.wait_for(healthy=0, unhealthy=1)
        host.plug(ch340("ttyUSB5", "1-3"))  # another one
        await here.wait_for(healthy=1, unhealthy=1)
        host.plug(ch340("ttyUSB3", "1-2"))
        await here.wait_for(healthy=2)
        assert pod.ids[0] in here.kubelet.resource(SERIAL).healthy
        await here.kubelet.start_container(pod)
        assert node_of(pod) == ["/dev/ttyUSB3"]
        assert max(len(message.devices) for message in here.kubelet.history if message.resource == SERIAL) == 2


async def test_one_that_the_configuration_forms_again_is_as_ever(
    host: FakeHost, plugin_directory: str, tmp_path: Path
) -> None:
    host.plug(serial_adapter())
    async with story(plugin_directory, tmp_path / "config.yaml", TTYS) as here:
        await here.wait_for(healthy=1)
        pod = await here.kubelet.allocate(SERIAL)
        await here.reload({**TTYS, "paths": ["/dev/serial/by-id/*"]})
        assert (here.ids(), here.warnings()) == ([*pod.ids], []), "its link is its identity"
        await here.reload(STICKS)
        await here.plugin.wait_for_log(lambda line: line.message.startswith(WARNING))
        await here.reload({**TTYS, "count": 3})
        await here.wait_for(healthy=3)
        assert pod.ids[0] in here.ids()
        await here.kubelet.start_container(pod)


async def test_what_nobody_holds_is_offered_as_configured_at_once(
    host: FakeHost, plugin_directory: str, tmp_path: Path
) -> None:
    for number in range(3):
        host.plug(serial_adapter(f"ttyUSB{number}", f"S{number}", f"1-{number + 1}"))
    async with story(plugin_directory, tmp_path / "config.yaml", {**TTYS, "count": 2}) as here:
        await here.wait_for(healthy=6)
        pod = await here.kubelet.allocate(SERIAL)
        before = set(here.ids())
        await here.reload(STICKS)
        await here.wait_for(healthy=3)
        assert {*here.ids()} & before == {*pod.ids}, "the other replica of what is held is not offered either"


async def test_a_resource_of_another_name_gets_it_when_the_pod_ends(
    host: FakeHost, plugin_directory: str, tmp_path: Path
) -> None:
    for number in range(2):
        host.plug(serial_adapter(f"ttyUSB{number}", f"S{number}", f"1-{number + 1}"))
    lidar = {"type": "lidar", "paths": ["/dev/ttyUSB*"]}
    async with story(plugin_directory, tmp_path / "config.yaml", TTYS) as here:
        await here.wait_for(healthy=2)
        pod = await here.kubelet.allocate(SERIAL)
        await here.reload(lidar)
        await here.wait_for("squat.ai/lidar", healthy=1)
        second = await here.kubelet.allocate("squat.ai/lidar")
        assert not {*node_of(second)} & {*node_of(pod)}
        await here.restart(lidar)
        await here.wait_for("squat.ai/lidar", healthy=1)
        await here.let_go(pod, lidar, OTHER)
        await here.wait_for("squat.ai/lidar", healthy=2)


async def test_who_shared_it_before_goes_on_sharing_it(host: FakeHost, plugin_directory: str, tmp_path: Path) -> None:
    stick = serial_adapter()
    host.plug(stick)
    shared = {"type": "shared", "paths": ["/dev/ttyUSB*"]}
    async with story(plugin_directory, tmp_path / "config.yaml", TTYS, shared) as here:
        await here.wait_for(healthy=1)
        await here.wait_for("squat.ai/shared", healthy=1)
        pod = await here.kubelet.allocate(SERIAL)
        await here.reload(STICKS, shared, {"type": "late", "paths": ["/dev/ttyUSB*"]})
        assert here.ids() == [*pod.ids]
        await here.wait_for("squat.ai/shared", healthy=1)
        assert here.ids("squat.ai/late") == []
        host.unplug(stick)
        await here.wait_for("squat.ai/shared", healthy=0, unhealthy=1)
        host.plug(serial_adapter("ttyUSB4"))
        await here.wait_for("squat.ai/shared", healthy=1)
        await here.wait_for(healthy=1)
        assert here.ids("squat.ai/late") == []


async def test_the_kubelets_notes_are_enough(host: FakeHost, plugin_directory: str, tmp_path: Path) -> None:
    host.plug(serial_adapter())
    async with story(plugin_directory, tmp_path / "config.yaml", TTYS, notes_alone=True) as here:
        await here.wait_for(healthy=1)
        pod = await here.kubelet.allocate(SERIAL)
        await here.reload(STICKS)
        assert here.ids() == [*pod.ids]
        await here.restart(STICKS)
        assert here.ids() == [*pod.ids]
        await here.kubelet.start_container(pod)
        with pytest.raises(AdmissionError, match="is no longer what the configuration selects"):
            await here.kubelet.allocate(SERIAL, ids=pod.ids)
        await here.let_go(pod, STICKS, OTHER)
        await here.kubelet.wait_until(lambda _: bool({*here.ids()} - {*pod.ids}))


async def test_one_that_is_away_while_the_plugin_restarts_is_known_when_it_comes_back(
    host: FakeHost, plugin_directory: str, tmp_path: Path
) -> None:
    stick = modem()
    host.plug(stick)
    before = {"type": "serial", "paths": ["/dev/ttyUSB0"]}
    after = {"name": "serial", "groups": [{"usb": [{"vendor": "2c7c", "product": "0125", "nodes": {"tty": 4}}]}]}
    async with story(plugin_directory, tmp_path / "config.yaml", before) as here:
        await here.wait_for(healthy=1)
        pod = await here.kubelet.allocate(SERIAL)
        host.unplug(stick)
        await here.wait_for(healthy=0, unhealthy=1)
        await here.restart(after)
        assert here.ids() == [*pod.ids]
        host.plug(stick)
        await here.wait_for(healthy=1)
        assert here.ids() == [*pod.ids]
        await here.kubelet.start_container(pod)
