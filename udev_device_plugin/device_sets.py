"""A formation as the rest of the program sees it: described devices.

Floor 3, pure.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterator

from udev_device_plugin.candidates import Candidate
from udev_device_plugin.config.specs import GroupSpec, PathSpec, PathType, ResourceSpec
from udev_device_plugin.formed import Formation, Formed
from udev_device_plugin.identity import Identity
from udev_device_plugin.snapshots import Device, DeviceSet, Member, replica_ids


class DeviceSets:
    """Describes one resource's formations; a device that stays as it was is not described anew."""

    def __init__(self) -> None:
        self._described: dict[Identity, tuple[Formed, Device]] = {}
        self._devices: list[Device] = []  # sorted by identity
        self._ids: list[tuple[str, ...]] = []  # theirs
        self._spec: ResourceSpec | None = None

    def describe(
        self, spec: ResourceSpec, formation: Formation, changed: Collection[Identity] | None = None
    ) -> DeviceSet:
        """The devices of a formation, sorted by identity; none but the ``changed`` ones are others than before."""
        if changed is None or spec is not self._spec:
            self._describe_all(spec, formation)
        else:
            formed = {one.identity: one for one in formation.formed if one.identity in changed}
            for identity in changed:
                self._describe_one(spec, identity, formed.get(identity))
        remembered = tuple((remembered.id, remembered.since) for remembered in formation.remembered)
        return DeviceSet(spec.resource, tuple(self._devices), remembered, tuple(self._ids))

    def _describe_all(self, spec: ResourceSpec, formation: Formation) -> None:
        before = self._described if spec is self._spec else {}
        self._spec, self._described = spec, {}
        for formed in formation.formed:
            known = before.get(formed.identity)
            is_known = known is not None and known[0] is formed
            self._described[formed.identity] = known if known and is_known else (formed, _describe(spec, formed))
        self._devices = [self._described[identity][1] for identity in sorted(self._described)]
        self._ids = [replica_ids(spec.resource, device) for device in self._devices]

    def _describe_one(self, spec: ResourceSpec, identity: Identity, formed: Formed | None) -> None:
        known = self._described.get(identity)
        if known is not None and known[0] is formed:
            return
        place = bisect_left(self._devices, identity, key=_identity_of)
        if self._described.pop(identity, None) is not None:
            del self._devices[place], self._ids[place]
        if formed is not None:
            device = _describe(spec, formed)
            self._described[identity] = formed, device
            self._devices.insert(place, device)
            self._ids.insert(place, replica_ids(spec.resource, device))


def device_set(spec: ResourceSpec, formation: Formation) -> DeviceSet:
    """The devices of a formation, sorted by identity."""
    return DeviceSets().describe(spec, formation)


def _identity_of(device: Device) -> Identity:
    return device.identity


def _describe(spec: ResourceSpec, formed: Formed) -> Device:
    group = spec.groups[formed.group]
    members = tuple(_member(path_spec, candidate) for path_spec, candidate in _parts(group, formed))
    numa_nodes = {candidate.numa_node for candidate in formed.members if candidate and candidate.numa_node is not None}
    return Device(formed.identity, members, group.count, formed.is_healthy, formed.since, tuple(sorted(numa_nodes)))


def _parts(group: GroupSpec, formed: Formed) -> Iterator[tuple[PathSpec, Candidate]]:
    """A device's members, each with what is configured for it."""
    paths = [group.paths[formed.member]] * len(formed.members) if group.is_of_sticks else group.paths
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
