"""Runs the image as a DaemonSet would, beside a real udevd and an embedded kubelet: plug, pull, restart, end.

`python -m hack.image.trial ROOT LAYOUT`, in hack/lib/beside-udevd; ROOT is the image's root file system, LAYOUT the
image as an OCI layout, of which the entry point and the environment are taken.
Each step is real and waits until the kubelet has it; one that does not come true is a failure.
"""

import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from hack.image.constraints import SECCOMP, container, without_capabilities
from hack.image.layers import image_configuration
from tests.lab.hotplug import MacvtapSticks
from tests.lab.node import SERIAL, every, is_listed, metric, sockets
from tests.lab.plugin import PluginProcess
from udev_device_plugin.testing.kubelet import Kubelet

NAME = "udev-device-plugin-image-test"
STATE = "/run/image-test"
NOT_FOR_AN_IMAGE = ("sh", "bash", "dash", "pip", "pip3", "gcc", "cc", "apt", "apt-get", "perl")
WANTED_STATUS = {"Uid": "0", "CapEff": "0", "CapPrm": "0", "CapBnd": "0", "NoNewPrivs": "1", "Seccomp": "2"}


async def run(root: str, configuration: dict[str, Any]) -> None:
    """The whole trial."""
    refuse_extras(root)
    with contextlib.ExitStack() as stack:
        sticks = stack.enter_context(contextlib.closing(MacvtapSticks()))
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="p-", dir="/run"))
        bundle = stack.enter_context(tempfile.TemporaryDirectory(prefix="bundle-", dir="/run"))
        write_bundle(Path(bundle), root, configuration, directory)
        command = ("crun", "--root", STATE, "--cgroup-manager", "disabled", "run", "--bundle", bundle, NAME)
        async with Kubelet(directory) as kubelet:
            started = time.monotonic()
            async with PluginProcess(command=command) as plugin, removed_in_the_end():
                await kubelet.wait_until(is_listed)
                report("the container is started, the plugin registered and its first list sent", started)
                check_confinement(await first_process(), directory)
                await plug_and_pull(kubelet, plugin, sticks)
                await list_devices(configuration["Entrypoint"], directory, sticks)
                await restart_kubelet(kubelet)
                await end(plugin, directory)


@contextlib.asynccontextmanager
async def removed_in_the_end() -> AsyncIterator[None]:
    """Whatever happens, the container does not outlive its runtime, whose pipes it holds."""
    try:
        yield
    finally:
        command = ("crun", "--root", STATE, "delete", "--force", NAME)
        await (await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)).wait()


def refuse_extras(root: str) -> None:
    """An image has no shell, compiler or package manager."""
    folders = [folder for name in ("bin", "sbin", "opt") for folder in Path(root).rglob(name)]
    found = [str(folder / name) for folder in folders for name in NOT_FOR_AN_IMAGE if os.path.lexists(folder / name)]
    if found:
        sys.exit(f"the image has what it should not have: {', '.join(found)}")
    print(f"there is none of {', '.join(NOT_FOR_AN_IMAGE)}")


def write_bundle(bundle: Path, root: str, configuration: dict[str, Any], directory: str) -> None:
    """The command for the runtime: the image's own entry point and environment, and the plugin's arguments."""
    arguments = [*configuration["Entrypoint"], "--device", every("/dev/tap42*")]
    arguments += ["--plugin-directory", directory, "--listen", "127.0.0.1:0"]
    seccomp = without_capabilities(Path(SECCOMP).read_text())
    wanted = container(root, arguments, configuration["Env"], seccomp, directory)
    (bundle / "config.json").write_text(json.dumps(wanted))


async def first_process() -> int:
    """The process ID of the container's own, by the runtime."""
    command = ("crun", "--root", STATE, "state", NAME)
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    return int(json.loads(said)["pid"])


def check_confinement(pid: int, directory: str) -> None:
    """What the kernel says of the process, lest the trial be of something that is allowed more."""
    lines = (line.partition(":") for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    status = {key: value.split() for key, _, value in lines}
    for key, wanted in WANTED_STATUS.items():
        assert {value.lstrip("0") or "0" for value in status[key]} == {wanted}, f"{key} is {status[key]}, not {wanted}"
    mounts = [line.split() for line in Path(f"/proc/{pid}/mountinfo").read_text().splitlines()]
    options = {fields[4]: fields[5].split(",") for fields in mounts}
    for path in ("/", "/dev", "/run/udev", "/sys"):
        assert "ro" in options[path], f"{path} is writable in the container"
    assert "rw" in options[directory], f"{directory} cannot be written to in the container"
    print("uid 0, no capabilities, no new privileges, seccomp, read-only /, /dev, /run/udev, /sys")


async def plug_and_pull(kubelet: Kubelet, plugin: PluginProcess, sticks: MacvtapSticks) -> None:
    """A stick, by udev's event and with udev's link."""
    started = time.monotonic()
    stick = await asyncio.to_thread(sticks.plug, 7)
    await kubelet.wait_for_devices(SERIAL, healthy=1)
    report("a stick is plugged, and the kubelet lists it", started)
    allocation = await kubelet.allocate(SERIAL)
    (device,) = allocation.response.devices
    assert device.host_path == stick.by_id, f"a container gets {device.host_path}, not {stick.by_id}"
    assert await metric(plugin, "udev_device_plugin_uevents_total") > 0, "no event of udev's was received"
    assert (await plugin.get("/readyz"))[0] == 200
    print(f"a container gets it by udev's link, {device.host_path}; udev's event was received; /readyz says 200")
    kubelet.release(allocation)
    started = time.monotonic()
    await asyncio.to_thread(sticks.unplug, 7)
    await kubelet.wait_for_devices(SERIAL, healthy=0, unhealthy=1)
    report("it is pulled, and Unhealthy", started)


async def list_devices(entry_point: list[str], directory: str, sticks: MacvtapSticks) -> None:
    """Run the tasks for troubleshooting in the container beside the plugin; the library for tables is there too."""
    stick = await asyncio.to_thread(sticks.plug, 8)
    python = str(Path(entry_point[0]).with_name("python3"))
    specs = ["--device", every("/dev/tap42*"), "--plugin-directory", directory]
    listed = await said_inside(*entry_point, "--list-devices", *specs)
    assert f"Healthy  {stick.devnode}" in listed, f"the stick is not shown: {listed}"
    await said_inside(python, "-c", "import udev_device_plugin.reporting.list_devices.table")
    assert '"$schema"' in await said_inside(*entry_point, "--print-schema")
    await asyncio.to_thread(sticks.unplug, 8)
    print("--list-devices works beside the plugin, and shows the stick")


async def said_inside(*command: str) -> str:
    """What a command in the container says."""
    process = await asyncio.create_subprocess_exec(
        "crun", "--root", STATE, "exec", NAME, *command, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, f"{command[0]} ended with {process.returncode}"
    return said.decode()


async def restart_kubelet(kubelet: Kubelet) -> None:
    """The plugin registers again."""
    await kubelet.stop()
    await kubelet.start()
    started = time.monotonic()
    await kubelet.wait_until(is_listed)
    report("the kubelet restarts, and the plugin is back", started)


async def end(plugin: PluginProcess, directory: str) -> None:
    """SIGTERM, as from the kubelet: it is for the container's own process, PID 1 of its namespace."""
    started = time.monotonic()
    command = ("crun", "--root", STATE, "kill", NAME, "TERM")
    await (await asyncio.create_subprocess_exec(*command)).wait()
    code = await plugin.wait()
    assert code == 0, f"it ended with {code}"
    assert not sockets(directory), "it left its socket behind"
    assert not plugin.errors, f"it wrote to stderr: {plugin.errors}"
    report("it ends with 0 after SIGTERM, and leaves no socket", started)
    plugin.is_quiet = True  # it went well


def report(what: str, started: float) -> None:
    """Print a step that succeeded, with its time."""
    print(f"{what}: {(time.monotonic() - started) * 1000:.0f} ms", flush=True)


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], image_configuration(Path(sys.argv[2]))))
