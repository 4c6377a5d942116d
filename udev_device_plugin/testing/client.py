"""The embedded kubelet's connection to one plugin: dialling, the stream, and the calls of an allocation.

The kubelet's event loop only. It converts messages into records, and gRPC's errors into ``PluginCallError``.
"""

import time
from collections.abc import AsyncIterator, Sequence
from types import MappingProxyType
from typing import Any

import grpc

from udev_device_plugin.errors import UdevDevicePluginError
from udev_device_plugin.kubelet.api.v1beta1 import api_pb2, api_pb2_grpc
from udev_device_plugin.testing.records import ContainerResponse, DeviceSpec, DeviceView, ListReceived, Mount

_CHANNEL_OPTIONS = (
    # Channels to one path share a connection and its back-off otherwise, and a plugin may come back at once.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_retries", 0),
    ("grpc.default_authority", "localhost"),
)


class PluginCallError(UdevDevicePluginError):
    """A call to a plugin failed; ``str`` is the plugin's own text, ``code`` gRPC's name of the status."""

    def __init__(self, error: grpc.aio.AioRpcError) -> None:
        self.code = "".join(word.capitalize() for word in error.code().name.split("_"))
        super().__init__(error.details() or "")


class PluginClient:
    """One connection to the plugin that serves ``resource`` at ``path``; there is one for each registration."""

    def __init__(self, resource: str, endpoint: str, path: str) -> None:
        self.resource = resource
        self.endpoint = endpoint
        self.is_connected = False
        self.pre_start_required = False
        self.offers_preference = False
        self._channel = grpc.aio.insecure_channel(f"unix:{path}", options=_CHANNEL_OPTIONS)
        self._stub = api_pb2_grpc.DevicePluginStub(self._channel)

    async def connect(self, timeout: float) -> str:  # noqa: ASYNC109 - gRPC's own deadline, not a cancelled task
        """Dial and ask for the options; return the kubelet's text for what went wrong, "" for nothing.

        The real kubelet gives the dialling 10 s and the options for ever; here one deadline spans both.
        """
        try:
            options = await self._call("GetDevicePluginOptions", api_pb2.Empty(), timeout, wait=True)
        except PluginCallError as error:
            if error.code == "DeadlineExceeded":
                return "failed to dial device plugin: context deadline exceeded"
            return f"failed to get device plugin options: rpc error: code = {error.code} desc = {error}"
        self.pre_start_required = options.pre_start_required
        self.offers_preference = options.get_preferred_allocation_available
        self.is_connected = True
        return ""

    async def lists(self) -> AsyncIterator[ListReceived]:
        """Open the stream, and return its lists until it ends for any reason."""
        stream = self._stub.ListAndWatch(api_pb2.Empty())
        try:
            async for message in stream:
                arrival = time.monotonic()
                yield ListReceived(self.resource, arrival, tuple(map(_device, message.devices)))
        except grpc.aio.AioRpcError:
            return
        finally:
            stream.cancel()

    async def preferred(self, available: Sequence[str], must_include: Sequence[str], size: int) -> tuple[str, ...]:
        """Return which of the available IDs the plugin prefers."""
        request = api_pb2.ContainerPreferredAllocationRequest(
            available_deviceIDs=available, must_include_deviceIDs=must_include, allocation_size=size
        )
        requests = api_pb2.PreferredAllocationRequest(container_requests=[request])
        response = await self._call("GetPreferredAllocation", requests)
        return tuple(one for container in response.container_responses[:1] for one in container.deviceIDs)

    async def allocate(self, ids: Sequence[str]) -> ContainerResponse | None:
        """Return how a container gets these devices; None if the answer has no container."""
        request = api_pb2.ContainerAllocateRequest(devices_ids=ids)
        response = await self._call("Allocate", api_pb2.AllocateRequest(container_requests=[request]))
        return _response(response.container_responses[0]) if response.container_responses else None

    async def pre_start(self, ids: Sequence[str], timeout: float) -> None:  # noqa: ASYNC109 - gRPC's own deadline
        """Notify the plugin that a container with these devices is about to be created."""
        request = api_pb2.PreStartContainerRequest(devices_ids=ids)
        await self._call("PreStartContainer", request, timeout)

    async def close(self) -> None:
        """Close the connection: the plugin sees its stream cancelled."""
        self.is_connected = False
        await self._channel.close()

    async def _call(
        self,
        method: str,
        request: object,
        timeout: float | None = None,  # noqa: ASYNC109 - gRPC's own deadline, not a cancelled task
        *,
        wait: bool = False,
    ) -> Any:
        try:
            return await getattr(self._stub, method)(request, timeout=timeout, wait_for_ready=wait)
        except grpc.aio.AioRpcError as error:
            raise PluginCallError(error) from error


def _device(message: api_pb2.Device) -> DeviceView:
    return DeviceView(message.ID, message.health, tuple(node.ID for node in message.topology.nodes))


def _response(message: api_pb2.ContainerAllocateResponse) -> ContainerResponse:
    return ContainerResponse(
        envs=MappingProxyType(dict(message.envs)),
        mounts=tuple(Mount(it.container_path, it.host_path, it.read_only) for it in message.mounts),
        devices=tuple(DeviceSpec(it.container_path, it.host_path, it.permissions) for it in message.devices),
        annotations=MappingProxyType(dict(message.annotations)),
        cdi_devices=tuple(it.name for it in message.cdi_devices),
    )
