"""The node in the virtual machine: one kubelet, and one plugin at a time, for all tests, as a start takes seconds.

Each test begins and ends with nothing plugged. Nothing is forgotten meanwhile: what earlier tests unplugged stays
listed as unhealthy, and what is known by its port is the same device for all tests that use the port.
"""

import subprocess
from collections.abc import Iterable

from tests.lab.node import SERIAL, Offer, is_listed, offers, resource_of
from tests.lab.plugin import PluginProcess
from udev_device_plugin.testing.kubelet import Kubelet

PATIENCE = 60.0  # seconds; only a failing test waits that long


class VmNode:
    """A kubelet on a directory, and the plugin that serves these specs."""

    def __init__(self, directory: str, *specs: str) -> None:
        self._directory = directory
        self._socket = f"{directory}-pods/kubelet.sock"
        self._specs = specs
        self._plugin: PluginProcess | None = None
        self.kubelet = Kubelet(directory, pod_resources_socket=self._socket, dial_timeout=PATIENCE)

    async def start(self) -> None:
        """Starts both."""
        await self.kubelet.start()
        await self.start_plugin()

    async def stop(self) -> None:
        """Ends both."""
        await self.stop_plugin()
        await self.kubelet.stop()

    async def start_plugin(self) -> None:
        """Starts the plugin, and waits until it has listed everything."""
        arguments = ["--pod-resources-socket", self._socket]
        self._plugin = PluginProcess.serving(*self._specs, directory=self._directory, arguments=arguments)
        await self._plugin.__aenter__()
        await self.wait_until_listed()

    async def stop_plugin(self) -> None:
        """Kills the plugin; pytest shows what it said with a test that failed."""
        plugin, self._plugin = self._plugin, None
        if plugin is not None:
            await plugin.__aexit__(None, None, None)
            assert plugin.errors == []

    async def wait_until_listed(self) -> None:
        """Waits until each resource is registered, and has sent a list since the kubelet's start."""
        names = [resource_of(spec) for spec in self._specs]
        await self.kubelet.wait_until(lambda seen: all(is_listed(seen, name) for name in names), timeout=PATIENCE)

    def ids(self, resource: str = SERIAL) -> frozenset[str]:
        """All that are listed."""
        return frozenset(device.id for device in self.kubelet.resource(resource).devices)

    def healthy(self, resource: str = SERIAL) -> frozenset[str]:
        """The healthy ones."""
        return frozenset(self.kubelet.resource(resource).healthy)

    async def newcomers(
        self, count: int = 1, *, besides: Iterable[str] = (), resource: str = SERIAL
    ) -> tuple[Offer, ...]:
        """Waits until so many devices are healthy besides these, and nothing but them."""
        besides = frozenset(besides)
        await self.kubelet.wait_until(lambda _: len(self.healthy(resource) - besides) == count, timeout=PATIENCE)
        new = self.healthy(resource) - besides
        return tuple(offer for offer in await self.offers(resource) if offer.id in new)

    async def wait_until_all_is_out(self) -> None:
        """Waits until nothing is healthy any more."""
        resources = [resource_of(spec) for spec in self._specs]
        await self.kubelet.wait_until(lambda _: not any(map(self.healthy, resources)), timeout=PATIENCE)

    async def offer(self, id_: str, resource: str = SERIAL) -> Offer:
        """What a container would get for this device."""
        return next(offer for offer in await self.offers(resource) if offer.id == id_)

    async def offers(self, resource: str = SERIAL) -> tuple[Offer, ...]:
        """What is listed now, by what a container would get."""
        return await offers(self.kubelet, resource)

    async def wait_healthy(self, *ids: str, resource: str = SERIAL) -> None:
        """Waits until all of these are healthy."""
        await self.kubelet.wait_until(lambda _: self.healthy(resource) >= set(ids), timeout=PATIENCE)

    async def wait_unhealthy(self, *ids: str, resource: str = SERIAL) -> None:
        """Waits until all of these are listed, and none is healthy."""
        wanted = set(ids)

        def are_out(_: Kubelet) -> bool:
            return wanted <= self.ids(resource) and not wanted & self.healthy(resource)

        await self.kubelet.wait_until(are_out, timeout=PATIENCE)


def settle() -> None:
    """Waits until udevd has nothing left to do."""
    subprocess.run(["udevadm", "settle", "--timeout=60"], check=True)


def write(path: str, value: str) -> None:
    """Writes an attribute of sysfs."""
    with open(path, "w") as file:
        file.write(value)
