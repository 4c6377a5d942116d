"""A node in small: an embedded kubelet, and the plugin as a process beside it, for tests of the two together.

What a resource offers is asked as a kubelet asks it, by allocating: IDs are the plugin's own business, paths are not.
"""

import asyncio
import itertools
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab.plugin import PATIENCE, PluginProcess
from udev_device_plugin.testing.kubelet import Kubelet
from udev_device_plugin.testing.records import Allocation, ContainerStartError, DeviceSpec, DeviceView, Mount

SERIAL = "squat.ai/serial"
LANDMARKS = "squat.ai/landmarks"


def every(*paths: str, name: str = "serial", **options: object) -> str:
    """A spec that offers each match of these globs."""
    return json.dumps({"type": name, "paths": paths, **options})


def together(*paths: str | dict[str, Any], name: str = "serial", **options: object) -> str:
    """A spec that zips the matches of these globs, which may be mappings with options."""
    spelled = [path if isinstance(path, dict) else {"path": path} for path in paths]
    return json.dumps({"name": name, "groups": [{"paths": spelled, **options}]})


@dataclass(frozen=True, slots=True)
class Offer:
    """One listed ID, and what a container gets for it."""

    id: str
    is_healthy: bool
    devices: tuple[DeviceSpec, ...]
    mounts: tuple[Mount, ...]

    @property
    def paths(self) -> tuple[str, ...]:
        """Where the container finds its devices."""
        return tuple(device.container_path for device in self.devices)

    @property
    def nodes(self) -> tuple[str, ...]:
        """The host's nodes that its devices are."""
        return tuple(os.path.realpath(device.host_path) for device in self.devices)


class Landmarks:
    """Directories that the plugin offers as a resource of their own, to know how far it has come.

    It hears of all paths through one queue of the kernel's: when a landmark is listed, it has heard what came before.
    """

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._numbers = itertools.count(1)
        self.spec = together({"path": f"{directory}/*", "type": "Mount"}, name=LANDMARKS.rpartition("/")[2])

    def beside(self, configuration: dict[str, Any]) -> dict[str, Any]:
        """A configuration file's contents, with the landmarks as one more resource."""
        return {**configuration, "devices": [*configuration["devices"], json.loads(self.spec)]}

    async def pass_one(self, kubelet: Kubelet) -> None:
        """Set the next one up, and wait until the kubelet sees it."""
        number = next(self._numbers)
        os.mkdir(f"{self._directory}/{number:03}")
        await kubelet.wait_for_devices(LANDMARKS, healthy=number)


@contextmanager
def landmarks() -> Iterator[Landmarks]:
    """None set up yet."""
    directory = tempfile.mkdtemp(prefix="landmarks-", dir="/run")
    yield Landmarks(directory)
    shutil.rmtree(directory)


@dataclass(frozen=True, slots=True)
class Node:
    """A kubelet and a plugin that found each other."""

    kubelet: Kubelet
    plugin: PluginProcess
    landmarks: Landmarks

    async def wait_for(self, healthy: int, unhealthy: int = 0, *, resource: str = SERIAL) -> None:
        """Wait until just so many devices are listed."""
        await self.kubelet.wait_for_devices(resource, healthy=healthy, unhealthy=unhealthy)

    async def catch_up(self) -> None:
        """Wait until the plugin has heard of every path that came or went up to now, and told what it made of it.

        What it has heard of may be gathered with more; by the second landmark all such windows have closed.
        """
        await self.landmarks.pass_one(self.kubelet)
        await self.landmarks.pass_one(self.kubelet)

    async def start(self, pod: Allocation) -> None:
        """Start a pod's container as a kubelet does, which tries again while it has to wait."""
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    return await self.kubelet.start_container(pod)
                except ContainerStartError:
                    await self.landmarks.pass_one(self.kubelet)

    async def offers(self, resource: str = SERIAL) -> tuple[Offer, ...]:
        """What is listed now, by what a container would get."""
        return await offers(self.kubelet, resource)

    async def paths(self, resource: str = SERIAL) -> list[str]:
        """The container paths of all healthy devices, sorted."""
        return sorted(path for offer in await self.offers(resource) if offer.is_healthy for path in offer.paths)

    def lists(self, resource: str = SERIAL) -> int:
        """How many lists this kubelet has got of the resource."""
        return sum(message.resource == resource for message in self.kubelet.history)

    def most_listed(self, resource: str = SERIAL) -> int:
        """The length of the longest list that this kubelet has got of the resource."""
        return max(len(message.devices) for message in self.kubelet.history if message.resource == resource)


@asynccontextmanager
async def node(directory: str, *specs: str, arguments: Sequence[str] = ()) -> AsyncIterator[Node]:
    """A kubelet, and a plugin that has registered these specs with it."""
    with landmarks() as marks:
        plugin = PluginProcess.serving(*specs, marks.spec, directory=directory, arguments=arguments)
        async with Kubelet(directory) as kubelet, plugin:
            await wait_until_listed(kubelet, *specs, marks.spec)
            yield Node(kubelet, plugin, marks)


async def wait_until_listed(kubelet: Kubelet, *specs: str) -> None:
    """Wait until each spec's resource is registered and has sent a list."""
    names = [resource_of(spec) for spec in specs]
    await kubelet.wait_until(lambda kubelet: all(is_listed(kubelet, name) for name in names), timeout=PATIENCE)


@asynccontextmanager
async def until_dropped(kubelet: Kubelet, *resources: str) -> AsyncIterator[None]:
    """End or hang up on who serves these resources in here; in the end, wait until the kubelet has dropped them all.

    Until it has, it takes what they had listed for what their successor lists; from then on, nothing is healthy before
    a new list. It counts as well if a successor has registered by the end.
    """
    for name in resources:
        assert kubelet.resource(name).connected, f"{name} is not connected, so it cannot be dropped"
    drops = asyncio.gather(*(_dropped(kubelet, name) for name in resources))
    await asyncio.sleep(0)  # so that they watch before anything happens
    try:
        yield
        await drops
    finally:
        drops.cancel()


async def _dropped(kubelet: Kubelet, resource: str) -> None:
    await kubelet.wait_until(lambda kubelet: not kubelet.resource(resource).connected, timeout=PATIENCE)


def is_listed(kubelet: Kubelet, resource: str = SERIAL) -> bool:
    """Whether a resource is registered and has sent a list, since the kubelet's start."""
    view = kubelet.resource(resource)
    return view.connected and view.lists > 0


def resource_of(spec: str) -> str:
    """The full name of a spec's resource."""
    values = json.loads(spec)
    return f"squat.ai/{values.get('type') or values['name']}"


async def offers(kubelet: Kubelet, resource: str = SERIAL) -> tuple[Offer, ...]:
    """What a resource lists now, in the list's order, by what a container would get."""
    return tuple([await offer_of(kubelet, resource, device) for device in kubelet.resource(resource).devices])


async def offer_of(kubelet: Kubelet, resource: str, device: DeviceView) -> Offer:
    """A listed device of a resource, by what a container would get now."""
    try:
        allocation = await kubelet.allocate(resource, ids=[device.id])
    except ContainerStartError as error:  # the container would wait for its device
        allocation = error.allocation
    kubelet.release(allocation)
    response = allocation.response
    return Offer(device.id, device.is_healthy, response.devices, response.mounts)


async def metric(plugin: PluginProcess, name: str, **labels: str) -> float:
    """The sum of a metric's samples that have these labels, by the plugin's own page."""
    # Here: it costs seconds where the CPU is emulated, and nobody asks for metrics.
    from prometheus_client.parser import text_string_to_metric_families  # noqa: PLC0415

    status, page = await plugin.get("/metrics")
    assert status == 200, page
    return sum(
        sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


async def wait_for_metric(plugin: PluginProcess, name: str, at_least: float, **labels: str) -> None:
    """Ask again and again until a metric has come that far: nobody tells when it changes."""
    async with asyncio.timeout(PATIENCE):
        while await metric(plugin, name, **labels) < at_least:
            assert plugin.is_running(), plugin.said()


def most_lists(seconds: float) -> int:
    """How many lists of one resource can be sent in a time in which it changes without a pause."""
    from udev_device_plugin.controller.controller import WINDOW  # noqa: PLC0415 - as above: half of the program

    return int(seconds / WINDOW) + 2  # the first at once, the last when the last window ends


def sockets(directory: str) -> set[str]:
    """The plugins' sockets below a kubelet's directory, where the program has its own."""
    return {str(path.relative_to(directory)) for path in Path(directory).glob("udev-device-plugin/*.sock")}
