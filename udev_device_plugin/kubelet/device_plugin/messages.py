"""Makes the device plugin API's messages of devices and allocations. Pure."""

from udev_device_plugin.config.specs import PathType
from udev_device_plugin.devices.allocation import Allocation
from udev_device_plugin.devices.device import DeviceSet, Member
from udev_device_plugin.kubelet.api.v1beta1 import api_pb2

VERSION = "v1beta1"
HEALTHY = "Healthy"
UNHEALTHY = "Unhealthy"


def device_list(devices: DeviceSet) -> api_pb2.ListAndWatchResponse:
    """Return the whole list, as in each message of the stream."""
    listed = [_device(id_, device.is_healthy, device.numa_nodes) for id_, device in devices.by_id.items()]
    unseen = [_device(id_, False, ()) for id_, _ in devices.unseen]
    return api_pb2.ListAndWatchResponse(devices=[*listed, *unseen])


def _device(id_: str, is_healthy: bool, numa_nodes: tuple[int, ...]) -> api_pb2.Device:
    nodes = [api_pb2.NUMANode(ID=node) for node in numa_nodes]
    topology = api_pb2.TopologyInfo(nodes=nodes) if nodes else None
    return api_pb2.Device(ID=id_, health=HEALTHY if is_healthy else UNHEALTHY, topology=topology)


def container_response(allocation: Allocation) -> api_pb2.ContainerAllocateResponse:
    """Return what the runtime is to give one container."""
    devices = [_device_spec(member) for member in allocation.members if member.type is PathType.DEVICE]
    mounts = [_mount(member) for member in allocation.members if member.type is PathType.MOUNT]
    return api_pb2.ContainerAllocateResponse(devices=devices, mounts=mounts, envs=allocation.environment)


def register_request(endpoint: str, resource: str) -> api_pb2.RegisterRequest:
    """Return the registration of a resource that is served on the socket ``endpoint``, a file name."""
    return api_pb2.RegisterRequest(version=VERSION, endpoint=endpoint, resource_name=resource, options=options())


def options() -> api_pb2.DevicePluginOptions:
    """Return which of the optional calls the kubelet is to make."""
    return api_pb2.DevicePluginOptions(pre_start_required=True, get_preferred_allocation_available=True)


def _device_spec(member: Member) -> api_pb2.DeviceSpec:
    return api_pb2.DeviceSpec(
        container_path=member.container_path, host_path=member.host_path, permissions=member.permissions
    )


def _mount(member: Member) -> api_pb2.Mount:
    return api_pb2.Mount(container_path=member.container_path, host_path=member.host_path, read_only=member.read_only)
