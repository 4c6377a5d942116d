"""Registers a resource with the kubelet, again and again until that accepts it.

Event loop only. A refusal is never final: the kubelet may be configured otherwise and restarted. The text of a refusal
is logged when it differs from the one before.
"""

import logging
import time

import grpc
from tenacity import AsyncRetrying, RetryError, retry_if_exception_type, wait_exponential

from udev_device_plugin.errors import RegistrationError
from udev_device_plugin.kubelet.api.v1beta1 import api_pb2_grpc
from udev_device_plugin.kubelet.device_plugin import messages
from udev_device_plugin.kubelet.device_plugin.registration_session import RegistrationSession
from udev_device_plugin.kubelet.device_plugin.registration_turns import RegistrationTurns
from udev_device_plugin.telemetry.event_log import EventKind, EventLog
from udev_device_plugin.telemetry.metrics import Metrics

logger = logging.getLogger(__name__)

CALL_TIMEOUT = 15.0
"""Seconds: the kubelet waits 10 s for the endpoint to answer before it refuses the registration."""

_FIRST_WAIT = 0.1
_LONGEST_WAIT = 30.0
"""Seconds between attempts with a kubelet that refuses."""


class Registration:
    """The registration of ``resource`` with the kubelet of ``epoch``.

    It is served on ``endpoint``, the path of a socket below the plugin directory.
    """

    def __init__(
        self,
        turns: RegistrationTurns,
        epoch: int,
        endpoint: str,
        resource: str,
        *,
        metrics: Metrics,
        event_log: EventLog,
    ) -> None:
        self._turns = turns
        self._epoch = epoch
        self._endpoint = endpoint
        self._resource = resource
        self._metrics = metrics
        self._event_log = event_log

    async def register(self, session: RegistrationSession) -> None:
        """Try until the kubelet has accepted it or the session is over.

        A kubelet that does not answer ends the session: the plugin directory waits for one that does.
        """
        try:
            async for attempt in AsyncRetrying(
                wait=wait_exponential(_FIRST_WAIT, max=_LONGEST_WAIT),
                retry=retry_if_exception_type(RegistrationError),
                stop=lambda _: session.is_over,
                sleep=session.sleep,
            ):
                with attempt:
                    await session.until_over(self._attempt(session))
        except RetryError:
            return

    async def _attempt(self, session: RegistrationSession) -> None:
        try:
            async with self._turns.turn(self._resource, self._epoch) as channel:
                stub = api_pb2_grpc.RegistrationStub(channel)
                await stub.Register(messages.register_request(self._endpoint, self._resource), timeout=CALL_TIMEOUT)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.UNAVAILABLE:
                self._count("unreachable")
                session.end("the kubelet does not answer")
                return
            refusal = error.details() or error.code().name
            self._count("refused")
            self._note_refusal(refusal, session)
            raise RegistrationError(refusal) from error
        session.refusal = ""
        self._count("accepted")
        self._event_log.note(self._resource, time.monotonic(), EventKind.REGISTERED)
        logger.info("registered with the kubelet", extra={"resource": self._resource, "endpoint": self._endpoint})

    def _count(self, result: str) -> None:
        self._metrics.registrations.labels(self._resource, result).inc()

    def _note_refusal(self, refusal: str, session: RegistrationSession) -> None:
        self._event_log.note(self._resource, time.monotonic(), EventKind.REGISTRATION_REFUSED, text=refusal)
        if refusal != session.refusal:
            text = "the kubelet refused the registration: %s; trying again"
            logger.warning(text, refusal, extra={"resource": self._resource})
        session.refusal = refusal
