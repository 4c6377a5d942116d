"""Devices and allocations as the kubelet's messages. Pure."""

from functools import lru_cache

from udev_device_plugin.config.specs import PathType
from udev_device_plugin.devices.allocation import Allocation
from udev_device_plugin.devices.store import DeviceSet, Member
from udev_device_plugin.kubelet.api.v1beta1 import api_pb2

VERSION = "v1beta1"
HEALTHY = "Healthy"
UNHEALTHY = "Unhealthy"

MAX_LISTED = 32768
"""Devices whose part of a list is remembered: a list holds all of them each time, and most are as they were."""


def device_list(devices: DeviceSet) -> api_pb2.ListAndWatchResponse:
    """The whole list, as each message of a stream is."""
    listed = [_listed(id_, device.is_healthy, device.numa_nodes) for id_, device in devices.by_id.items()]
    remembered = [_listed(id_, False, ()) for id_, _ in devices.remembered]
    return api_pb2.ListAndWatchResponse.FromString(b"".join((*listed, *remembered)))


@lru_cache(maxsize=MAX_LISTED)
def _listed(id_: str, is_healthy: bool, numa_nodes: tuple[int, ...]) -> bytes:
    """A list of one device, on the wire; such lists one after the other are one list, as protobuf has it."""
    nodes = [api_pb2.NUMANode(ID=node) for node in numa_nodes]
    device = api_pb2.Device(
        ID=id_,
        health=HEALTHY if is_healthy else UNHEALTHY,
        topology=api_pb2.TopologyInfo(nodes=nodes) if nodes else None,
    )
    return api_pb2.ListAndWatchResponse(devices=[device]).SerializeToString()


def container_response(allocation: Allocation) -> api_pb2.ContainerAllocateResponse:
    """What the runtime is to give one container."""
    devices = [_device(member) for member in allocation.members if member.type is PathType.DEVICE]
    mounts = [_mount(member) for member in allocation.members if member.type is PathType.MOUNT]
    return api_pb2.ContainerAllocateResponse(devices=devices, mounts=mounts, envs=allocation.environment)


def register_request(endpoint: str, resource: str) -> api_pb2.RegisterRequest:
    """The announcement of one resource, served on the socket ``endpoint`` (a file name)."""
    return api_pb2.RegisterRequest(version=VERSION, endpoint=endpoint, resource_name=resource, options=options())


def options() -> api_pb2.DevicePluginOptions:
    """Which of the optional calls the kubelet shall make."""
    return api_pb2.DevicePluginOptions(pre_start_required=True, get_preferred_allocation_available=True)


def _device(member: Member) -> api_pb2.DeviceSpec:
    return api_pb2.DeviceSpec(
        container_path=member.container_path, host_path=member.host_path, permissions=member.permissions
    )


def _mount(member: Member) -> api_pb2.Mount:
    return api_pb2.Mount(container_path=member.container_path, host_path=member.host_path, read_only=member.read_only)
