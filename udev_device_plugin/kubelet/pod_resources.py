"""Asks the kubelet which pods hold which devices.

Event loop only. It asks when it is told to and never by itself: nothing polls the kubelet. An answer is
a help and not a need, so nothing here raises: who gets none does without. What the kubelet says is not trusted to be
about us: only what was asked for is taken out of it, and gRPC's limit of 4 MiB bounds the rest.
"""

import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import grpc
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, stop_before_delay, wait_exponential

from udev_device_plugin.devices.model import Holder
from udev_device_plugin.errors import UdevDevicePluginError
from udev_device_plugin.kubelet.api.podresources.v1 import api_pb2, api_pb2_grpc
from udev_device_plugin.kubelet.channel import open_channel

logger = logging.getLogger(__name__)

CALL_TIMEOUT = 2.0
"""Seconds for one call."""

ATTEMPTS = 5
_FIRST_WAIT = 0.05
_LAST_START = 1.0
"""Seconds after which no attempt is begun any more: an answer, or none, takes this and one call's time at most."""

_PASSING = {
    grpc.StatusCode.RESOURCE_EXHAUSTED,  # the kubelet's rate limit: 100 calls a second, whoever makes them
    grpc.StatusCode.UNAVAILABLE,  # a kubelet that restarts
}


@dataclass(frozen=True, slots=True)
class Holdings:
    """Who holds what.

    Attributes:
        by_resource: every resource that was asked about → ID of a held device → its holder.
    """

    by_resource: Mapping[str, Mapping[str, Holder]]

    def ids(self, resource: str) -> frozenset[str]:
        """The IDs of a resource's devices that are held."""
        return frozenset(self.by_resource.get(resource, ()))


class _UnansweredError(UdevDevicePluginError):
    """What is wrong with the socket, and how bad that is: it need not be there."""

    def __init__(self, problem: str, level: int = logging.WARNING) -> None:
        self.level = level
        super().__init__(problem)


class PodResources:
    """The kubelet's knowledge of which pods hold which devices, on the unix socket of that path.

    Args:
        socket: the kubelet's; need not be there.
        call_timeout: seconds for one call.
    """

    def __init__(self, socket: str, call_timeout: float = CALL_TIMEOUT) -> None:
        self._socket = socket
        self._call_timeout = call_timeout
        self._is_told = False  # the log knows that it does not work

    async def held(self, resources: Iterable[str]) -> Holdings | None:
        """Which devices of these resources are held; None: not to be had now. Takes 3 s at most."""
        try:
            response = await self._answer()
        except _UnansweredError as error:
            self._note_failure(error)
            return None
        self._note_success()
        return _holdings(response, resources)

    async def _answer(self) -> api_pb2.ListPodResourcesResponse:
        # Not worth another attempt: a kubelet that has ever run leaves its socket behind, where it can be seen.
        if not os.path.exists(self._socket):
            raise _UnansweredError("is not there", logging.INFO)
        try:
            response = await self._list_patiently()
        except grpc.aio.AioRpcError as error:
            raise _UnansweredError(self._problem(error)) from error
        if response is None:
            raise _UnansweredError("answers something else")
        return response

    async def _list_patiently(self) -> api_pb2.ListPodResourcesResponse | None:
        retrying = AsyncRetrying(
            wait=wait_exponential(_FIRST_WAIT),
            retry=retry_if_exception(_is_passing),
            stop=stop_after_attempt(ATTEMPTS) | stop_before_delay(_LAST_START),
            reraise=True,
        )
        return await retrying(self._list)

    async def _list(self) -> api_pb2.ListPodResourcesResponse | None:
        async with open_channel(self._socket) as channel:
            stub = api_pb2_grpc.PodResourcesListerStub(channel)
            # None: what grpc.aio makes of a message that is not the expected one.
            response: api_pb2.ListPodResourcesResponse | None = await stub.List(
                api_pb2.ListPodResourcesRequest(), timeout=self._call_timeout
            )
        return response

    def _problem(self, error: grpc.aio.AioRpcError) -> str:
        if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
            return f"does not answer within {self._call_timeout:g} s"
        return f"does not answer: {error.details() or error.code().name}"

    def _note_failure(self, error: _UnansweredError) -> None:
        if not self._is_told:
            logger.log(
                error.level,
                "--pod-resources-socket: %r %s: going on without knowing which devices pods hold; is its directory, %s,"
                " mounted here (read-only will do), and does a kubelet serve it?",
                self._socket,
                error,
                os.path.dirname(self._socket),
            )
        self._is_told = True

    def _note_success(self) -> None:
        if self._is_told:
            logger.info("the kubelet now says which devices pods hold", extra={"path": self._socket})
        self._is_told = False


def _is_passing(error: BaseException) -> bool:
    return isinstance(error, grpc.aio.AioRpcError) and error.code() in _PASSING


def _holdings(response: api_pb2.ListPodResourcesResponse, resources: Iterable[str]) -> Holdings:
    """What the answer says about these resources. Pure."""
    by_resource: dict[str, dict[str, Holder]] = {resource: {} for resource in resources}
    for pod in response.pod_resources:
        for container in pod.containers:
            holder = Holder(pod.namespace, pod.name, container.name)
            for devices in container.devices:
                if devices.resource_name in by_resource:
                    by_resource[devices.resource_name].update(dict.fromkeys(devices.device_ids, holder))
    return Holdings(MappingProxyType({name: MappingProxyType(held) for name, held in by_resource.items()}))
