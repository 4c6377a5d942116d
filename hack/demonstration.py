"""What hack/demo shows: this machine's devices, as a kubelet sees them through the plugin.

Each step does something real and waits until the kubelet has it.
"""

import argparse
import asyncio
import contextlib
import glob
import os
import re
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Iterator

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tests.lab.hotplug import MacvtapSticks, RealStick
from tests.lab.plugin import PluginProcess
from tests.lab.udevd import Udevd
from udev_device_plugin.testing.kubelet import Kubelet
from udev_device_plugin.testing.records import Allocation, ResourceView

SERIAL = "squat.ai/serial"

SPECS = {
    "serial": '{"type": "serial", "paths": ["/dev/ttyUSB*", "/dev/ttyACM*", "/dev/serial/by-id/*"]}',
    "video": '{"type": "video", "paths": ["/dev/video*"]}',
    "sound": '{"name": "sound", "groups": [{"paths": [{"path": "/dev/snd"}]}]}',
    "fuse": '{"name": "fuse", "groups": [{"count": 10, "paths": [{"path": "/dev/fuse"}]}]}',
    "kvm": '{"type": "kvm", "count": 3, "paths": ["/dev/kvm"]}',
    "tun": '{"type": "tun", "paths": ["/dev/net/tun"]}',
    "uart": '{"type": "uart", "paths": ["/dev/ttyS[0-3]"]}',
    "loop": '{"type": "loop", "paths": ["/dev/loop[0-3]"]}',
}
"""The resources that are offered: some of their devices are on every machine."""

ANNOUNCED = ("fuse", "kvm", "tun", "ttyS*", "video*", "loop[0-3]", "controlC*")
"""Devices, by sysfs name, for which the kernel sends events to a udevd that has just started."""

MAX_SHOWN = 4


class Show:
    """The output: on a terminal a live table, else one after each step."""

    def __init__(self, kubelet: Kubelet) -> None:
        self._kubelet = kubelet
        self.console = Console(highlight=False)
        self._live = Live(get_renderable=self._table, console=self.console, auto_refresh=False)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        if not self.console.is_terminal:
            yield
            return
        with self._live:
            refreshing = asyncio.create_task(self._refresh())
            yield
            refreshing.cancel()
            self._live.refresh()

    async def _refresh(self) -> None:
        while True:
            self._live.refresh()
            await asyncio.sleep(0.1)

    def say(self, text: str) -> None:
        self.console.print(text)

    def table(self) -> None:
        """Print the table where there is no live one."""
        if not self.console.is_terminal:
            self.console.print(self._table())

    def _table(self) -> RenderableType:
        table = Table("resource", "capacity", "allocatable")
        table.add_column("devices, as the kubelet knows them", overflow="fold")
        missing = []
        for name in SPECS:
            view = self._kubelet.resource(f"squat.ai/{name}")
            if view.devices:
                table.add_row(view.name, str(view.capacity), str(view.allocatable), _devices(view))
            else:
                missing.append(name)
        nothing = f"  offered, but nothing of it is here: {', '.join(missing)}" if missing else ""
        return Group(table, Text(nothing, style="dim"))


def _devices(view: ResourceView) -> Text:
    text = Text()
    for device in view.devices[:MAX_SHOWN]:
        style = "green" if device.health == "Healthy" else "red"
        text.append(f"{device.id} {device.health}\n", style if view.connected else "dim")
    if len(view.devices) > MAX_SHOWN:
        text.append(f"… and {len(view.devices) - MAX_SHOWN} more\n", "dim")
    text.rstrip()
    return text


class Demonstration:
    """The steps."""

    def __init__(self, kubelet: Kubelet, plugin: PluginProcess, show: Show) -> None:
        self._kubelet = kubelet
        self._plugin = plugin
        self._show = show

    async def begin(self) -> None:
        started = time.monotonic()
        await self._kubelet.wait_until(
            lambda kubelet: all(kubelet.resource(f"squat.ai/{name}").connected for name in SPECS)
        )
        elapsed = time.monotonic() - started
        self._show.say(f"[bold]The plugin has registered {len(SPECS)} resources[/] in {elapsed:.2f} s.")
        await self._kubelet.wait_until(lambda kubelet: all(kubelet.resource(name).devices for name in _expected()))
        self._show.table()

    async def allocate(self, resource: str | None = None) -> None:
        names = [view.name for view in _views(self._kubelet) if view.allocatable]
        if not names:
            self._show.say("No device of this machine is on offer, so none is allocated.")
            return
        allocation = await self._kubelet.allocate(resource or names[0])
        self._show.say(f"\n[bold]A container asks for one {allocation.resource}[/] and is given:")
        for line in _given(allocation):
            self._show.say(f"  {line}")
        self._kubelet.release(allocation)

    async def hotplug(self, sticks: MacvtapSticks) -> None:
        self._show.say("\n[bold]A serial adapter is plugged[/] (a real kernel device; a real udevd gives it its link):")
        started = time.monotonic()
        stick = await asyncio.to_thread(sticks.plug, 7)
        await self._kubelet.wait_for_devices(SERIAL, healthy=1)
        self._print_time("the kubelet lists it", started, stick)
        self._show.table()
        await self.allocate(SERIAL)
        self._show.say("\n[bold]It is pulled:[/]")
        started = time.monotonic()
        await asyncio.to_thread(sticks.unplug, 7)
        await self._kubelet.wait_for_devices(SERIAL, healthy=0, unhealthy=1)
        self._print_time("the kubelet lists it as Unhealthy", started, stick)
        self._show.table()

    async def restart_kubelet(self) -> None:
        self._show.say("\n[bold]The kubelet restarts[/], and clears its directory as real ones do:")
        await self._kubelet.stop()
        await self._kubelet.start()
        started = time.monotonic()
        await self._kubelet.wait_until(
            lambda kubelet: all(kubelet.resource(f"squat.ai/{name}").lists for name in SPECS)
        )
        self._show.say(f"  all {len(SPECS)} resources are back {_milliseconds(started)} after its socket was there")

    async def end(self) -> None:
        started = time.monotonic()
        code = await self._plugin.terminate()
        left = [
            name for name in os.listdir(self._kubelet.directory) if name.endswith(".sock") and name != "kubelet.sock"
        ]
        self._show.say(
            f"\n[bold]SIGTERM:[/] the plugin ended with {code} after {_milliseconds(started)}, {len(left)} sockets left"
        )
        if code:
            raise SystemExit(self._plugin.said())

    def _print_time(self, what: str, started: float, stick: RealStick) -> None:
        self._show.say(f"  {what} {_milliseconds(started)} after the kernel was asked for it: {stick.by_id}")


def _milliseconds(started: float) -> str:
    return f"{(time.monotonic() - started) * 1000:.0f} ms"


def _expected() -> list[str]:
    """The resources of which there is something on this machine."""
    return [
        f"squat.ai/{name}"
        for name, spec in SPECS.items()
        for pattern in re.findall(r'"(/dev/[^"]+)"', spec)
        if glob.glob(pattern)
    ]


def _views(kubelet: Kubelet) -> Iterator[ResourceView]:
    return (kubelet.resource(f"squat.ai/{name}") for name in SPECS)


def _given(allocation: Allocation) -> Iterator[str]:
    for device in allocation.response.devices:
        yield f"device {device.host_path} → {device.container_path} ({device.permissions})"
    for mount in allocation.response.mounts:
        yield f"mount  {mount.host_path} → {mount.container_path}"


def _announce_old_devices() -> None:
    """A udevd that has just started knows no device: copy the machine's database, or trigger events of the kernel."""
    known = os.environ.get("UDEV_DATA", "")
    if known and os.listdir(known):
        shutil.copytree(known, "/run/udev/data", dirs_exist_ok=True)
        return
    udevd = Udevd()
    udevd.trigger("--action=change", *(f"--sysname-match={name}" for name in ANNOUNCED))
    udevd.settle()


async def demonstrate(*, hotplug: bool, follow: bool) -> None:
    """Run the steps, and continue to show the table if asked to."""
    with contextlib.ExitStack() as stack:
        sticks = None
        if hotplug:
            _announce_old_devices()
            sticks = stack.enter_context(contextlib.closing(MacvtapSticks()))
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="demo-"))
        async with Kubelet(directory) as kubelet:
            show = Show(kubelet)
            show.say("[bold]An embedded kubelet runs;[/] the plugin is started on this machine's own devices.")
            async with PluginProcess.serving(*SPECS.values(), directory=directory) as plugin, show.running():
                steps = Demonstration(kubelet, plugin, show)
                await steps.begin()
                await steps.allocate()
                if sticks is not None:
                    await steps.hotplug(sticks)
                await steps.restart_kubelet()
                if follow:
                    show.say("\n[bold]Plug and pull what you like;[/] Ctrl-C ends it.")
                    await _interrupted()
                await steps.end()
                plugin.is_quiet = True  # it went well


async def _interrupted() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()


def main() -> None:
    """The command line of hack/demo."""
    parser = argparse.ArgumentParser(prog="hack/demo", description=__doc__)
    parser.add_argument("--follow", action="store_true", help="keep it running until Ctrl-C")
    parser.add_argument("--hotplug", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    asyncio.run(demonstrate(hotplug=arguments.hotplug, follow=arguments.follow))


if __name__ == "__main__":
    main()
