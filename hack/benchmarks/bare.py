"""A program: the shortest way from udev to the kubelet. `python -m hack.benchmarks.bare DIRECTORY RESOURCE SUBSYSTEM`.

Made of the plugin's own packages, it serves and registers one resource, and for each event sends the kubelet a list,
without looking at anything. What the plugin takes longer is its own doing.
"""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator

import grpc
import pyudev

from udev_device_plugin.kubelet.api.v1beta1 import api_pb2, api_pb2_grpc

_ENDPOINT = "bare.sock"

_Lists = asyncio.Queue[api_pb2.ListAndWatchResponse]


class _Servicer(api_pb2_grpc.DevicePluginServicer):
    """Sends on whatever is in the queue."""

    def __init__(self, lists: _Lists) -> None:
        self._lists = lists

    async def GetDevicePluginOptions(  # noqa: N802 - the contract's name
        self, _request: api_pb2.Empty, _context: grpc.aio.ServicerContext
    ) -> api_pb2.DevicePluginOptions:
        return api_pb2.DevicePluginOptions()

    async def ListAndWatch(  # noqa: N802 - the contract's name
        self, _request: api_pb2.Empty, _context: grpc.aio.ServicerContext
    ) -> AsyncIterator[api_pb2.ListAndWatchResponse]:
        yield api_pb2.ListAndWatchResponse()
        while True:
            yield await self._lists.get()


async def serve(directory: str, resource: str, subsystem: str) -> None:
    """Serve until killed."""
    lists: _Lists = asyncio.Queue()
    threading.Thread(target=_listen, args=(asyncio.get_running_loop(), lists, subsystem), daemon=True).start()
    server = grpc.aio.server()
    api_pb2_grpc.add_DevicePluginServicer_to_server(_Servicer(lists), server)
    server.add_insecure_port(f"unix:{directory}/{_ENDPOINT}")
    await server.start()
    async with grpc.aio.insecure_channel(f"unix:{directory}/kubelet.sock") as channel:
        request = api_pb2.RegisterRequest(version="v1beta1", endpoint=_ENDPOINT, resource_name=resource)
        await api_pb2_grpc.RegistrationStub(channel).Register(request)
    await server.wait_for_termination()


def _listen(loop: asyncio.AbstractEventLoop, lists: _Lists, subsystem: str) -> None:
    monitor = pyudev.Monitor.from_netlink(pyudev.Context(), source="udev")
    monitor.filter_by(subsystem)
    monitor.start()
    while True:
        device = monitor.poll()
        loop.call_soon_threadsafe(lists.put_nowait, _list(device))


def _list(device: pyudev.Device) -> api_pb2.ListAndWatchResponse:
    """The device alone, by an ID like the plugin's."""
    if device.action == "remove":
        return api_pb2.ListAndWatchResponse()
    serial = device.properties.get("ID_SERIAL_SHORT", "").lower().removeprefix("bench")
    name = f"usb-bench-{serial}-bare"
    return api_pb2.ListAndWatchResponse(devices=[api_pb2.Device(ID=name, health="Healthy")])


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:]))
