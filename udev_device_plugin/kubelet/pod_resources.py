"""Asks the kubelet's PodResources API which pods hold which devices.

Event loop only. It asks when it is called: nothing polls the kubelet. Callers do without an answer, so nothing raises.
The answer is about all resources of the node: only those that were asked for are taken out of it, and gRPC's limit of
4 MiB bounds the rest.
"""

import logging
import os
from collections.abc import Iterable, Mapping

import grpc
from tenacity import retry, retry_if_exception, stop_after_attempt, stop_before_delay, wait_exponential

from udev_device_plugin.devices.device import Holder
from udev_device_plugin.kubelet.api.podresources.v1 import api_pb2, api_pb2_grpc
from udev_device_plugin.kubelet.channel import open_channel

logger = logging.getLogger(__name__)

CALL_TIMEOUT = 2.0
"""Seconds for one call."""

ATTEMPTS = 5
_FIRST_WAIT = 0.05
_LAST_START = 1.0
"""Seconds after which no attempt begins: all attempts take this and one call's time at most."""

_TRANSIENT = {
    grpc.StatusCode.RESOURCE_EXHAUSTED,  # the kubelet's rate limit: 100 calls a second, of all clients together
    grpc.StatusCode.UNAVAILABLE,  # a kubelet that restarts
}


def _is_transient(error: BaseException) -> bool:
    return isinstance(error, grpc.aio.AioRpcError) and error.code() in _TRANSIENT


class PodResources:
    """The API on the unix socket ``socket``, which need not exist."""

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._is_failing = False  # as the log has it
        self._has_answered = False

    @property
    def is_served(self) -> bool:
        """Whether a kubelet serves it, though it may not answer now."""
        return self._has_answered or os.path.exists(self._socket)

    async def held(self, resources: Iterable[str]) -> Mapping[str, Mapping[str, Holder]] | None:
        """Return each resource's holders by held ID; None if there is no answer now. Takes 3 s at most."""
        # Without a socket, no attempts: a kubelet that has ever run leaves it behind, where it can be seen.
        if not os.path.exists(self._socket):
            self._note_failure("is not there", logging.INFO)
            return None
        try:
            response = await self._list()
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
                self._note_failure(f"does not answer within {CALL_TIMEOUT:g} s")
            else:
                self._note_failure(f"does not answer: {error.details() or error.code().name}")
            return None
        if response is None:
            self._note_failure("answers something else")
            return None
        if self._is_failing:
            logger.info("the kubelet now says which devices pods hold", extra={"path": self._socket})
        self._is_failing, self._has_answered = False, True
        return _holders(response, resources)

    @retry(
        wait=wait_exponential(_FIRST_WAIT),
        retry=retry_if_exception(_is_transient),
        stop=stop_after_attempt(ATTEMPTS) | stop_before_delay(_LAST_START),
        reraise=True,
    )
    async def _list(self) -> api_pb2.ListPodResourcesResponse | None:
        async with open_channel(self._socket) as channel:
            stub = api_pb2_grpc.PodResourcesListerStub(channel)
            # None: what grpc.aio makes of a message that is not the expected one.
            response: api_pb2.ListPodResourcesResponse | None = await stub.List(
                api_pb2.ListPodResourcesRequest(), timeout=CALL_TIMEOUT
            )
        return response

    def _note_failure(self, problem: str, level: int = logging.WARNING) -> None:
        if not self._is_failing:
            logger.log(
                level,
                "--pod-resources-socket: %r %s: going on without knowing which devices pods hold; is its directory, %s,"
                " mounted here (read-only will do), and does a kubelet serve it?",
                self._socket,
                problem,
                os.path.dirname(self._socket),
            )
        self._is_failing = True


def _holders(
    response: api_pb2.ListPodResourcesResponse, resources: Iterable[str]
) -> Mapping[str, Mapping[str, Holder]]:
    by_resource: dict[str, dict[str, Holder]] = {resource: {} for resource in resources}
    for pod in response.pod_resources:
        for container in pod.containers:
            holder = Holder(pod.namespace, pod.name, container.name)
            for devices in container.devices:
                if devices.resource_name in by_resource:
                    by_resource[devices.resource_name].update(dict.fromkeys(devices.device_ids, holder))
    return by_resource
