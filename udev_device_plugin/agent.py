"""The hall: builds every part, runs them together, and takes them down in order.

Floor 5; owns the main loop, the signals and the shutdown. A part that cannot go on raises; then everything ends, the
process exits with 1 and whoever started it (a DaemonSet, systemd) starts it anew.
"""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Sequence

from udev_device_plugin import __version__, web
from udev_device_plugin.advertiser import Advertiser, Holdings, Surroundings
from udev_device_plugin.config.settings import Settings
from udev_device_plugin.discovery.boot import udev_is_idle
from udev_device_plugin.discovery.filesystem import FilesystemSource
from udev_device_plugin.discovery.udev import UdevSource
from udev_device_plugin.errors import StartError, UdevDevicePluginError
from udev_device_plugin.history import History
from udev_device_plugin.kubelet.directory import PluginDirectory
from udev_device_plugin.kubelet.endpoint import remove_stale, socket_name
from udev_device_plugin.kubelet.plugin import Plugin
from udev_device_plugin.kubelet.pod_resources import PodResources
from udev_device_plugin.links import OwnLinks
from udev_device_plugin.metrics import Metrics
from udev_device_plugin.overview import Overview, Parts

logger = logging.getLogger(__name__)

LINKS_DIRECTORY = "udev-device-plugin"
"""Where our own links are, below the plugin directory, which the kubelet clears of files but not of directories."""

PODS_ARE_KNOWN_AFTER = 10.0
"""Seconds after which a kubelet that has just started certainly tells of all pods that hold devices."""


def run(settings: Settings) -> int:
    """Run until SIGTERM or SIGINT.

    Returns:
        The exit code: 0 after a signal, 1 if a part broke down for good.

    Raises:
        StartError: something that the program needs is not to be had.
    """
    try:
        asyncio.run(_main(settings))
    except BaseExceptionGroup as group:
        return _judge(group)
    return 0


def _judge(group: BaseExceptionGroup[BaseException]) -> int:
    """What to tell of the errors that ended a run; returns the exit code."""
    known, unknown = group.split(UdevDevicePluginError)
    if unknown is not None:
        logger.critical("internal error", exc_info=unknown)
    if known is not None:
        error = _first(known)
        if isinstance(error, StartError):
            raise error from group
        logger.error("%s", error)
    return 1


def _first(group: BaseExceptionGroup[UdevDevicePluginError]) -> UdevDevicePluginError:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


async def _main(settings: Settings) -> None:
    await Agent(settings).run()


class Agent:
    """All parts of one run, built on the running loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._metrics = Metrics()
        self._history = History()
        globs = {path.glob for spec in settings.resources for group in spec.groups for path in group.paths}
        self._udev = UdevSource(
            lambda names: any(glob.matches(name) for name in names for glob in globs), self._metrics
        )
        self._filesystem = FilesystemSource(globs, self._udev.rescan, self._metrics)
        self._links = OwnLinks(os.path.join(settings.plugin_directory, LINKS_DIRECTORY, ""))
        self._pod_resources = PodResources(settings.pod_resources_socket)
        self._has_told = False
        surroundings = Surroundings(
            look=self._filesystem.look,
            identify=self._udev.identify,
            link=self._links.keep_for,
            held=self._held,
            handed_out=self._handed_out,
            links_directory=self._links.directory,
            history=self._history,
        )
        self._advertiser = Advertiser(settings.resources, surroundings, settings.removal_grace_period)
        self._directory = PluginDirectory(settings.plugin_directory)
        self._plugins = [
            Plugin(board, self._directory, self._metrics, self._history) for board in self._advertiser.boards.values()
        ]
        parts = Parts(
            resources=lambda: [(self._advertiser.boards[plugin.resource], plugin) for plugin in self._plugins],
            has_looked=self._advertiser.has_looked.is_set,
            problems=self._what_is_dead,
        )
        self._overview = Overview(parts, self._history, self._pod_resources)
        self._metrics.read_from(
            lambda: [board.snapshot.devices for board in self._advertiser.boards.values()],
            lambda: [(plugin.resource, plugin.trouble is None) for plugin in self._plugins],
        )

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT."""
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        logger.info(
            "starting",
            extra={"version": __version__, "resources": [plugin.resource for plugin in self._plugins]},
        )
        for warning in self._settings.warnings:
            logger.warning("%s", warning)
        for plugin in self._plugins:
            socket_name(self._settings.plugin_directory, plugin.resource)  # too long a path is known at once
        with self._web():
            remove_stale(self._settings.plugin_directory)
            await self._run_parts(stop)
        logger.info("stopped")

    async def _run_parts(self, stop: asyncio.Event) -> None:
        """Everything that runs, side by side; the kubelet's side goes first when it is time to go."""
        observe = self._advertiser.observe
        async with asyncio.TaskGroup() as group:
            sources = [
                group.create_task(self._advertiser.run(), name="advertiser"),
                group.create_task(self._filesystem.run(observe), name="filesystem"),
                group.create_task(self._udev.run(observe), name="udev"),
                group.create_task(self._rescan(), name="rescan"),
            ]
            serving = group.create_task(self._serve(), name="kubelet")
            await stop.wait()
            logger.info("stopping")
            serving.cancel()
            await asyncio.wait([serving])
            for source in sources:
                source.cancel()

    async def _serve(self) -> None:
        """Serve all resources once the host has been looked at: nothing is registered on a guess."""
        await self._advertiser.has_looked.wait()
        await udev_is_idle()
        self._links.restore()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._directory.run(), name="plugin directory")
            group.create_task(self._greet_kubelets(), name="new kubelets")
            for plugin in self._plugins:
                group.create_task(plugin.run(), name=plugin.resource)

    async def _greet_kubelets(self) -> None:
        """What is owed to each kubelet that answers: it may have cleared our links away, and knows what pods hold."""
        epoch = await self._directory.answering()
        # Once for what pods hold from before us, and once more when a kubelet that has just started knows its pods.
        self._advertiser.ask_for_holders()
        later = asyncio.get_running_loop().call_later(PODS_ARE_KNOWN_AFTER, self._advertiser.ask_for_holders)
        try:
            while True:
                self._links.restore()
                epoch = await self._directory.newer_than(epoch)
        finally:
            later.cancel()

    async def _held(self) -> Holdings | None:
        resources = [plugin.resource for plugin in self._plugins]
        holdings = await self._pod_resources.held(resources)
        if holdings is None:
            # A kubelet that serves it and does not answer now will tell later; where none serves it, nobody ever knows.
            is_served = self._has_told or os.path.exists(self._settings.pod_resources_socket)
            return None if is_served else {}
        self._has_told = True
        return {resource: holdings.ids(resource) for resource in resources}

    def _handed_out(self, resource: str, since: float) -> frozenset[str]:
        return next(plugin for plugin in self._plugins if plugin.resource == resource).handed_out_since(since)

    async def _rescan(self) -> None:
        """The safety net: look at everything anew now and then, for what no source was told of."""
        while interval := self._settings.rescan_interval:
            await asyncio.sleep(interval)
            self._filesystem.rescan()
            self._udev.rescan()
            self._links.restore()

    def _web(self) -> contextlib.AbstractContextManager[None]:
        if self._settings.listen is None:
            return contextlib.nullcontext()
        pages = web.Pages(
            self._metrics.registry,
            alive=self._what_is_dead,
            ready=self._what_is_missing,
            look=self._overview.look,
        )
        return web.serve(self._settings.listen, pages)

    def _what_is_dead(self) -> Sequence[str]:
        return () if self._udev.is_listening else ("udev: the thread that listens is not running",)

    def _what_is_missing(self) -> Sequence[str]:
        if not self._advertiser.has_looked.is_set():
            return ("the first complete look at the host is not done",)
        return [f"{plugin.resource}: {plugin.trouble}" for plugin in self._plugins if plugin.trouble]
