"""The embedded kubelet's PodResourcesLister service: which container holds which devices.

The kubelet's event loop only. It answers from the book, whether plugins are connected or not.
"""

import asyncio
from collections.abc import Callable, Iterator

import grpc

from udev_device_plugin.kubelet.api.podresources.v1 import api_pb2, api_pb2_grpc
from udev_device_plugin.testing.book import Book
from udev_device_plugin.testing.misbehaviour import Misbehaviour
from udev_device_plugin.testing.records import Allocation

_RATE_LIMITED = "rejected by rate limit"  # the kubelet's own words


class Lister(api_pb2_grpc.PodResourcesListerServicer):
    """Answers which container holds which devices, on a socket; one for all runs of a kubelet.

    Attributes:
        socket: path of that.
        calls: how often ``List`` was called, refused calls included.
    """

    def __init__(self, socket: str, book: Book, misbehaviour: Misbehaviour, on_call: Callable[[], None]) -> None:
        self.socket = socket
        self.calls = 0
        self._book = book
        self._misbehaviour = misbehaviour
        self._on_call = on_call

    async def List(  # noqa: N802 - the contract's name
        self, _request: api_pb2.ListPodResourcesRequest, context: "grpc.aio.ServicerContext[object, object]"
    ) -> api_pb2.ListPodResourcesResponse:
        """Answer all pods that hold devices."""
        self.calls += 1
        self._on_call()
        if self._misbehaviour.limits_rate():
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, _RATE_LIMITED)
        if self._misbehaviour.pod_resources_silent:
            await asyncio.Event().wait()  # the server's stop ends it
        return api_pb2.ListPodResourcesResponse(pod_resources=self._pods())

    def _pods(self) -> Iterator[api_pb2.PodResources]:
        pods: dict[tuple[str, str], dict[str, list[api_pb2.ContainerDevices]]] = {}
        for allocation in self._book.allocations:
            container = allocation.container
            containers = pods.setdefault((container.namespace, container.pod), {})
            containers.setdefault(container.name, []).extend(self._devices(allocation))
        for (namespace, pod), containers in pods.items():
            resources = [api_pb2.ContainerResources(name=name, devices=its) for name, its in containers.items()]
            yield api_pb2.PodResources(name=pod, namespace=namespace, containers=resources)

    def _devices(self, allocation: Allocation) -> Iterator[api_pb2.ContainerDevices]:
        """One entry for each device and NUMA node of it, as real kubelets make them."""
        numa_nodes = {device.id: device.numa_nodes for device in self._book.view(allocation.resource).devices}
        for one in allocation.ids:
            for _ in numa_nodes.get(one) or (None,):
                yield api_pb2.ContainerDevices(resource_name=allocation.resource, device_ids=[one])
