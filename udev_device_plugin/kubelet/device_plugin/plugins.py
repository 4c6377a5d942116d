"""The plugins of all resources: those that come are started, those that go are stopped, nobody else notices.

Floor 4; runs on the main loop.
"""

import asyncio
from collections.abc import Sequence

from udev_device_plugin.devices.store import DeviceStore
from udev_device_plugin.kubelet.device_plugin.resource_plugin import Plugin
from udev_device_plugin.kubelet.plugin_directory import PluginDirectory
from udev_device_plugin.telemetry.event_log import EventLog
from udev_device_plugin.telemetry.metrics import Metrics


class Plugins:
    """One plugin for each resource.

    Args:
        directory: where the kubelet is met.
        metrics: counts what happens.
        history: is told of it.
    """

    def __init__(self, directory: PluginDirectory, metrics: Metrics, event_log: EventLog) -> None:
        self._directory = directory
        self._metrics = metrics
        self._event_log = event_log
        self._stores: dict[str, DeviceStore] = {}
        self._plugins: dict[str, Plugin] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None

    @property
    def plugins(self) -> Sequence[Plugin]:
        """Those of the resources that are offered now."""
        return tuple(self._plugins.values())

    def plugin(self, resource: str) -> Plugin:
        """That of one of them."""
        return self._plugins[resource]

    def add(self, store: DeviceStore) -> None:
        """Serve a resource, from its first device set on; one that is served already is not touched."""
        plugin = Plugin(store, self._directory, self._metrics, self._event_log)
        if plugin.resource in self._plugins:
            return
        self._stores[plugin.resource] = store
        self._plugins[plugin.resource] = plugin
        if self._group is not None:
            self._start(plugin.resource, self._group)

    def remove(self, resource: str) -> None:
        """Serve a resource no more."""
        del self._stores[resource], self._plugins[resource]
        if (task := self._tasks.get(resource)) is not None:
            task.cancel()

    async def run(self) -> None:
        """Serve until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            for resource in self._plugins:
                self._start(resource, group)
            await asyncio.Event().wait()  # there may be none at times, and more later

    def _start(self, resource: str, group: asyncio.TaskGroup) -> None:
        work = self._serve(self._stores[resource], self._plugins[resource], self._tasks.get(resource))
        task = self._tasks[resource] = group.create_task(work, name=resource)
        task.add_done_callback(lambda done: self._tasks.pop(resource) if self._tasks.get(resource) is done else None)

    @staticmethod
    async def _serve(store: DeviceStore, plugin: Plugin, former: asyncio.Task[None] | None) -> None:
        if former is not None:  # its server must have stopped before the next one registers
            await asyncio.wait([former])
        await store.newer_than(0)
        await plugin.run()
