"""Serves one resource: waits for the kubelet, serves, registers, and begins again when the registration ends.

Event loop only. The old server is fully stopped before the next one registers: when an old stream ends, the kubelet
disconnects the plugin that has the resource's name then. And when a stream ends, the plugin has to register again: the
kubelet never reconnects.
"""

import asyncio
import logging
import os
import time

from udev_device_plugin.devices.store import DeviceStore
from udev_device_plugin.kubelet.device_plugin.allocated_paths import AllocatedPaths
from udev_device_plugin.kubelet.device_plugin.registration import Registration
from udev_device_plugin.kubelet.device_plugin.registration_session import RegistrationSession
from udev_device_plugin.kubelet.device_plugin.server import serve, socket_name
from udev_device_plugin.kubelet.device_plugin.servicer import Servicer
from udev_device_plugin.kubelet.plugin_directory import PluginDirectory
from udev_device_plugin.telemetry.event_log import EventKind, EventLog
from udev_device_plugin.telemetry.metrics import Metrics

logger = logging.getLogger(__name__)

STREAM_TIMEOUT = 10.0
"""Seconds within which a kubelet that accepted a registration opens the stream."""

SHORT_SESSION = 10.0
"""Seconds: between registrations that end sooner than that, there are pauses."""

_FIRST_WAIT = 0.05
_LONGEST_WAIT = 2.0
"""Seconds of the first and the longest of these pauses."""


class ResourcePlugin:
    """The device plugin of one resource, whose list is in ``store``."""

    def __init__(
        self, resource: str, store: DeviceStore, directory: PluginDirectory, metrics: Metrics, event_log: EventLog
    ) -> None:
        self.resource = resource
        self._store = store
        self._directory = directory
        self._metrics = metrics
        self._event_log = event_log
        self._allocated_paths = AllocatedPaths()
        self._session: RegistrationSession | None = None
        self._last_reason = ""

    @property
    def trouble(self) -> str | None:
        """Why the kubelet has no stream of this resource open now; None if it has."""
        if self._session is None:
            return "no kubelet answers"
        return None if self._session.is_connected else "not registered, or the kubelet has not opened the stream"

    def handed_out_since(self, moment: float) -> frozenset[str]:
        """Return the IDs that were allocated at ``moment`` or later, monotonic seconds."""
        return self._allocated_paths.since(moment)

    async def run(self) -> None:
        """Serve until cancelled."""
        now = asyncio.get_running_loop().time
        short_sessions = 0
        while True:
            epoch, begun = await self._directory.answering(), now()
            try:
                reason = await self._serve()
            except OSError as error:
                reason = str(error)
            finally:
                self._session = None
            if self._directory.epoch != epoch or now() - begun > SHORT_SESSION:
                short_sessions = 0
            self._report(reason)
            self._directory.check()
            await self._directory.pause(_back_off(short_sessions), epoch)
            short_sessions += 1

    def _report(self, reason: str) -> None:
        """Count and log the end of a registration; one for the same reason as the last one is no warning."""
        self._metrics.restarts.labels(self.resource).inc()
        level = logging.DEBUG if reason == self._last_reason else logging.WARNING
        logger.log(level, "re-registering: %s", reason, extra={"resource": self.resource})
        self._event_log.note(self.resource, time.monotonic(), EventKind.SERVING_ENDED, text=reason)
        self._last_reason = reason

    async def _serve(self) -> str:
        """Serve and register once; return why that ended."""
        session = self._session = RegistrationSession()
        name = socket_name(self._directory.path, self.resource)
        path = os.path.join(self._directory.path, name)
        servicer = Servicer(
            self.resource, self._store, session, self._allocated_paths, metrics=self._metrics, event_log=self._event_log
        )
        async with serve(servicer, path):
            try:
                with self._directory.watching(session, path):
                    registration = Registration(
                        self._directory.kubelet_socket, name, self.resource, self._metrics, self._event_log
                    )
                    await registration.register(session)
                    await self._expect_stream(session)
                    return await session.ended()
            finally:
                session.end("the plugin stops")  # lets the streams end by themselves before the server is stopped

    async def _expect_stream(self, session: RegistrationSession) -> None:
        try:
            async with asyncio.timeout(STREAM_TIMEOUT):
                await session.until_over(session.opened.wait())
        except TimeoutError:
            session.end(f"the kubelet accepted the registration, but opened no stream within {STREAM_TIMEOUT:g} s")


def _back_off(short_sessions: int) -> float:
    """Seconds to wait after a registration that ``short_sessions`` short ones came before."""
    return min(_LONGEST_WAIT, _FIRST_WAIT * 2**short_sessions) if short_sessions else 0.0
