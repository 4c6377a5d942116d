"""Answers the kubelet's calls for one resource, from the store. Event loop only."""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import grpc

from udev_device_plugin.config.specs import PathType
from udev_device_plugin.devices.allocation import Absence, absences, allocate, prefer
from udev_device_plugin.devices.device import DeviceSet, Member
from udev_device_plugin.devices.identity import id_base
from udev_device_plugin.devices.store import DeviceStore, Snapshot
from udev_device_plugin.errors import AllocationError
from udev_device_plugin.host.path_facts import inode_at
from udev_device_plugin.kubelet.api.v1beta1 import api_pb2, api_pb2_grpc
from udev_device_plugin.kubelet.device_plugin import messages
from udev_device_plugin.kubelet.device_plugin.allocated_paths import AllocatedPaths
from udev_device_plugin.kubelet.device_plugin.registration_session import RegistrationSession
from udev_device_plugin.kubelet.device_plugin.start_waits import StartWaits
from udev_device_plugin.telemetry.event_log import EventKind, EventLog
from udev_device_plugin.telemetry.metrics import Metrics

logger = logging.getLogger(__name__)


class Servicer(api_pb2_grpc.DevicePluginServicer):
    """The device plugin service of ``resource``, for as long as its server runs.

    Args:
        resource: its name.
        store: has its list.
        metrics: counts calls.
        event_log: keeps what people may ask for.

    Attributes:
        allocated_paths: what was allocated before.
        session: the registration in force, None if there is none.
        sent: the list last sent to the kubelet, and when, monotonic seconds; None: nothing yet.
    """

    def __init__(self, resource: str, store: DeviceStore, metrics: Metrics, event_log: EventLog) -> None:
        self._resource = resource
        self._store = store
        self.allocated_paths = AllocatedPaths()
        self.session: RegistrationSession | None = None
        self.sent: tuple[float, DeviceSet] | None = None
        self._start_waits = StartWaits()
        self._awaited_streams = 0
        self._metrics = metrics
        self._event_log = event_log

    async def GetDevicePluginOptions(
        self, request: api_pb2.Empty, context: grpc.aio.ServicerContext
    ) -> api_pb2.DevicePluginOptions:
        """The optional calls that the kubelet is to make; it asks during ``Register``, and opens a stream then."""
        del request, context
        self._awaited_streams += 1
        return messages.options()

    async def ListAndWatch(
        self, request: api_pb2.Empty, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[api_pb2.ListAndWatchResponse]:
        """Send the whole list now and whenever it changes, until the registration that it belongs to ends.

        Who has not asked for the options before is not the kubelet, and may look.
        """
        del request, context
        session, is_kubelets = self.session, self._awaited_streams > 0
        self._awaited_streams -= is_kubelets
        if session is None:  # the kubelet opens it during a registration: somebody else did
            return
        changed = asyncio.Event()
        session.on_end(changed.set)
        sent: api_pb2.ListAndWatchResponse | None = None
        with (
            session.stream() if is_kubelets else contextlib.nullcontext(),
            self._store.read_by(self._resource, changed.set),
        ):
            while not session.is_over:
                changed.clear()
                snapshot = self._store.snapshot(self._resource)
                message = messages.device_list(snapshot.devices)
                if message != sent:  # only paths may have changed, which are not in the message
                    yield message
                    if is_kubelets:
                        self._note_sent(snapshot, is_first=sent is None)
                    sent = message
                await changed.wait()

    def _note_sent(self, snapshot: Snapshot, *, is_first: bool) -> None:
        self.sent = (time.monotonic(), snapshot.devices)
        self._event_log.changed()
        # The first list answers the kubelet, not an event: that may be days old.
        if not is_first and snapshot.caused_at is not None:
            self._metrics.latency.observe(time.monotonic() - snapshot.caused_at)

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
            self.allocated_paths.note(devices, container.devices_ids, time.monotonic())
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
        """Keep a container waiting while a device of its is absent; refuse its start when that has taken too long.

        The kubelet repeats a refused call, at ever longer intervals; one that waits ends with the wait.
        """
        ids = request.devices_ids
        if reasons := self._reasons_to_wait(ids):
            self._note_waiting(reasons)
            reasons = await self._wait(ids, self._start_waits.seconds(ids, context.time_remaining()))
        if reasons:
            self._start_waits.refused(ids)
            await context.abort(grpc.StatusCode.UNAVAILABLE, f"{self._resource}: {'; '.join(reasons)}")
        self._start_waits.passed(ids)
        return api_pb2.PreStartContainerResponse()

    async def _wait(self, ids: Sequence[str], seconds: float) -> Sequence[str]:
        """Wait until all devices are present, at most ``seconds``; return the reasons that are left."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._reasons_to_wait(ids):
                    await self._store.newer_than(self._resource, self._store.snapshot(self._resource).generation)
        return self._reasons_to_wait(ids)

    def _reasons_to_wait(self, ids: Sequence[str]) -> Sequence[str]:
        devices = self._store.snapshot(self._resource).devices
        return [
            *map(_waiting_for, absences(devices, ids)),
            *self.allocated_paths.strayed(devices, ids),
            *_vanished(devices, ids),
        ]

    def _note_waiting(self, reasons: Sequence[str]) -> None:
        text = "; ".join(reasons)
        logger.info("a container waits: %s", text, extra={"resource": self._resource})
        self._event_log.note(self._resource, time.monotonic(), EventKind.CONTAINER_WAITS, text=text)


def _vanished(devices: DeviceSet, ids: Sequence[str]) -> Iterator[str]:
    """Return a text for each node of a present device that is not there: its event is on its way.

    CRI-O leaves out a node that is not there, and starts the container without it.
    """
    for base in dict.fromkeys(map(id_base, ids)):
        device = devices.by_base.get(base)
        for member in device.members if device is not None and device.is_healthy else ():
            if member.type is PathType.DEVICE and not member.is_optional and not os.path.exists(member.host_path):
                yield f"{member.host_path} is not there; the container starts when it is"


def _waiting_for(absence: Absence) -> str:
    """Return what a person reads in the container's status."""
    if absence.since is None:
        return (
            f"device {absence.name} has not been seen since this plugin started; the container starts when it is here"
        )
    gone = datetime.now(UTC) - timedelta(seconds=time.monotonic() - absence.since)
    if unmatched := _unmatched(absence.members):
        return (
            f"device {absence.name} is plugged in, but no longer matches: {' and '.join(unmatched)}"
            f" (since {gone:%Y-%m-%d %H:%M:%S} UTC); the container starts when it does again"
        )
    return (
        f"device {absence.name} is unplugged since {gone:%Y-%m-%d %H:%M:%S} UTC;"
        " the container starts when it is plugged in again"
    )


def _unmatched(members: Iterable[Member]) -> Sequence[str]:
    """Return what selected an absent device whose nodes are all there, the very same; nothing if one is gone."""
    nodes = [one for one in members if one.number is not None and not one.is_optional]
    is_there = bool(nodes) and all(one.inode and inode_at(one.node) == one.inode for one in nodes)
    return [*dict.fromkeys(one.selector for one in nodes)] if is_there else []
