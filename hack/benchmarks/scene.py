"""The parts that the measurements share: a kubelet, the plugin, a bystander that hears the same events, sticks.

All on this machine, at one time: what is judged is a difference within one run.
"""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from hack.benchmarks import bystander, floor
from hack.benchmarks.programs import PATIENCE, Program
from hack.benchmarks.sticks import SUBSYSTEM, Sticks, id_prefix
from udev_device_plugin.testing.kubelet import Kubelet
from udev_device_plugin.testing.records import ListReceived

SERIAL = "squat.ai/serial"
MANY = 20
"""How many resources a busy configuration has."""

WINDOW = 0.05
"""Seconds: what the plugin promises to gather after a change (README.md)."""

CALM = 2 * WINDOW + 0.03
"""Seconds after a list, at least, until the next change is a single one again; what was pulled is forgotten by then."""

Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Heard:
    """An event, and when the bystander heard it: monotonic seconds."""

    time: float
    action: str
    sys_name: str


@dataclass(frozen=True, slots=True)
class Scene:
    """A plugin that is connected to its kubelet, with nothing plugged."""

    kubelet: Kubelet
    plugin: Program
    bystander: Program
    sticks: Sticks

    def heard(self) -> list[Heard]:
        """All that the bystander has heard so far."""
        fields = [line.split() for line in self.bystander.lines() if line != bystander.READY]
        return [Heard(float(time), action, name) for time, action, name in fields]

    def lists(self) -> list[ListReceived]:
        """All lists of the serial adapters in this life of the kubelet's."""
        return [one for one in self.kubelet.history if one.resource == SERIAL]


def resource_names(count: int) -> Names:
    """The serial adapters and, for more than one, resources that nothing ever matches."""
    return (SERIAL, *(f"squat.ai/other-{number}" for number in range(1, count)))


@contextmanager
def directory() -> Iterator[str]:
    """A directory of a short name: a unix socket's path has at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/run") as path:
        yield path


def plugin_program(count: int, folder: str) -> Program:
    """The plugin with so many resources, for the kubelet in `folder`."""
    others = (spec(f"other-{number}", f"/dev/ttyOTHER{number}-*") for number in range(1, count))
    return plugin_of(folder, spec("serial", "/dev/serial/by-id/*"), *others)


def spec(name: str, path: str, count: int = 1) -> str:
    """A resource with one path."""
    return f'{{"name":"{name}","groups":[{{"count":{count},"paths":[{{"path":"{path}"}}]}}]}}'


def plugin_of(folder: str, *specs: str) -> Program:
    """The plugin with these resources, for the kubelet in `folder`."""
    devices = [argument for spec in specs for argument in ("--device", spec)]
    options = ("--plugin-directory", folder, "--listen", "127.0.0.1:0", "--removal-grace-period", "0s")
    return Program("udev_device_plugin", *devices, *options, output=f"{folder}.plugin.log")


def bare_program(folder: str, subsystem: str) -> Program:
    """The shortest way from udev to the kubelet in `folder`."""
    return Program("hack.benchmarks.bare", folder, SERIAL, subsystem, output=f"{folder}.plugin.log")


@asynccontextmanager
async def floor_program() -> AsyncIterator[Program]:
    """The floor, as soon as it serves."""
    with directory() as folder:
        async with Program("hack.benchmarks.floor", f"{folder}/floor.sock", output=f"{folder}/floor.log") as program:
            await program.said(lambda lines: floor.READY in lines)
            yield program


@asynccontextmanager
async def scene(count: int = 1) -> AsyncIterator[Scene]:
    """A new scene with so many resources, ready to be measured."""
    async with contextlib.AsyncExitStack() as stack:
        folder = stack.enter_context(directory())
        kubelet = await stack.enter_async_context(Kubelet(folder))
        sticks = stack.enter_context(Sticks())
        ear = await stack.enter_async_context(
            Program("hack.benchmarks.bystander", SUBSYSTEM, output=f"{folder}.bystander.log")
        )
        await ear.said(lambda lines: bystander.READY in lines)
        plugin = await stack.enter_async_context(plugin_program(count, folder))
        await wait_for_lists(kubelet, resource_names(count))
        await asyncio.sleep(CALM)
        yield Scene(kubelet, plugin, ear, sticks)


async def wait_for_lists(kubelet: Kubelet, names: Names) -> None:
    """Wait until each resource has sent a list in this life of the kubelet's."""
    await kubelet.wait_until(lambda it: all(it.resource(name).lists for name in names), timeout=PATIENCE)


def holds(received: ListReceived, number: int) -> bool:
    """Whether a list offers this stick."""
    return any(one.is_healthy and one.id.startswith(id_prefix(number)) for one in received.devices)
