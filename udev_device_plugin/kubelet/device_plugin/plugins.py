"""The plugins of all resources: each is started and stopped without the others. Event loop only."""

import asyncio
from collections.abc import Iterable

from udev_device_plugin.devices.store import DeviceStore
from udev_device_plugin.kubelet.checkpoint import held_ids
from udev_device_plugin.kubelet.device_plugin.registration_turns import RegistrationTurns
from udev_device_plugin.kubelet.device_plugin.resource_plugin import ResourcePlugin
from udev_device_plugin.kubelet.plugin_directory import PluginDirectory
from udev_device_plugin.telemetry.event_log import EventLog
from udev_device_plugin.telemetry.metrics import Metrics


class Plugins:
    """One plugin for each resource, at first for ``resources``.

    Attributes:
        plugins: by resource.
    """

    def __init__(
        self,
        store: DeviceStore,
        directory: PluginDirectory,
        metrics: Metrics,
        event_log: EventLog,
        resources: Iterable[str] = (),
    ) -> None:
        self.plugins: dict[str, ResourcePlugin] = {}
        self._store = store
        self._directory = directory
        self._turns = RegistrationTurns(directory.kubelet_socket, lambda: held_ids(directory.path) or ())
        self._metrics = metrics
        self._event_log = event_log
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        for resource in resources:
            self.add(resource)

    def add(self, resource: str) -> None:
        """Serve a resource as soon as it has a list; one that is served already stays as it is."""
        if resource in self.plugins:
            return
        self.plugins[resource] = ResourcePlugin(
            resource,
            self._store,
            self._directory,
            self._turns,
            metrics=self._metrics,
            event_log=self._event_log,
        )
        if self._group is not None:
            self._start(resource, self._group)

    def remove(self, resource: str) -> None:
        """Stop serving a resource."""
        del self.plugins[resource]
        if (task := self._tasks.get(resource)) is not None:
            task.cancel()

    async def run(self) -> None:
        """Serve all resources until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            for resource in self.plugins:
                self._start(resource, group)
            try:
                await asyncio.Event().wait()  # resources may come when there is none
            finally:
                self._group = None  # a reload goes on for a moment; what it adds now is not served

    def _start(self, resource: str, group: asyncio.TaskGroup) -> None:
        work = self._serve(self.plugins[resource], self._tasks.get(resource))
        task = self._tasks[resource] = group.create_task(work, name=resource)
        task.add_done_callback(lambda done: self._tasks.pop(resource) if self._tasks.get(resource) is done else None)

    async def _serve(self, plugin: ResourcePlugin, former: asyncio.Task[None] | None) -> None:
        if former is not None:  # its server must have stopped before the next one registers
            await asyncio.wait([former])
        await self._store.newer_than(plugin.resource, 0)
        await plugin.run()
