"""A plugin directory that cannot be written to, for a while."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab.host import FakeHost
from tests.lab.node import SERIAL, every
from tests.lab.plugin import LogLine, PluginProcess
from tests.lab.sticks import serial_adapter
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
                assert (status, SERIAL in text) == (503, True)
                remount(directory, "rw")
                await kubelet.wait_for_devices(SERIAL, healthy=1)
                assert sum(map(is_about_it, plugin.log)) == 1
                assert await plugin.terminate() == 0


def is_about_it(line: LogLine) -> bool:
    return "Read-only file system" in line.message
