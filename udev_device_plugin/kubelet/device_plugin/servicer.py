"""Answers the kubelet's calls for one resource, from the store. Event loop only."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import grpc

from udev_device_plugin.devices.allocation import Absence, absences, allocate, prefer
from udev_device_plugin.devices.device import DeviceSet
from udev_device_plugin.devices.store import DeviceStore
from udev_device_plugin.errors import AllocationError
from udev_device_plugin.kubelet.api.v1beta1 import api_pb2, api_pb2_grpc
from udev_device_plugin.kubelet.device_plugin import messages
from udev_device_plugin.kubelet.device_plugin.allocated_paths import AllocatedPaths
from udev_device_plugin.kubelet.device_plugin.registration_session import RegistrationSession
from udev_device_plugin.telemetry.event_log import EventKind, EventLog, LastSent
from udev_device_plugin.telemetry.metrics import Metrics

logger = logging.getLogger(__name__)


class Servicer(api_pb2_grpc.DevicePluginServicer):
    """The device plugin service of one registration of ``resource``."""

    def __init__(
        self,
        resource: str,
        store: DeviceStore,
        session: RegistrationSession,
        allocated_paths: AllocatedPaths,
        *,
        metrics: Metrics,
        event_log: EventLog,
    ) -> None:
        self._resource = resource
        self._store = store
        self._session = session
        self._allocated_paths = allocated_paths
        self._metrics = metrics
        self._event_log = event_log

    async def GetDevicePluginOptions(
        self, request: api_pb2.Empty, context: grpc.aio.ServicerContext
    ) -> api_pb2.DevicePluginOptions:
        """The optional calls that the kubelet is to make; it asks during ``Register``."""
        del request, context
        return messages.options()

    async def ListAndWatch(
        self, request: api_pb2.Empty, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[api_pb2.ListAndWatchResponse]:
        """Send the whole list now and whenever it changes."""
        del request, context
        changed = asyncio.Event()
        self._session.on_end(changed.set)
        sent: api_pb2.ListAndWatchResponse | None = None
        with self._session.stream(), self._store.read_by(self._resource, changed.set):
            while not self._session.is_over:
                changed.clear()
                snapshot = self._store.snapshot(self._resource)
                message = messages.device_list(snapshot.devices)
                if message != sent:  # only paths may have changed, which are not in the message
                    yield message
                    self._note_list(snapshot.devices)
                    # The first list answers the kubelet, not an event: that may be days old.
                    if sent is not None and snapshot.caused_at is not None:
                        self._metrics.latency.observe(time.monotonic() - snapshot.caused_at)
                    sent = message
                await changed.wait()

    def _note_list(self, devices: DeviceSet) -> None:
        healthy = devices.healthy_count
        self._event_log.note_sent(devices.resource, LastSent(time.monotonic(), healthy, devices.count - healthy))

    async def Allocate(
        self, request: api_pb2.AllocateRequest, context: grpc.aio.ServicerContext
    ) -> api_pb2.AllocateResponse:
        """Answer what containers get for their IDs."""
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
        """Answer which of the free IDs containers should get."""
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
        """Refuse the start of a container while a device is absent: the kubelet repeats the call."""
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
    """Return what a person reads in the container's status."""
    if absence.since is None:
        return (
            f"device {absence.name} has not been seen since this plugin started; the container starts when it is here"
        )
    gone = datetime.now(UTC) - timedelta(seconds=time.monotonic() - absence.since)
    return (
        f"device {absence.name} is unplugged since {gone:%Y-%m-%d %H:%M:%S} UTC;"
        " the container starts when it is plugged in again"
    )
