"""Creates all components, runs them in one TaskGroup, shuts them down in order.

Event loop only. A component that cannot continue raises; then everything ends.
"""

import asyncio
import contextlib
import gc
import logging
import os
import signal
from collections.abc import Callable

from udev_device_plugin import __version__
from udev_device_plugin.app.config_watch import watch_config
from udev_device_plugin.app.health import Health
from udev_device_plugin.app.reload import Configuration
from udev_device_plugin.app.requests import Requests
from udev_device_plugin.config.settings import Settings
from udev_device_plugin.controller.controller import Controller
from udev_device_plugin.controller.dependencies import Dependencies, HeldIds
from udev_device_plugin.controller.identity_record import IdentityRecord
from udev_device_plugin.controller.own_links import OwnLinks
from udev_device_plugin.devices.retention import PODS_ARE_KNOWN_AFTER
from udev_device_plugin.host.boot import udev_is_idle
from udev_device_plugin.host.observer import HostObserver
from udev_device_plugin.kubelet.checkpoint import held_ids
from udev_device_plugin.kubelet.device_plugin.plugins import Plugins
from udev_device_plugin.kubelet.device_plugin.server import remove_stale, socket_name
from udev_device_plugin.kubelet.plugin_directory import PluginDirectory
from udev_device_plugin.kubelet.pod_resources import PodResources
from udev_device_plugin.reporting.http.collect import StatusCollector
from udev_device_plugin.reporting.http.metrics_page import MetricsPage
from udev_device_plugin.reporting.http.routes import Routes
from udev_device_plugin.reporting.http.server import serve
from udev_device_plugin.reporting.http.status_pages import StatusPages
from udev_device_plugin.telemetry.event_log import EventKind, EventLog
from udev_device_plugin.telemetry.metrics import Metrics

logger = logging.getLogger(__name__)


class Agent:
    """All components of one run, created on the running loop."""

    def __init__(self, settings: Settings, load: Callable[[], Settings]) -> None:
        self._metrics = Metrics()
        self._event_log = EventLog()
        self._configuration = Configuration(settings, load, self._apply, self._metrics)
        self._directory = PluginDirectory(settings.plugin_directory)
        own_directory = self._directory.own
        self._links = OwnLinks(own_directory)
        self._identity_record = IdentityRecord(own_directory)
        self._pod_resources = PodResources(settings.pod_resources_socket)
        dependencies = Dependencies(
            link=self._links.keep_for,
            held=self._held,
            forget_unheld=self._identity_record.forget_unheld,
            handed_out=self._handed_out,
            links_directory=own_directory.path,
            look_for=lambda interest: self._host.reconfigure(interest),  # noqa: PLW0108 - it is made later
            noted=lambda: held_ids(settings.plugin_directory),
            former=self._identity_record.former,
            recall=self._identity_record.recall_all,
            keep=self._identity_record.keep,
            event_log=self._event_log,
        )
        self._controller = Controller(settings.resources, dependencies, settings.removal_grace_period)
        self._host = HostObserver(self._controller.interest, self._metrics, self._controller.offered_nodes)
        store = self._store = self._controller.store
        self._plugins = Plugins(store, self._directory, self._metrics, self._event_log, store.snapshots)
        self._health = Health(self._host, self._controller, self._plugins, self._configuration)
        self._reload_requests = Requests(self._reload, "configuration not reloaded yet")
        self._reloaded = asyncio.Event()
        self._started = asyncio.get_running_loop().time()
        self._metrics.read_from(
            lambda: [
                (one.devices.resource, one.devices.count, one.devices.healthy_count, one.devices.left_out)
                for one in store.snapshots.values()
            ],
            lambda: [(plugin.resource, plugin.trouble is None) for plugin in self._plugins.plugins.values()],
        )

    @property
    def _settings(self) -> Settings:
        return self._configuration.settings

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT."""
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._reload_requests.request)
        logger.info("starting", extra={"version": __version__, "resources": list(self._plugins.plugins)})
        for warning in self._settings.warnings:
            logger.warning("%s", warning)
        for spec in self._settings.resources:
            socket_name(self._settings.plugin_directory, spec.resource)  # raises if the path is too long
        gc.collect()
        gc.freeze()  # these objects stay: the collector need not examine them again
        gc.collect()  # counts what is left: the collector then runs often enough to free what holds a closed connection
        with contextlib.closing(self._directory.own):
            async with self._http():
                remove_stale(self._directory.own)
                await self._run_components(stop)
        logger.info("stopped")

    async def _run_components(self, stop: asyncio.Event) -> None:
        """Run all components until ``stop`` is set; then stop the kubelet's side first."""
        async with asyncio.TaskGroup() as group:
            sources = [
                group.create_task(self._controller.run(), name="controller"),
                group.create_task(self._host.run(self._controller.observe), name="host"),
                group.create_task(self._rescan(), name="rescan"),
                group.create_task(self._reload_requests.run(), name="reload"),
                group.create_task(self._watch_config(), name="configuration file"),
            ]
            serving = group.create_task(self._serve(), name="kubelet")
            await stop.wait()
            logger.info("stopping")
            serving.cancel()
            await asyncio.wait([serving])
            for source in sources:
                source.cancel()

    async def _serve(self) -> None:
        """Serve all resources. Nothing is registered before the first complete look at the host."""
        await self._controller.has_looked.wait()
        await udev_is_idle()
        self._restore()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._directory.run(), name="plugin directory")
            group.create_task(self._follow_kubelets(), name="new kubelets")
            group.create_task(self._follow_sockets(), name="sockets made again")
            group.create_task(self._plugins.run(), name="plugins")

    async def _follow_kubelets(self) -> None:
        """For each kubelet that starts, restore what it may have removed; ask the first one which devices pods hold."""
        epoch = await self._directory.answering()
        self._ask_for_holders()  # of devices that pods hold since before our start
        while True:
            self._restore()
            epoch = await self._directory.newer_than(epoch)

    async def _follow_sockets(self) -> None:
        """Restore our files when a socket had to be made again: the directory was removed, or could not be used."""
        while True:
            await self._directory.own.made_again.wait()
            self._directory.own.made_again.clear()
            self._restore()

    def _ask_for_holders(self) -> None:
        """Ask now, and again when a kubelet that has just started knows its pods."""
        self._controller.ask_for_holders()
        asyncio.get_running_loop().call_later(PODS_ARE_KNOWN_AFTER, self._controller.ask_for_holders)

    async def _held(self) -> HeldIds | None:
        """Return the IDs that pods hold, also of resources that are not offered any more (`Dependencies.held`)."""
        offered = self._plugins.plugins
        held = await self._pod_resources.held({*offered, *self._identity_record.former(offered)})
        return {} if held is None and not self._pod_resources.is_served else held

    def _handed_out(self, resource: str, since: float) -> frozenset[str]:
        """Return the IDs of a resource that were allocated since then; none of one that is not offered any more."""
        plugin = self._plugins.plugins.get(resource)
        return frozenset() if plugin is None else plugin.handed_out_since(since)

    def _restore(self) -> None:
        """Restore our files in the plugin directory: a kubelet that starts removes them."""
        self._links.restore()
        self._identity_record.restore()

    async def _rescan(self) -> None:
        """Look at the whole host periodically, for changes without an event."""
        while True:
            self._reloaded.clear()
            try:
                async with asyncio.timeout(self._settings.rescan_interval or None):
                    await self._reloaded.wait()
            except TimeoutError:
                self._host.look_at_everything()
                self._restore()

    async def _reload(self) -> None:
        """Reload the configuration and apply the differences; raises StartError if that cannot be done now."""
        is_new = await self._configuration.reload()
        kind = EventKind.RELOADED if is_new else EventKind.RELOAD_REFUSED
        self._event_log.note("", asyncio.get_running_loop().time(), kind, text="; ".join(self._configuration.faults))
        if is_new:
            self._reloaded.set()

    def _apply(self, settings: Settings) -> None:
        """Pass the configured resources to all components; raises StartError before anything has changed."""
        self._controller.configure(settings.resources, settings.removal_grace_period)
        removed = self._plugins.plugins.keys() - self._store.snapshots.keys()
        for resource in removed:
            self._plugins.remove(resource)
        if removed:
            self._ask_for_holders()
        for resource in self._store.snapshots:
            self._plugins.add(resource)

    async def _watch_config(self) -> None:
        """Reload when the configuration file changes."""
        settings = self._settings
        if settings.config_file is not None:
            path = os.path.abspath(settings.config_file)
            await watch_config(path, settings.config_content, self._reload_requests.request)

    def _http(self) -> contextlib.AbstractAsyncContextManager[None]:
        if self._settings.listen is None:
            return contextlib.nullcontext()
        status = StatusCollector(
            resources=lambda: [
                (self._store.snapshot(spec.resource).devices, self._plugins.plugins[spec.resource])
                for spec in self._settings.resources
            ],
            has_looked=self._controller.has_looked.is_set,
            problems=lambda: [*self._health.alive(), *self._health.notes()],
            event_log=self._event_log,
            pod_resources=self._pod_resources,
            started=self._started,
        )
        routes = Routes(
            MetricsPage(self._metrics.registry),
            StatusPages(status),
            alive=self._health.alive,
            ready=self._health.ready,
            notes=self._health.notes,
            access=self._settings.status,
        )
        return serve(self._settings.listen, routes.answer, self._metrics.http_dropped)
