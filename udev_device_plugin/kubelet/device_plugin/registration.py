"""Announces a resource to the kubelet, again and again until it is accepted.

Event loop only. A refusal is never final: kubelets are configured and restarted while we run. The
kubelet's own words are logged once for each reason.
"""

import logging
import time

import grpc
from tenacity import AsyncRetrying, RetryError, retry_if_exception_type, wait_exponential

from udev_device_plugin.errors import RegistrationError
from udev_device_plugin.kubelet.api.v1beta1 import api_pb2_grpc
from udev_device_plugin.kubelet.channel import open_channel
from udev_device_plugin.kubelet.device_plugin import messages
from udev_device_plugin.kubelet.device_plugin.session import RegistrationSession
from udev_device_plugin.telemetry.event_log import EventKind, EventLog
from udev_device_plugin.telemetry.metrics import Metrics

logger = logging.getLogger(__name__)

CALL_TIMEOUT = 15.0
"""Seconds: a kubelet gives an endpoint 10 s to answer before it refuses the registration."""

_FIRST_WAIT = 0.1
_LONGEST_WAIT = 30.0
"""Seconds between two attempts with a kubelet that refuses."""


class Registration:
    """The announcement of one resource, on one endpoint.

    Args:
        kubelet_socket: path of the kubelet's socket.
        endpoint: file name of ours.
        resource: what is served there.
        metrics: counts attempts.
        event_log: is told of them.
    """

    def __init__(
        self, kubelet_socket: str, endpoint: str, resource: str, metrics: Metrics, event_log: EventLog
    ) -> None:
        self._kubelet_socket = kubelet_socket
        self._endpoint = endpoint
        self._resource = resource
        self._metrics = metrics
        self._event_log = event_log
        self._last_refusal = ""

    async def register(self, life: RegistrationSession) -> None:
        """Have the kubelet accept it; returns early when ``life`` is over.

        A kubelet that does not answer ends ``life``: whoever watches the directory knows when there is one again.
        """
        try:
            async for attempt in AsyncRetrying(
                wait=wait_exponential(_FIRST_WAIT, max=_LONGEST_WAIT),
                retry=retry_if_exception_type(RegistrationError),
                stop=lambda _: life.is_over,
                sleep=life.sleep,
            ):
                with attempt:
                    await life.until_over(self._attempt(life))
        except RetryError:
            return

    async def _attempt(self, life: RegistrationSession) -> None:
        try:
            async with open_channel(self._kubelet_socket) as channel:
                stub = api_pb2_grpc.RegistrationStub(channel)
                await stub.Register(messages.register_request(self._endpoint, self._resource), timeout=CALL_TIMEOUT)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.UNAVAILABLE:
                self._count("unreachable")
                life.end("the kubelet does not answer")
                return
            self._count("refused")
            self._warn(error.details() or error.code().name)
            raise RegistrationError(self._last_refusal) from error
        self._count("accepted")
        self._event_log.note(self._resource, time.monotonic(), EventKind.REGISTERED)
        logger.info("registered with the kubelet", extra={"resource": self._resource, "endpoint": self._endpoint})

    def _count(self, result: str) -> None:
        self._metrics.registrations.labels(self._resource, result).inc()

    def _warn(self, refusal: str) -> None:
        self._event_log.note(self._resource, time.monotonic(), EventKind.REGISTRATION_REFUSED, text=refusal)
        if refusal != self._last_refusal:
            logger.warning(
                "the kubelet refused the registration: %s; trying again",
                refusal,
                extra={"resource": self._resource},
            )
        self._last_refusal = refusal
