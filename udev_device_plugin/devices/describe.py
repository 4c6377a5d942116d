"""A resource's devices as the rest of the program sees them. Pure."""

from collections.abc import Iterator

from udev_device_plugin.config.specs import GroupSpec, PathSpec, PathType, ResourceSpec
from udev_device_plugin.devices.candidates import Candidate
from udev_device_plugin.devices.model import AssembledDevice, AssembledResource
from udev_device_plugin.devices.store import Device, DeviceSet, Member


def device_set(spec: ResourceSpec, assembled: AssembledResource) -> DeviceSet:
    """A resource's devices, sorted by identity."""
    devices = sorted((_describe(spec, device) for device in assembled.formed), key=lambda device: device.identity)
    remembered = tuple((unseen.id, unseen.since) for unseen in assembled.remembered)
    return DeviceSet(spec.resource, tuple(devices), remembered)


def _describe(spec: ResourceSpec, formed: AssembledDevice) -> Device:
    group = spec.groups[formed.group]
    members = tuple(_member(path_spec, candidate) for path_spec, candidate in _parts(group, formed))
    numa_nodes = {candidate.numa_node for candidate in formed.members if candidate and candidate.numa_node is not None}
    return Device(formed.identity, members, group.count, formed.is_healthy, formed.since, tuple(sorted(numa_nodes)))


def _parts(group: GroupSpec, formed: AssembledDevice) -> Iterator[tuple[PathSpec, Candidate]]:
    """A device's members, each with what is configured for it."""
    paths = [group.paths[formed.member]] * len(formed.members) if group.is_of_usb_devices else group.paths
    for path_spec, candidate in zip(paths, formed.members, strict=True):
        if candidate is not None:
            yield path_spec, candidate


def _member(path_spec: PathSpec, candidate: Candidate) -> Member:
    return Member(
        identity=candidate.identity,
        host_path=candidate.host_path,
        container_path=path_spec.container_path(candidate.path),
        type=path_spec.type,
        permissions=path_spec.permissions if path_spec.type is PathType.DEVICE else "",
        read_only=path_spec.read_only,
        node=candidate.target,
        number=candidate.node.number,
        own_link=candidate.own_link,
        is_optional=path_spec.optional,
    )
