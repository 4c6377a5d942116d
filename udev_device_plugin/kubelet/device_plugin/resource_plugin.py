"""Serves one resource: waits for the kubelet, registers, and registers again when the registration ends.

Event loop only. The old stream has ended before the next registration: when it ends later, the kubelet disconnects the
plugin that has the resource's name then. And when a stream ends, the plugin has to register again: the kubelet never
reconnects. The server stays, unless its socket has been removed. A refusal is never final: the kubelet may be
configured otherwise and restarted.
"""

import asyncio
import logging
import operator
import os
import time

import grpc
from tenacity import AsyncRetrying, retry_if_result, wait_exponential

from udev_device_plugin.devices.device import DeviceSet
from udev_device_plugin.devices.store import DeviceStore
from udev_device_plugin.filesystem.own_directory import UnusableDirectoryError
from udev_device_plugin.kubelet.api.v1beta1 import api_pb2_grpc
from udev_device_plugin.kubelet.device_plugin import messages
from udev_device_plugin.kubelet.device_plugin.registration_session import RegistrationSession
from udev_device_plugin.kubelet.device_plugin.registration_turns import RegistrationTurns
from udev_device_plugin.kubelet.device_plugin.server import GRACE, ResourceServer
from udev_device_plugin.kubelet.device_plugin.servicer import Servicer
from udev_device_plugin.kubelet.plugin_directory import PluginDirectory
from udev_device_plugin.telemetry.event_log import EventKind, EventLog
from udev_device_plugin.telemetry.metrics import Metrics

logger = logging.getLogger(__name__)

CALL_TIMEOUT = 15.0
"""Seconds: the kubelet waits 10 s for the endpoint to answer before it refuses the registration."""

STREAM_TIMEOUT = 10.0
"""Seconds within which a kubelet that accepted a registration opens the stream."""

_FIRST_ATTEMPT_WAIT, _LONGEST_ATTEMPT_WAIT = 0.1, 30.0
"""Seconds between attempts with a kubelet that refuses."""

SHORT_SESSION = 10.0
"""Seconds: between registrations that end sooner than that, there are pauses."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0
"""Seconds of the first and the longest of these pauses."""


class ResourcePlugin:
    """The device plugin of one resource, whose list is in ``store``."""

    def __init__(
        self,
        resource: str,
        store: DeviceStore,
        directory: PluginDirectory,
        turns: RegistrationTurns,
        *,
        metrics: Metrics,
        event_log: EventLog,
    ) -> None:
        self.resource = resource
        self._directory = directory
        self._turns = turns
        self._metrics = metrics
        self._event_log = event_log
        self._servicer = Servicer(resource, store, metrics, event_log)
        self._server = ResourceServer(directory.own, resource, self._servicer)
        self._last_reason = ""
        self._obstacle = ""  # why it could not be served at the last attempt

    @property
    def trouble(self) -> str | None:
        """Why the kubelet has no stream of this resource open now; None if it has."""
        session = self._servicer.session
        if session is None:
            return self._obstacle or self._directory.trouble
        if session.is_connected:
            return None
        if session.refusal:
            return f"the kubelet refuses the registration: {session.refusal}"
        return "not registered, or the kubelet has not opened the stream"

    @property
    def sent(self) -> tuple[float, DeviceSet] | None:
        """The list last sent to the kubelet, and when, monotonic seconds; None: nothing yet."""
        return self._servicer.sent

    def handed_out_since(self, moment: float) -> frozenset[str]:
        """Return the IDs that were allocated at ``moment`` or later, monotonic seconds."""
        return self._servicer.allocated_paths.since(moment)

    async def run(self) -> None:
        """Serve until cancelled."""
        self._turns.add(self.resource)
        try:
            if os.path.isdir(self._directory.path):  # then a kubelet's start needs a registration only
                try:
                    await self._server.ensure()
                except OSError as error:
                    self._obstacle = _shown(error)
            await self._keep_registered()
        finally:
            self._turns.discard(self.resource)
            await self._server.stop()

    async def _keep_registered(self) -> None:
        now = asyncio.get_running_loop().time
        short_sessions, former_epoch = 0, 0
        while True:
            epoch, begun = await self._directory.answering(), now()
            if epoch != former_epoch:
                short_sessions, former_epoch = 0, epoch
            is_known = False
            try:
                await self._server.ensure()
                self._obstacle = ""
                reason = await self._register(epoch)
            except OSError as error:
                self._obstacle = reason = _shown(error)
                is_known = isinstance(error, UnusableDirectoryError)
            finally:
                self._turns.give_up(self.resource)
            if now() - begun > SHORT_SESSION:
                short_sessions = 0
            self._report(reason, is_known=is_known)
            self._directory.check()
            await self._directory.pause(_back_off(short_sessions), epoch)
            short_sessions += 1

    def _report(self, reason: str, *, is_known: bool) -> None:
        """Log the end of a registration; it is no warning if its reason is known, or the last one's."""
        level = logging.DEBUG if is_known or reason == self._last_reason else logging.WARNING
        logger.log(level, "re-registering: %s", reason, extra={"resource": self.resource})
        self._event_log.note(self.resource, time.monotonic(), EventKind.SERVING_ENDED, text=reason)
        self._last_reason = reason

    async def _register(self, epoch: int) -> str:
        """Register with the kubelet of ``epoch``; return why the registration ended."""
        session = self._servicer.session = RegistrationSession()
        try:
            with self._directory.watching(session, self._server.path):
                async with asyncio.TaskGroup() as group:
                    connecting = group.create_task(self._connect(session, epoch))
                    reason = await session.ended()
                    connecting.cancel()
            if session.opened.is_set():  # not each attempt that came to nothing
                self._metrics.restarts.labels(self.resource).inc()
            return reason
        finally:
            self._servicer.session = None
            session.end("the plugin stops")  # lets the stream end by itself
            await self._until_closed(session)

    async def _connect(self, session: RegistrationSession, epoch: int) -> None:
        """Try to register until the kubelet accepts it, and expect its stream then."""
        wait = wait_exponential(_FIRST_ATTEMPT_WAIT, max=_LONGEST_ATTEMPT_WAIT)
        await AsyncRetrying(wait=wait, retry=retry_if_result(operator.not_))(self._is_accepted, session, epoch)
        try:
            async with asyncio.timeout(STREAM_TIMEOUT):
                await session.opened.wait()
        except TimeoutError:
            session.end(f"the kubelet accepted the registration, but opened no stream within {STREAM_TIMEOUT:g} s")

    async def _is_accepted(self, session: RegistrationSession, epoch: int) -> bool:
        """Try once. A kubelet that does not answer ends the session: the plugin directory waits for one that does."""
        request = messages.register_request(self._server.endpoint, self.resource)
        try:
            async with self._turns.turn(self.resource, epoch) as channel:
                await api_pb2_grpc.RegistrationStub(channel).Register(request, timeout=CALL_TIMEOUT)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.UNAVAILABLE:
                self._count_attempt("unreachable")
                session.end("the kubelet does not answer")
            else:
                self._note_refusal(error.details() or error.code().name, session)
            return False
        session.refusal = ""
        self._count_attempt("accepted")
        self._event_log.note(self.resource, time.monotonic(), EventKind.REGISTERED)
        extra = {"resource": self.resource, "endpoint": self._server.endpoint}
        logger.info("registered with the kubelet", extra=extra)
        return True

    def _note_refusal(self, refusal: str, session: RegistrationSession) -> None:
        """Count it; its text is logged when it differs from that of the one before."""
        self._count_attempt("refused")
        self._event_log.note(self.resource, time.monotonic(), EventKind.REGISTRATION_REFUSED, text=refusal)
        if refusal != session.refusal:
            text = "the kubelet refused the registration: %s; trying again"
            logger.warning(text, refusal, extra={"resource": self.resource})
        session.refusal = refusal

    def _count_attempt(self, result: str) -> None:
        self._metrics.registrations.labels(self.resource, result).inc()

    async def _until_closed(self, session: RegistrationSession) -> None:
        try:
            async with asyncio.timeout(GRACE):
                await session.closed()
        except TimeoutError:  # the kubelet does not read: the stream ends with its server
            await self._server.stop()


def _shown(error: OSError) -> str:
    return f"{error.filename}: {error.strerror}" if error.filename else str(error)


def _back_off(short_sessions: int) -> float:
    """Seconds to wait after a registration that ``short_sessions`` short ones came before."""
    return min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**short_sessions) if short_sessions else 0.0
