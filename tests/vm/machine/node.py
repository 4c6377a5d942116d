"""The node in the virtual machine: one kubelet, and one plugin at a time, for all stories, as a start takes seconds.

Stories know their devices by the ports that these are plugged in: what a container would get is asked once for each
device that comes, and looked up in sysfs. Nothing is forgotten meanwhile: what was unplugged stays listed as unhealthy.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable

from tests.lab.node import SERIAL, Offer, is_listed, offer_of, resource_of
from tests.lab.plugin import PluginProcess
from tests.vm.machine.places import Place
from tests.vm.machine.served import DIRECTORY, POD_RESOURCES_SOCKET, SPECS, make_plugin
from udev_device_plugin.testing.kubelet import Kubelet
from udev_device_plugin.testing.records import AdmissionError, Allocation

PATIENCE = 300.0  # seconds; only a failing story waits that long


class VmNode:
    """A kubelet, and the plugin that serves `served.SPECS`."""

    def __init__(self) -> None:
        self._resources = [resource_of(spec) for spec in SPECS]
        self._plugin: PluginProcess | None = None
        self._offers: dict[tuple[str, str], Offer] = {}
        self._found: set[tuple[str, str]] = set()
        self._lists_read = 0
        self._allocating = asyncio.Lock()  # a device is for one container at a time, and each is asked about
        self.kubelet = Kubelet(DIRECTORY, pod_resources_socket=POD_RESOURCES_SOCKET, dial_timeout=PATIENCE)

    async def start(self, plugin: PluginProcess) -> None:
        """Starts the kubelet, and waits until the plugin, which runs already, has listed everything."""
        await self.kubelet.start()
        self._plugin = plugin
        await self.wait_until_listed()

    async def stop(self) -> None:
        """Ends both."""
        await self.stop_plugin()
        await self.kubelet.stop()

    async def start_plugin(self) -> None:
        """Starts the plugin, and waits until it has listed everything."""
        before = {name: self.kubelet.resource(name).lists for name in self._resources}
        self._plugin = make_plugin()
        await self._plugin.__aenter__()
        await self._wait(lambda kubelet: all(kubelet.resource(name).lists > before[name] for name in self._resources))

    async def stop_plugin(self) -> None:
        """Kills the plugin, which prints what it said, and waits until the kubelet has dropped it."""
        plugin, self._plugin = self._plugin, None
        if plugin is not None:
            await plugin.__aexit__(None, None, None)
            assert plugin.errors == []
            await self._wait(lambda kubelet: not any(kubelet.resource(name).connected for name in self._resources))

    async def restart_kubelet(self) -> None:
        """Starts the kubelet anew, and waits until the plugin has found it."""
        await self.kubelet.restart()
        self._lists_read = 0
        self._offers.clear()
        await self.wait_until_listed()

    def said(self) -> str:
        """The plugin's log, for a person."""
        return "" if self._plugin is None else self._plugin.said()

    async def wait_until_listed(self) -> None:
        """Waits until each resource is registered, and has sent a list since the kubelet's start."""
        await self._wait(lambda kubelet: all(is_listed(kubelet, name) for name in self._resources))

    async def wait_until_all_is_out(self) -> None:
        """Waits until nothing is healthy any more."""
        await self._wait(lambda _: not any(map(self.healthy, self._resources)))

    def ids(self, resource: str = SERIAL) -> frozenset[str]:
        """All that are listed."""
        return frozenset(device.id for device in self.kubelet.resource(resource).devices)

    def ever_listed(self, resource: str = SERIAL) -> frozenset[str]:
        """All that have been listed since the kubelet's start, if for a moment only."""
        lists = (message.devices for message in self.kubelet.history if message.resource == resource)
        return frozenset(device.id for devices in lists for device in devices)

    def healthy(self, resource: str = SERIAL) -> frozenset[str]:
        """The healthy ones."""
        return frozenset(self.kubelet.resource(resource).healthy)

    async def found(self, place: Place, count: int = 1, *, resource: str = SERIAL) -> tuple[Offer, ...]:
        """Waits until just so many healthy devices of a resource are in a port; in the order of their nodes."""
        while True:
            lists = self.kubelet.resource(resource).lists
            here = await self.here(place, resource=resource)
            if len(here) == count:
                self._found.update((resource, offer.id) for offer in here)
                return here
            await self._wait(lambda kubelet: kubelet.resource(resource).lists != lists)  # noqa: B023 - awaited at once

    def found_ids(self, resource: str = SERIAL) -> frozenset[str]:
        """All that stories have found up to now."""
        return frozenset(id_ for name, id_ in self._found if name == resource)

    async def here(self, place: Place, *, resource: str = SERIAL) -> tuple[Offer, ...]:
        """The healthy devices of a resource in a port, at this moment."""
        offers = await self._healthy_offers(resource)
        here = [offer for offer in offers if place.holds_all(device.host_path for device in offer.devices)]
        return tuple(sorted(here, key=lambda offer: offer.paths))

    async def offer(self, id_: str, resource: str = SERIAL) -> Offer:
        """What a container would get for this device now."""
        (device,) = (device for device in self.kubelet.resource(resource).devices if device.id == id_)
        async with self._allocating:
            return await offer_of(self.kubelet, resource, device)

    async def allocate(self, id_: str, resource: str = SERIAL) -> Allocation:
        """A pod with this device."""
        async with self._allocating:
            return await self.kubelet.allocate(resource, ids=[id_])

    async def wait_healthy(self, *ids: str, resource: str = SERIAL) -> None:
        """Waits until all of these are healthy."""
        await self._wait(lambda _: self.healthy(resource) >= set(ids))

    async def wait_unhealthy(self, *ids: str, resource: str = SERIAL) -> None:
        """Waits until all of these are listed, and none is healthy."""
        wanted = set(ids)
        await self._wait(lambda _: wanted <= self.ids(resource) and not wanted & self.healthy(resource))

    async def _wait(self, is_met: Callable[[Kubelet], bool]) -> None:
        await self.kubelet.wait_until(is_met, timeout=PATIENCE)

    async def _healthy_offers(self, resource: str) -> Iterable[Offer]:
        """Asks for what is not known: what has been listed as unhealthy may be another node now."""
        async with self._allocating:
            self._forget_what_went()
            for device in self.kubelet.resource(resource).devices:
                if device.is_healthy and (resource, device.id) not in self._offers:
                    # A pod may hold it, or it has gone by now: then it is nobody's, until a list says more.
                    with contextlib.suppress(AdmissionError):
                        self._offers[resource, device.id] = await offer_of(self.kubelet, resource, device)
            self._forget_what_went()
            return [offer for (name, _), offer in self._offers.items() if name == resource]

    def _forget_what_went(self) -> None:
        history = self.kubelet.history
        for message in history[self._lists_read :]:
            healthy = {device.id for device in message.devices if device.is_healthy}
            for resource, id_ in [*self._offers]:
                if resource == message.resource and id_ not in healthy:
                    del self._offers[resource, id_]
        self._lists_read = len(history)


async def settle() -> None:
    """Waits until udevd has nothing left to do."""
    await run("udevadm", "settle", f"--timeout={PATIENCE:.0f}")


async def run(*command: str) -> None:
    """Runs a command of the guest's, which must succeed."""
    process = await asyncio.create_subprocess_exec(*command)
    assert await process.wait() == 0, command


def write(path: str, value: str) -> None:
    """Writes an attribute of sysfs."""
    with open(path, "w") as file:
        file.write(value)
