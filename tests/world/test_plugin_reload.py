"""The configuration is read anew while everything runs: what stays as it was does not notice."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml

from tests.lab.chaos.confiding import MESSAGE
from tests.lab.chaos.subject import PLUGIN
from tests.lab.host import FakeHost
from tests.lab.node import is_listed, metric, sockets
from tests.lab.plugin import PATIENCE, PluginProcess
from tests.lab.sticks import serial_adapter
from udev_device_plugin.testing.kubelet import Kubelet

Config = dict[str, object]
RELOADED = "configuration reloaded"


def offering(devices: dict[str, str], **settings: object) -> Config:
    """A configuration: a glob by each resource's name."""
    return {"devices": [{"type": name, "paths": [glob]} for name, glob in devices.items()], **settings}


class Configured:
    """A kubelet, and a plugin with a configuration file."""

    def __init__(self, kubelet: Kubelet, plugin: PluginProcess, path: Path) -> None:
        self.kubelet = kubelet
        self.plugin = plugin
        self.path = path

    async def reload(self, config: Config | str) -> None:
        """Write the file as most editors do, and wait until the plugin has taken it in."""
        seen = len(self.plugin.log)
        write(self.path, config)
        await self.plugin.wait_for_message(RELOADED, after=seen)

    async def wait_for(self, resource: str, healthy: int, unhealthy: int = 0) -> None:
        await self.kubelet.wait_for_devices(f"squat.ai/{resource}", healthy=healthy, unhealthy=unhealthy)

    def lists(self) -> Counter[str]:
        """How many lists the kubelet got, by resource."""
        return Counter(message.resource for message in self.kubelet.history)


def write(path: Path, config: Config | str) -> None:
    new = path.with_suffix(".new")
    new.write_text(config if isinstance(config, str) else yaml.safe_dump(config))
    new.replace(path)


@asynccontextmanager
async def configured(directory: str, path: Path, config: Config, *arguments: str) -> AsyncIterator[Configured]:
    """A plugin that has registered all of its resources."""
    write(path, config)
    options = ("--plugin-directory", directory, "--listen", "127.0.0.1:0", "--config", str(path), *arguments)
    async with Kubelet(directory) as kubelet, PluginProcess(*options, command=PLUGIN) as plugin:
        devices = config["devices"]
        assert isinstance(devices, list)
        names = [f"squat.ai/{spec['type']}" for spec in devices]
        await kubelet.wait_until(lambda kubelet: all(is_listed(kubelet, name) for name in names))
        yield Configured(kubelet, plugin, path)


async def test_of_twenty_resources_those_that_stay_notice_nothing(
    host: FakeHost, plugin_directory: str, tmp_path: Path
) -> None:
    for number in range(20):
        host.plug(serial_adapter(f"ttyUSB{number}", f"S{number}", f"1-{number + 1}"))
    before = {f"r{number}": f"/dev/ttyUSB{number}" for number in range(20)}
    async with configured(plugin_directory, tmp_path / "config.yaml", offering(before)) as here:
        for name in before:
            await here.wait_for(name, healthy=1)
        lists, files = here.lists(), sockets(plugin_directory)
        connections = {name: here.kubelet.resource(f"squat.ai/{name}").registrations for name in before}
        after = {name: glob for name, glob in before.items() if name not in ("r0", "r1")}
        after |= {"r2": "/dev/ttyUSB[12]", "new": "/dev/ttyUSB1"}
        await here.reload(offering(after))
        await here.wait_for("r2", healthy=2)
        await here.wait_for("new", healthy=1)
        await here.kubelet.wait_until(
            lambda kubelet: not any(kubelet.resource(f"squat.ai/{name}").connected for name in ("r0", "r1"))
        )
        async with asyncio.timeout(PATIENCE):
            while len(sockets(plugin_directory)) > 19:  # a server's goes only after its streams
                await asyncio.sleep(0.01)
        untouched = after.keys() - {"r2", "new"}
        assert {name: here.lists()[f"squat.ai/{name}"] for name in untouched} == {
            name: lists[f"squat.ai/{name}"] for name in untouched
        }
        now = {name: here.kubelet.resource(f"squat.ai/{name}").registrations for name in (*untouched, "r2")}
        assert now == {name: connections[name] for name in now}, "a changed one keeps its stream, too"
        assert len(sockets(plugin_directory) & files) == 18
        assert len(sockets(plugin_directory)) == 19


async def test_a_device_keeps_its_id_when_something_else_about_its_resource_changes(
    host: FakeHost, plugin_directory: str, tmp_path: Path
) -> None:
    stick = serial_adapter()
    host.plug(stick)
    spec: Config = {"type": "serial", "paths": ["/dev/ttyUSB*"]}
    async with configured(plugin_directory, tmp_path / "config.yaml", {"devices": [spec]}) as here:
        await here.wait_for("serial", healthy=1)
        (before,) = here.kubelet.resource("squat.ai/serial").healthy
        await here.reload({"devices": [{**spec, "count": 3}]})
        await here.wait_for("serial", healthy=3)
        assert before in here.kubelet.resource("squat.ai/serial").healthy
        host.unplug(stick)
        await here.wait_for("serial", healthy=0, unhealthy=3)
        await here.reload({"devices": [{**spec, "paths": ["/dev/ttyACM*", "/dev/ttyUSB*"], "count": 3}]})
        host.plug(serial_adapter("ttyUSB1", "B", "1-3"))  # so that a list must come
        await here.wait_for("serial", healthy=3, unhealthy=3)  # what is absent is not forgotten for it


async def test_a_device_that_was_not_looked_at_before_gets_its_right_name(
    host: FakeHost, plugin_directory: str, tmp_path: Path
) -> None:
    stick = serial_adapter()
    host.plug(stick)
    before, after = {"other": "/dev/other*"}, {"other": "/dev/other*", "serial": "/dev/ttyUSB*"}
    async with configured(plugin_directory, tmp_path / "config.yaml", offering(before)) as here:
        await here.reload(offering(after))
        await here.wait_for("serial", healthy=1)
        allocation = await here.kubelet.allocate("squat.ai/serial")
        assert allocation.response.devices[0].host_path == stick.by_id
        here.kubelet.release(allocation)
        await here.reload(
            {"devices": [{"name": "serial", "groups": [{"usb": [{"vendor": "0403", "product": "6001"}]}]}]}
        )
        await here.kubelet.wait_until(
            lambda kubelet: allocation.ids[0] not in kubelet.resource("squat.ai/serial").healthy
        )
        await here.wait_for("serial", healthy=1)
        allocation = await here.kubelet.allocate("squat.ai/serial")
        assert os.path.realpath(allocation.response.devices[0].host_path).startswith("/dev/bus/usb/")


@pytest.mark.parametrize(
    ("bad", "fault"),
    [
        pytest.param("devices: [", "config.yaml", id="no YAML"),
        pytest.param("devices: [{type: serial, paths: [dev]}]", "is not an absolute path", id="a fault"),
        pytest.param("{}", "no device to offer", id="nothing to offer"),
        pytest.param(None, "No such file", id="no file"),
    ],
)
async def test_a_bad_file_changes_nothing_and_is_told_until_it_is_good(
    host: FakeHost, plugin_directory: str, tmp_path: Path, bad: str | None, fault: str
) -> None:
    host.plug(serial_adapter())
    good = offering({"serial": "/dev/ttyUSB*"})
    async with configured(plugin_directory, tmp_path / "config.yaml", good) as here:
        await here.wait_for("serial", healthy=1)
        lists = here.lists()
        if bad is None:
            here.path.unlink()
        else:
            write(here.path, bad)
        line = await here.plugin.wait_for_log(lambda line: line.message.startswith("configuration not reloaded"))
        assert fault in line.message
        assert (await here.plugin.get("/readyz"))[0] == 200
        assert fault in (await here.plugin.get("/readyz"))[1]
        assert await metric(here.plugin, "udev_device_plugin_config_reloads_total", result="failure") >= 1
        assert here.lists() == lists
        await here.reload(good)
        assert await here.plugin.get("/readyz") == (200, "ok\n")
        assert here.lists() == lists


def swap_config_map(path: Path, config: Config) -> None:
    """As a kubelet does it: all files behind one link to a directory, which is swapped."""
    folder = path.parent
    new = folder / f"..{len(list(folder.iterdir()))}"
    new.mkdir()
    write(new / path.name, config)
    (folder / "..data_tmp").symlink_to(new.name)
    (folder / "..data_tmp").replace(folder / "..data")
    if not path.is_symlink():
        path.unlink(missing_ok=True)
        path.symlink_to(f"..data/{path.name}")


def write_in_place(path: Path, config: Config) -> None:
    path.write_text(yaml.safe_dump(config))


@pytest.mark.parametrize("change", [write, write_in_place, swap_config_map], ids=["rename", "in place", "ConfigMap"])
async def test_every_way_of_changing_the_file_is_noticed(
    host: FakeHost, plugin_directory: str, tmp_path: Path, change: Callable[[Path, Config], None]
) -> None:
    host.plug(serial_adapter())
    nothing, something = offering({"serial": "/dev/none"}), offering({"serial": "/dev/ttyUSB*"})
    async with configured(plugin_directory, tmp_path / "config.yaml", nothing) as here:
        for config, healthy in [(something, 1), (offering({"other": "/dev/none"}), 0), (something, 1)]:
            seen = len(here.plugin.log)
            change(here.path, config)
            await here.plugin.wait_for_message(RELOADED, after=seen)
            await here.wait_for("serial", healthy=healthy, unhealthy=1 - healthy)  # dropped, it is unhealthy


async def test_sighup_reads_the_configuration_anew_whatever_it_says(
    host: FakeHost, plugin_directory: str, tmp_path: Path
) -> None:
    config = offering({"serial": "/dev/ttyUSB*"})
    async with configured(plugin_directory, tmp_path / "config.yaml", config) as here:
        lists = here.lists()
        here.plugin.signal(signal.SIGHUP)
        await here.plugin.wait_for_message(RELOADED)
        host.plug(serial_adapter())
        await here.wait_for("serial", healthy=1)
        assert here.lists()["squat.ai/serial"] == lists["squat.ai/serial"] + 1


async def test_what_needs_a_restart_is_said_and_the_rest_is_taken_over(
    host: FakeHost, plugin_directory: str, tmp_path: Path
) -> None:
    stick = serial_adapter()
    host.plug(stick)
    config = offering({"serial": "/dev/ttyUSB*"})
    async with configured(plugin_directory, tmp_path / "config.yaml", config) as here:
        await here.wait_for("serial", healthy=1)
        changes = {"pod-resources-socket": "/run/other.sock", "removal-grace-period": "0s", "log-level": "error"}
        seen = len(here.plugin.log)
        await here.reload({**config, **changes})
        await here.plugin.wait_for_log(
            lambda line: line.message.startswith("--pod-resources-socket: it has"), after=seen
        )
        host.unplug(stick)
        await here.wait_for("serial", healthy=0)
        assert not any(line.message == "devices are gone" for line in here.plugin.log)


async def test_fifty_reloads_leave_nothing_behind(host: FakeHost, plugin_directory: str, tmp_path: Path) -> None:
    for number in range(4):
        host.plug(serial_adapter(f"ttyUSB{number}", f"S{number}", f"1-{number + 1}"))

    def config(number: int) -> Config:
        stick = {"usb": [{"vendor": "0403", "product": "6001", "nodes": ["tty"]}]}
        rule = {"udev": [{"match": f'KERNEL=="ttyUSB{number % 4}"'}]}
        some = {f"r{index}": f"/dev/ttyUSB{index}" for index in range(4) if index != number % 4}
        made = offering({"stays": "/dev/ttyUSB*", **some})
        groups = [stick] if number % 2 else [rule, stick]
        return {"devices": [*made["devices"], {"name": "groups", "groups": groups}]}  # type: ignore[misc]

    async def burden(here: Configured) -> tuple[int, ...]:
        seen = len(here.plugin.log)
        here.plugin.signal(signal.SIGUSR1)
        line = await here.plugin.wait_for_message(MESSAGE, after=seen)
        return here.plugin.cost().descriptors, line.fields["tasks"], line.fields["threads"]

    async def round_trip(here: Configured, number: int) -> None:
        await here.reload(config(number))
        await here.wait_for("groups", healthy=4)
        await here.kubelet.wait_until(
            lambda kubelet: all(
                kubelet.resource(f"squat.ai/r{index}").connected == (index != number % 4) for index in range(4)
            )
        )

    async with configured(plugin_directory, tmp_path / "config.yaml", offering({"stays": "/dev/ttyUSB*"})) as here:
        for number in range(4):
            await round_trip(here, number)
        before = await burden(here)
        for number in range(4, 52):
            await round_trip(here, number)
        # A few come and go with gRPC's streams; what each reload left behind would be 48 of it.
        async with asyncio.timeout(PATIENCE):
            while any(now > then + 12 for now, then in zip(await burden(here), before, strict=True)):
                pass
        assert len(os.listdir(plugin_directory)) <= 8, os.listdir(plugin_directory)
        assert here.kubelet.resource("squat.ai/stays").registrations == 1
