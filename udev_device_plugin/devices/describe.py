"""A formation as the rest of the program sees it: described devices.

Floor 3, pure.
"""

from udev_device_plugin.config.specs import PathSpec, PathType, ResourceSpec
from udev_device_plugin.devices.candidates import Candidate
from udev_device_plugin.devices.identity import Identity
from udev_device_plugin.devices.model import AssembledDevice, AssembledResource
from udev_device_plugin.devices.store import Device, DeviceSet, Member, replica_ids


class DeviceDescriber:
    """Describes one resource's formations; a device that stays as it was is not described anew."""

    def __init__(self) -> None:
        self._described: dict[Identity, tuple[AssembledDevice, Device, tuple[str, ...]]] = {}
        self._spec: ResourceSpec | None = None

    def describe(self, spec: ResourceSpec, formation: AssembledResource) -> DeviceSet:
        """The devices of a formation, sorted by identity."""
        before = self._described if spec is self._spec else {}
        self._spec, self._described = spec, {}
        for formed in formation.formed:
            known = before.get(formed.identity)
            if known is None or known[0] is not formed:
                device = _describe(spec, formed)
                known = formed, device, replica_ids(spec.resource, device)
            self._described[formed.identity] = known
        described = [self._described[identity] for identity in sorted(self._described)]
        devices, ids = tuple(device for _, device, _ in described), tuple(ids for *_, ids in described)
        remembered = tuple((remembered.id, remembered.since) for remembered in formation.remembered)
        return DeviceSet(spec.resource, devices, remembered, ids)


def device_set(spec: ResourceSpec, formation: AssembledResource) -> DeviceSet:
    """The devices of a formation, sorted by identity."""
    return DeviceDescriber().describe(spec, formation)


def _describe(spec: ResourceSpec, formed: AssembledDevice) -> Device:
    group = spec.groups[formed.group]
    members = tuple(_member(group.paths[slot.member], candidate) for slot, candidate in formed.matches(spec))
    numa_nodes = {candidate.numa_node for candidate in formed.members if candidate and candidate.numa_node is not None}
    return Device(formed.identity, members, group.count, formed.is_healthy, formed.since, tuple(sorted(numa_nodes)))


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
