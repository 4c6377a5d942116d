"""The calls that the kubelet makes on one resource's plugin.

Floor 4; runs on the main loop. Answers from the board; changes nothing.
"""

import logging
import time
from collections.abc import AsyncIterator

import grpc

from udev_device_plugin.allocation import allocate
from udev_device_plugin.errors import AllocationError
from udev_device_plugin.kubelet import messages
from udev_device_plugin.kubelet.life import Life
from udev_device_plugin.kubelet.v1beta1 import api_pb2, api_pb2_grpc
from udev_device_plugin.metrics import Metrics
from udev_device_plugin.snapshots import Board, Snapshot

logger = logging.getLogger(__name__)


class Servicer(api_pb2_grpc.DevicePluginServicer):
    """One registration's worth of service.

    Args:
        board: where the resource's device set is pinned up.
        life: learns of the stream's beginning and end, and says when to end it.
        metrics: counts allocations and latencies.
    """

    def __init__(self, board: Board, life: Life, metrics: Metrics) -> None:
        self._board = board
        self._life = life
        self._metrics = metrics

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
        with self._life.stream():
            snapshot: Snapshot | None = self._board.snapshot
            told: api_pb2.ListAndWatchResponse | None = None
            while snapshot is not None:
                message = messages.device_list(snapshot.devices)
                if message != told:  # paths may differ where IDs and health do not
                    yield message
                    told = message
                    if snapshot.caused_at is not None:
                        self._metrics.latency.observe(time.monotonic() - snapshot.caused_at)
                snapshot = await self._life.until_over(self._board.newer_than(snapshot.generation))

    async def Allocate(
        self, request: api_pb2.AllocateRequest, context: grpc.aio.ServicerContext
    ) -> api_pb2.AllocateResponse:
        """What containers get for the IDs that were chosen for them."""
        devices = self._board.snapshot.devices
        try:
            allocations = [allocate(devices, container.devices_ids) for container in request.container_requests]
        except AllocationError as error:
            logger.warning("allocation refused: %s", error, extra={"resource": devices.resource})
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        for allocation in allocations:
            self._metrics.allocations.labels(devices.resource).inc()
            given = [member.host_path for member in allocation.members]
            logger.info("allocated", extra={"resource": devices.resource, "devices": given})
        return api_pb2.AllocateResponse(container_responses=map(messages.container_response, allocations))

    async def GetPreferredAllocation(
        self, request: api_pb2.PreferredAllocationRequest, context: grpc.aio.ServicerContext
    ) -> api_pb2.PreferredAllocationResponse:
        """Not announced in the options, so no kubelet asks; whoever does gets no preference."""
        del context
        empty = [api_pb2.ContainerPreferredAllocationResponse() for _ in request.container_requests]
        return api_pb2.PreferredAllocationResponse(container_responses=empty)

    async def PreStartContainer(
        self, request: api_pb2.PreStartContainerRequest, context: grpc.aio.ServicerContext
    ) -> api_pb2.PreStartContainerResponse:
        """Not announced in the options, so no kubelet asks."""
        del request, context
        return api_pb2.PreStartContainerResponse()
