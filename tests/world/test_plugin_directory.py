"""A plugin directory, or the plugin's own in it, that cannot be used for a while: said once, and waited for."""

import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.lab.host import FakeHost
from tests.lab.node import SERIAL, every
from tests.lab.odd_files import a_fifo, a_link_to_itself
from tests.lab.plugin import PLUGIN, LogLine, PluginProcess
from tests.lab.sticks import serial_adapter
from udev_device_plugin.filesystem.own_directory import NAME as OWN_DIRECTORY
from udev_device_plugin.testing.kubelet import Kubelet


@contextmanager
def file_system_of_its_own(directory: str) -> Iterator[str]:
    """A directory in there that can be made read-only."""
    path = f"{directory}/d"
    os.mkdir(path)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", path], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)


def remount(directory: str, mode: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{mode}", directory], check=True)


async def test_a_directory_that_is_read_only_is_said_once_and_waited_for(host: FakeHost, plugin_directory: str) -> None:
    host.plug(serial_adapter())
    with file_system_of_its_own(plugin_directory) as directory:
        async with Kubelet(directory) as kubelet:
            remount(directory, "ro")
            async with PluginProcess.serving(every("/dev/ttyUSB*"), directory=directory) as plugin:
                line = await plugin.wait_for_log(is_about_it)
                assert line.fields["level"] == "warn"
                status, text = await plugin.get("/readyz")
                assert (status, text) == (503, f"{SERIAL}: {directory}/{OWN_DIRECTORY}: Read-only file system\n")
                remount(directory, "rw")
                await kubelet.wait_for_devices(SERIAL, healthy=1)
                assert sum(map(is_about_it, plugin.log)) == 1
                assert await plugin.terminate() == 0


def is_about_it(line: LogLine) -> bool:
    return "Read-only file system" in line.message


WITHOUT_OVERRIDE = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--", *PLUGIN)
"""As in the DaemonSet, where root has no capabilities: modes count for it."""


def a_file(path: Path) -> None:
    path.touch()


def somebody_elses(path: Path) -> None:
    path.mkdir(mode=0o700)
    os.chown(path, 65534, 65534)


def a_link_to_its_directory(path: Path) -> None:
    path.symlink_to(".")


def a_link_to_other_sockets(path: Path) -> None:
    other = path.parent.parent / "other"
    other.mkdir()
    for name in ("kubelet.sock", "serial-01234567.sock"):
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(str(other / name))
    (other / "port-0123456789").symlink_to("/dev/null")
    (other / ".offered-0123456789.json").touch()
    path.symlink_to(other)


def complaints(plugin: PluginProcess) -> list[LogLine]:
    return [
        line for line in plugin.log if line.fields.get("level") in ("warn", "error") and "udev:" not in line.message
    ]


@pytest.mark.parametrize("make", [a_file, a_fifo, a_link_to_itself, somebody_elses])
async def test_a_plugin_directory_of_the_wrong_kind_is_said_once_and_waited_for(
    make: Callable[[Path], None], host: FakeHost, plugin_directory: str
) -> None:
    host.plug(serial_adapter())
    path = Path(plugin_directory) / "d"
    make(path)
    spec = every("/dev/ttyUSB*")
    async with PluginProcess.serving(spec, directory=str(path), command=WITHOUT_OVERRIDE) as plugin:
        await plugin.wait_for_message("devices are here")
        (line,) = complaints(plugin)
        assert line.message.startswith(f"{path}/{OWN_DIRECTORY}: cannot be used: ")
        assert (await plugin.get("/readyz"))[0] == 503
        path.rename(path.with_name("former"))
        path.mkdir()
        async with Kubelet(path) as kubelet:
            await kubelet.wait_for_devices(SERIAL, healthy=1)
            assert await plugin.terminate() == 0
        assert complaints(plugin) == [line]


@pytest.mark.parametrize("make", [a_file, a_fifo, a_link_to_itself, a_link_to_its_directory, a_link_to_other_sockets])
async def test_an_own_directory_of_the_wrong_kind_is_said_once_waited_for_and_never_used(
    make: Callable[[Path], None], host: FakeHost, plugin_directory: str
) -> None:
    host.plug(serial_adapter())
    path = Path(plugin_directory) / "plugins"
    path.mkdir()
    async with Kubelet(path) as kubelet:
        for name in ("serial-01234567.sock", "somebody-elses.sock"):
            with socket.socket(socket.AF_UNIX) as one:
                one.bind(str(path / name))
        make(path / OWN_DIRECTORY)
        before = sorted(Path(plugin_directory).rglob("*"))
        async with PluginProcess.serving(every("/dev/ttyUSB*"), directory=str(path)) as plugin:
            await plugin.wait_for_message("devices are here")
            await plugin.wait_for_log(lambda line: line.message.startswith(f"{path}/{OWN_DIRECTORY}: cannot be used: "))
            assert (await plugin.get("/readyz"))[0] == 503
            assert sorted(Path(plugin_directory).rglob("*")) == before
            (path / OWN_DIRECTORY).rename(Path(plugin_directory) / "former")
            await kubelet.wait_for_devices(SERIAL, healthy=1)
            assert await plugin.terminate() == 0
            assert len(complaints(plugin)) == 1


async def test_a_read_only_directory_with_a_stale_socket_is_waited_for(host: FakeHost, plugin_directory: str) -> None:
    host.plug(serial_adapter())
    with file_system_of_its_own(plugin_directory) as directory:
        async with Kubelet(directory) as kubelet:
            os.mkdir(f"{directory}/{OWN_DIRECTORY}")
            for name in (f"{OWN_DIRECTORY}-serial-01234567.sock", f"{OWN_DIRECTORY}/serial-01234567.sock"):
                with socket.socket(socket.AF_UNIX) as one:
                    one.bind(f"{directory}/{name}")
            remount(directory, "ro")
            async with PluginProcess.serving(every("/dev/ttyUSB*"), directory=directory) as plugin:
                await plugin.wait_for_log(is_about_it)
                remount(directory, "rw")
                await kubelet.wait_for_devices(SERIAL, healthy=1)
                assert sum(map(is_about_it, plugin.log)) == 1
                assert plugin.errors == [], "grpc says it at each attempt"
                assert await plugin.terminate() == 0


async def test_thousands_of_dead_sockets_cost_a_line_and_no_time(host: FakeHost, plugin_directory: str) -> None:
    host.plug(serial_adapter())
    os.mkdir(f"{plugin_directory}/{OWN_DIRECTORY}")
    for number in range(1500):
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(f"{plugin_directory}/{OWN_DIRECTORY}/serial-{number:08x}.sock")
    async with (
        Kubelet(plugin_directory) as kubelet,
        PluginProcess.serving(every("/dev/ttyUSB*"), directory=plugin_directory) as plugin,
    ):
        await kubelet.wait_for_devices(SERIAL, healthy=1)
        lines = [line for line in plugin.log if "sockets of earlier runs" in line.message]
        assert [line.fields["sockets"] for line in lines] == [1000]
        assert len(os.listdir(f"{plugin_directory}/{OWN_DIRECTORY}")) == 500 + 2
        assert await plugin.terminate() == 0
