"""The life of one resource's plugin: meet the kubelet, serve, register, and all over again when that ends.

Event loop only. Two rules keep the kubelet's view right. The old server is fully stopped before the next
one registers: an old stream that ends later would disconnect whoever holds the resource's name by then. And whenever a
stream ends that we did not end, we register again: the kubelet never reconnects.
"""

import asyncio
import logging
import os
import time

from udev_device_plugin.devices.store import DeviceStore
from udev_device_plugin.kubelet.device_plugin.allocated_paths import AllocatedPaths
from udev_device_plugin.kubelet.device_plugin.registration import Registration
from udev_device_plugin.kubelet.device_plugin.server import serve, socket_name
from udev_device_plugin.kubelet.device_plugin.servicer import Servicer
from udev_device_plugin.kubelet.device_plugin.session import RegistrationSession
from udev_device_plugin.kubelet.plugin_directory import PluginDirectory
from udev_device_plugin.telemetry.event_log import EventKind, EventLog
from udev_device_plugin.telemetry.metrics import Metrics

logger = logging.getLogger(__name__)

STREAM_TIMEOUT = 10.0
"""Seconds within which a kubelet that accepted a registration opens the stream."""

SHORT_LIFE = 10.0
"""Seconds: registrations that keep ending sooner are spaced out."""

_FIRST_WAIT = 0.05
_LONGEST_WAIT = 2.0
"""Seconds between registrations that keep ending soon."""


class Plugin:
    """Serves one resource, for ever.

    Args:
        resource: which.
        store: its list is there.
        directory: where the kubelet is met.
        metrics: counts what happens.
        event_log: is told of it.
    """

    def __init__(
        self, resource: str, store: DeviceStore, directory: PluginDirectory, metrics: Metrics, event_log: EventLog
    ) -> None:
        self.resource = resource
        self._store = store
        self._directory = directory
        self._metrics = metrics
        self._event_log = event_log
        self._allocated_paths = AllocatedPaths()
        self._life: RegistrationSession | None = None
        self._last_reason = ""

    @property
    def trouble(self) -> str | None:
        """Why the kubelet does not listen to this resource now; None if it does."""
        if self._life is None:
            return "no kubelet answers"
        return None if self._life.is_connected else "not registered, or the kubelet has not opened the stream"

    def handed_out_since(self, moment: float) -> frozenset[str]:
        """The IDs that the kubelet was given devices for at ``moment`` or later, monotonic seconds."""
        return self._allocated_paths.since(moment)

    async def run(self) -> None:
        """Serve until cancelled."""
        now = asyncio.get_running_loop().time
        short_lives = 0
        while True:
            epoch, begun = await self._directory.answering(), now()
            try:
                reason = await self._live()
            except OSError as error:
                reason = str(error)
            finally:
                self._life = None
            if self._directory.epoch != epoch or now() - begun > SHORT_LIFE:
                short_lives = 0
            self._report(reason)
            self._directory.doubt()
            await self._directory.pause(_back_off(short_lives), epoch)
            short_lives += 1

    def _report(self, reason: str) -> None:
        """Count and say that a registration ended; one that keeps failing for the same reason is said once."""
        self._metrics.restarts.labels(self.resource).inc()
        level = logging.DEBUG if reason == self._last_reason else logging.WARNING
        logger.log(level, "re-registering: %s", reason, extra={"resource": self.resource})
        self._event_log.note(self.resource, time.monotonic(), EventKind.SERVING_ENDED, text=reason)
        self._last_reason = reason

    async def _live(self) -> str:
        """One registration; returns why it ended."""
        life = self._life = RegistrationSession()
        name = socket_name(self._directory.path, self.resource)
        path = os.path.join(self._directory.path, name)
        servicer = Servicer(
            self.resource, self._store, life, self._allocated_paths, metrics=self._metrics, event_log=self._event_log
        )
        async with serve(servicer, path):
            try:
                with self._directory.attended(life, path):
                    registration = Registration(
                        self._directory.kubelet_socket, name, self.resource, self._metrics, self._event_log
                    )
                    await registration.register(life)
                    await self._expect_stream(life)
                    return await life.ended()
            finally:
                life.end("the plugin stops")  # streams end by themselves then, before the server is stopped

    async def _expect_stream(self, life: RegistrationSession) -> None:
        try:
            async with asyncio.timeout(STREAM_TIMEOUT):
                await life.until_over(life.opened.wait())
        except TimeoutError:
            life.end(f"the kubelet accepted the registration, but opened no stream within {STREAM_TIMEOUT:g} s")


def _back_off(short_lives: int) -> float:
    """Seconds to wait after so many short registrations in a row; after the first none."""
    return min(_LONGEST_WAIT, _FIRST_WAIT * 2**short_lives) if short_lives else 0.0
