"""A program: the least that a device plugin can do in Python. What the plugin is held against at a kubelet's restart.

`python -m hack.benchmarks.bare_plugin DIRECTORY RESOURCE…`; each resource has one device, which is always healthy.

Its sockets stay, below the kubelet's directory; at a kubelet's start the resources of which pods hold devices register
first, then the others, three at a time. Of the plugin it has nothing but the API's stubs.
"""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping

import grpc
from inotify_simple import INotify, flags

from udev_device_plugin.kubelet.api.v1beta1 import api_pb2, api_pb2_grpc

_FOLDER = "bare-plugin"


class _Servicer(api_pb2_grpc.DevicePluginServicer):
    def __init__(self, resource: str) -> None:
        self._devices = [api_pb2.Device(ID=f"{resource}-device", health="Healthy")]

    async def GetDevicePluginOptions(self, *_: object) -> api_pb2.DevicePluginOptions:
        return api_pb2.DevicePluginOptions()

    async def ListAndWatch(self, *_: object) -> AsyncIterator[api_pb2.ListAndWatchResponse]:
        yield api_pb2.ListAndWatchResponse(devices=self._devices)
        await asyncio.Event().wait()

    async def Allocate(self, request: api_pb2.AllocateRequest, _: object) -> api_pb2.AllocateResponse:
        answers = [api_pb2.ContainerAllocateResponse() for _ in request.container_requests]
        return api_pb2.AllocateResponse(container_responses=answers)


async def main(directory: str, *resources: str) -> None:
    """Serve, and register with each kubelet that starts, until killed."""
    endpoints = {resource: f"{_FOLDER}/{number}.sock" for number, resource in enumerate(resources)}
    os.makedirs(f"{directory}/{_FOLDER}", exist_ok=True)
    servers = []  # a server that nobody holds ends
    for resource, endpoint in endpoints.items():
        servers.append(grpc.aio.server())
        api_pb2_grpc.add_DevicePluginServicer_to_server(_Servicer(resource), servers[-1])
        servers[-1].add_insecure_port(f"unix:{directory}/{endpoint}")
        await servers[-1].start()
    starts, inotify = asyncio.Event(), INotify()
    inotify.add_watch(directory, flags.CREATE)

    def read() -> None:
        if any(event.name == "kubelet.sock" for event in inotify.read(timeout=0)):
            starts.set()

    asyncio.get_running_loop().add_reader(inotify.fileno(), read)
    starts.set()
    while True:
        await starts.wait()
        starts.clear()
        with contextlib.suppress(grpc.aio.AioRpcError):  # that kubelet has ended
            await _register(directory, endpoints)


async def _register(directory: str, endpoints: Mapping[str, str]) -> None:
    while True:  # a kubelet refuses connections between its `bind` and its `listen`
        with contextlib.suppress(OSError):
            (await asyncio.open_unix_connection(f"{directory}/kubelet.sock"))[1].close()
            break
        await asyncio.sleep(0.001)
    first = [resource for resource in _held(directory) if resource in endpoints]
    slots = asyncio.Semaphore(3)
    # A channel of its own for each start: by default the next one would share this one's connection and back-off.
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.insecure_channel(f"unix:{directory}/kubelet.sock", options) as channel:
        stub = api_pb2_grpc.RegistrationStub(channel)

        async def register(resource: str) -> None:
            async with slots:
                request = api_pb2.RegisterRequest(
                    version="v1beta1", endpoint=endpoints[resource], resource_name=resource
                )
                await stub.Register(request)

        await asyncio.gather(*map(register, first))
        await asyncio.gather(*map(register, endpoints.keys() - first))


def _held(directory: str) -> set[str]:
    try:
        with open(f"{directory}/kubelet_internal_checkpoint") as file:
            entries = json.load(file)["Data"]["PodDeviceEntries"] or ()
    except FileNotFoundError:
        return set()
    return {entry["ResourceName"] for entry in entries}


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
