"""A small real device plugin that does what a test says, and notes what the kubelet asks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc

from udev_device_plugin.kubelet.api.v1beta1 import api_pb2, api_pb2_grpc
from udev_device_plugin.testing.directory import SOCKET

SERIAL = "example.com/serial"


class FakePlugin(api_pb2_grpc.DevicePluginServicer):
    """A plugin that lists what it is told to, and notes what it is asked."""

    def __init__(self, directory: str, resource: str = SERIAL, endpoint: str = "serial.sock") -> None:
        self.directory = directory
        self.resource = resource
        self.endpoint = endpoint
        self.options = api_pb2.DevicePluginOptions()
        self.devices: tuple[api_pb2.Device, ...] = (api_pb2.Device(ID="a", health="Healthy"),)
        self.refusal = ""  # of Allocate
        self.start_refusal = ""  # of PreStartContainer
        self.preferred: tuple[str, ...] = ()
        self.calls: list[str] = []
        self.stream_ended = asyncio.Event()
        self.has_options = asyncio.Event()
        self.has_options.set()
        self._streams: list[asyncio.Queue[tuple[api_pb2.Device, ...] | None]] = []

    def list(self, **devices: str) -> None:
        self.devices = tuple(api_pb2.Device(ID=one, health=health) for one, health in devices.items())
        for stream in self._streams:
            stream.put_nowait(self.devices)

    def end_stream(self) -> None:
        for stream in self._streams:
            stream.put_nowait(None)

    async def register(self, version: str = "v1beta1") -> None:
        async with grpc.aio.insecure_channel(f"unix:{self.directory}/{SOCKET}") as channel:
            stub = api_pb2_grpc.RegistrationStub(channel)
            await stub.Register(
                api_pb2.RegisterRequest(version=version, endpoint=self.endpoint, resource_name=self.resource)
            )

    async def GetDevicePluginOptions(  # noqa: N802 - the contract's name
        self, _request: api_pb2.Empty, _context: object
    ) -> api_pb2.DevicePluginOptions:
        self.calls.append("GetDevicePluginOptions")
        await self.has_options.wait()
        return self.options

    async def ListAndWatch(  # noqa: N802 - the contract's name
        self, _request: api_pb2.Empty, _context: object
    ) -> AsyncIterator[api_pb2.ListAndWatchResponse]:
        stream: asyncio.Queue[tuple[api_pb2.Device, ...] | None] = asyncio.Queue()
        stream.put_nowait(self.devices)
        self._streams.append(stream)
        try:
            while (devices := await stream.get()) is not None:
                yield api_pb2.ListAndWatchResponse(devices=devices)
        finally:
            self._streams.remove(stream)
            self.stream_ended.set()

    async def GetPreferredAllocation(  # noqa: N802 - the contract's name
        self, request: api_pb2.PreferredAllocationRequest, _context: object
    ) -> api_pb2.PreferredAllocationResponse:
        (asked,) = request.container_requests
        available, must = sorted(asked.available_deviceIDs), sorted(asked.must_include_deviceIDs)
        self.calls.append(f"prefer {asked.allocation_size} of {available} with {must}")
        answer = api_pb2.ContainerPreferredAllocationResponse(deviceIDs=self.preferred)
        return api_pb2.PreferredAllocationResponse(container_responses=[answer])

    async def Allocate(  # noqa: N802 - the contract's name
        self, request: api_pb2.AllocateRequest, context: "grpc.aio.ServicerContext[object, object]"
    ) -> api_pb2.AllocateResponse:
        (asked,) = request.container_requests
        self.calls.append(f"allocate {sorted(asked.devices_ids)}")
        if self.refusal:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, self.refusal)
        answer = api_pb2.ContainerAllocateResponse(
            envs={"DEVICES": ",".join(sorted(asked.devices_ids))},
            mounts=[api_pb2.Mount(container_path="/etc/x", host_path="/etc/y", read_only=True)],
            devices=[api_pb2.DeviceSpec(container_path="/dev/x", host_path="/dev/y", permissions="rw")],
            cdi_devices=[api_pb2.CDIDevice(name="example.com/class=x")],
        )
        return api_pb2.AllocateResponse(container_responses=[answer])

    async def PreStartContainer(  # noqa: N802 - the contract's name
        self, request: api_pb2.PreStartContainerRequest, context: "grpc.aio.ServicerContext[object, object]"
    ) -> api_pb2.PreStartContainerResponse:
        self.calls.append(f"start with {sorted(request.devices_ids)}")
        if self.start_refusal:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, self.start_refusal)
        return api_pb2.PreStartContainerResponse()


@asynccontextmanager
async def served(plugin: FakePlugin) -> AsyncIterator[FakePlugin]:
    server = grpc.aio.server()
    api_pb2_grpc.add_DevicePluginServicer_to_server(plugin, server)
    server.add_insecure_port(f"unix:{plugin.directory}/{plugin.endpoint}")
    await server.start()
    try:
        yield plugin
    finally:
        plugin.end_stream()
        await server.stop(0.2)
