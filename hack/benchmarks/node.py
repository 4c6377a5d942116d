"""An embedded kubelet, the plugin of a checkout, and a bare listener, which receives the same events.

All on this machine, at one time: what is judged is a difference within one run.
"""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from hack.benchmarks import listener
from hack.benchmarks.adapters import Adapters
from hack.benchmarks.programs import PATIENCE, Program
from udev_device_plugin.testing.kubelet import Kubelet

MANY = 20
"""How many resources a busy configuration has."""

UNRELATED_NODES = 5000
CALM = 0.15
"""Seconds until the next change of a resource is a single one again: the plugin gathers changes for 50 ms."""


@dataclass(frozen=True, slots=True)
class Node:
    """A plugin that has registered with its kubelet, with nothing plugged. Times are monotonic seconds."""

    kubelet: Kubelet
    plugin: Program
    listener: Program
    adapters: Adapters

    def events(self, action: str, number: int | None = None) -> list[float]:
        """When the listener received each such event, of one adapter or of all."""
        fields = [line.split() for line in self.listener.lines()[1:]]
        name = f"{self.adapters.prefix}{number}"
        return [float(time) for time, kind, whose in fields if kind == action and (number is None or whose == name)]

    def lists(self, number: int, *, has_it: bool = True, after: int = 0) -> list[float]:
        """When the kubelet got each list of an adapter's resource that offers it (or not), after so many of all."""
        resource = number % self.adapters.count
        mark, name = f"-r{resource}n{number}-", resource_of(resource)
        return [
            one.time
            for one in self.kubelet.history[after:]
            if one.resource == name and any(it.is_healthy and mark in it.id for it in one.devices) is has_it
        ]

    async def plug(self, number: int) -> float:
        """Plug an adapter: milliseconds from its event to the first list that has it."""
        return await self._delay("add", number)

    async def unplug(self, number: int) -> float:
        """Likewise, to the first list without it."""
        return await self._delay("remove", number)

    async def _delay(self, action: str, number: int) -> float:
        is_plug = action == "add"
        lists, events = len(self.kubelet.history), len(self.events(action, number))
        (self.adapters.plug if is_plug else self.adapters.unplug)(number)

        def listed() -> list[float]:
            return self.lists(number, has_it=is_plug, after=lists)

        await self.kubelet.wait_until(lambda _: bool(listed()), timeout=PATIENCE)
        await self.listener.said(lambda _: len(self.events(action, number)) > events)
        return (listed()[0] - self.events(action, number)[events]) * 1000


@contextmanager
def directory() -> Iterator[str]:
    """A directory of a short name: a unix socket's path has at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/run") as path:
        yield path


def resource_of(number: int) -> str:
    """The full name of the resource with this number."""
    return f"squat.ai/serial-{number}"


def plugin(checkout: str, count: int, folder: str) -> Program:
    """The plugin of a checkout with so many resources, for the kubelet in `folder`."""
    specs = (f'{{"type":"serial-{number}","paths":["/dev/serial/by-id/*_R{number}N*"]}}' for number in range(count))
    devices = [argument for spec in specs for argument in ("--device", spec)]
    options = ("--plugin-directory", folder, "--listen", "127.0.0.1:0", "--removal-grace-period", "0s")
    return Program("udev_device_plugin", *devices, *options, output=f"{folder}.plugin.log", checkout=checkout)


@asynccontextmanager
async def node(checkout: str, adapters: Adapters) -> AsyncIterator[Node]:
    """All of it, ready to be measured."""
    async with contextlib.AsyncExitStack() as stack:
        folder = stack.enter_context(directory())
        kubelet = await stack.enter_async_context(Kubelet(folder))
        bare = Program("hack.benchmarks.listener", adapters.subsystem, output=f"{folder}.listener.log")
        await stack.enter_async_context(bare)
        await bare.said(lambda lines: listener.READY in lines)
        program = await stack.enter_async_context(plugin(checkout, adapters.count, folder))
        await wait_for_lists(kubelet, adapters.count)
        await asyncio.sleep(CALM)
        yield Node(kubelet, program, bare, adapters)


async def wait_for_lists(kubelet: Kubelet, count: int) -> None:
    """Wait until so many resources have sent a list each since the kubelet's start."""
    names = [resource_of(number) for number in range(count)]
    await kubelet.wait_until(lambda it: all(it.resource(name).lists for name in names), timeout=PATIENCE)
