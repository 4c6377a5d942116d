"""The calls that the kubelet makes on one resource's plugin.

Event loop only. Answers from the store; changes nothing.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import grpc

from udev_device_plugin.devices.allocation import Absence, absences, allocate, prefer
from udev_device_plugin.devices.store import DeviceSet, DeviceStore
from udev_device_plugin.errors import AllocationError
from udev_device_plugin.kubelet.api.v1beta1 import api_pb2, api_pb2_grpc
from udev_device_plugin.kubelet.device_plugin import messages
from udev_device_plugin.kubelet.device_plugin.allocated_paths import AllocatedPaths
from udev_device_plugin.kubelet.device_plugin.session import RegistrationSession
from udev_device_plugin.telemetry.event_log import EventKind, EventLog, LastSent
from udev_device_plugin.telemetry.metrics import Metrics

logger = logging.getLogger(__name__)


class Servicer(api_pb2_grpc.DevicePluginServicer):
    """One registration's worth of service.

    Args:
        resource: what is served.
        store: its list is there.
        life: learns of the stream's beginning and end, and says when to end it.
        allocated_paths: remembers what was handed out under which path.
        metrics: counts allocations and latencies.
        event_log: is told of allocations, and of what the kubelet has heard.
    """

    def __init__(
        self,
        resource: str,
        store: DeviceStore,
        life: RegistrationSession,
        allocated_paths: AllocatedPaths,
        *,
        metrics: Metrics,
        event_log: EventLog,
    ) -> None:
        self._resource = resource
        self._store = store
        self._life = life
        self._allocated_paths = allocated_paths
        self._metrics = metrics
        self._event_log = event_log

    async def GetDevicePluginOptions(
        self, request: api_pb2.Empty, context: grpc.aio.ServicerContext
    ) -> api_pb2.DevicePluginOptions:
        """Asked during ``Register``."""
        del request, context
        return messages.options()

    async def ListAndWatch(
        self, request: api_pb2.Empty, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[api_pb2.ListAndWatchResponse]:
        """The whole list now, and again whenever it changes."""
        del request, context
        news = asyncio.Event()  # one for both, so that nothing but the stream itself has to wake up
        self._life.on_end(news.set)
        told: api_pb2.ListAndWatchResponse | None = None
        with self._life.stream(), self._store.read_by(self._resource, news.set):
            while not self._life.is_over:
                news.clear()
                snapshot = self._store.snapshot(self._resource)
                message = messages.device_list(snapshot.devices)
                if message != told:  # paths may differ where IDs and health do not
                    yield message
                    self._note_list(snapshot.devices)
                    # The first list answers the kubelet, not an event: that may be days old.
                    if told is not None and snapshot.caused_at is not None:
                        self._metrics.latency.observe(time.monotonic() - snapshot.caused_at)
                    told = message
                await news.wait()

    def _note_list(self, devices: DeviceSet) -> None:
        healthy = devices.healthy_count
        self._event_log.note_sent(devices.resource, LastSent(time.monotonic(), healthy, devices.count - healthy))

    async def Allocate(
        self, request: api_pb2.AllocateRequest, context: grpc.aio.ServicerContext
    ) -> api_pb2.AllocateResponse:
        """What containers get for the IDs that were chosen for them."""
        devices = self._store.snapshot(self._resource).devices
        try:
            allocations = [allocate(devices, container.devices_ids) for container in request.container_requests]
        except AllocationError as error:
            logger.warning("allocation refused: %s", error, extra={"resource": devices.resource})
            self._event_log.note(devices.resource, time.monotonic(), EventKind.ALLOCATION_REFUSED, text=str(error))
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        for container, allocation in zip(request.container_requests, allocations, strict=True):
            self._allocated_paths.note(devices, container.devices_ids, time.monotonic())
            self._metrics.allocations.labels(devices.resource).inc()
            given = [member.host_path for member in allocation.members]
            logger.info("allocated", extra={"resource": devices.resource, "devices": given})
            self._event_log.note(devices.resource, time.monotonic(), EventKind.ALLOCATED, given)
        return api_pb2.AllocateResponse(container_responses=map(messages.container_response, allocations))

    async def GetPreferredAllocation(
        self, request: api_pb2.PreferredAllocationRequest, context: grpc.aio.ServicerContext
    ) -> api_pb2.PreferredAllocationResponse:
        """Which of the free IDs containers should get."""
        del context
        devices = self._store.snapshot(self._resource).devices
        preferred = (
            prefer(devices, container.available_deviceIDs, container.must_include_deviceIDs, container.allocation_size)
            for container in request.container_requests
        )
        return api_pb2.PreferredAllocationResponse(
            container_responses=[api_pb2.ContainerPreferredAllocationResponse(deviceIDs=ids) for ids in preferred]
        )

    async def PreStartContainer(
        self, request: api_pb2.PreStartContainerRequest, context: grpc.aio.ServicerContext
    ) -> api_pb2.PreStartContainerResponse:
        """Before each start of a container: refused, which the kubelet tries again, while a device is away."""
        devices = self._store.snapshot(self._resource).devices
        reasons = [
            *map(_waiting_for, absences(devices, request.devices_ids)),
            *self._allocated_paths.strayed(devices, request.devices_ids),
        ]
        if reasons:
            text = f"{devices.resource}: {'; '.join(reasons)}"
            logger.info("a container waits: %s", text, extra={"resource": devices.resource})
            self._event_log.note(devices.resource, time.monotonic(), EventKind.CONTAINER_WAITS, text="; ".join(reasons))
            await context.abort(grpc.StatusCode.UNAVAILABLE, text)
        return api_pb2.PreStartContainerResponse()


def _waiting_for(absence: Absence) -> str:
    """What a person reads in the container's status."""
    if absence.since is None:
        return (
            f"device {absence.name} has not been seen since this plugin started; the container starts when it is here"
        )
    gone = datetime.now(UTC) - timedelta(seconds=time.monotonic() - absence.since)
    return (
        f"device {absence.name} is unplugged since {gone:%Y-%m-%d %H:%M:%S} UTC;"
        " the container starts when it is plugged in again"
    )
