"""What a container gets for the device IDs that the kubelet chose.

Floor 3, pure. The kubelet fails a pod for good on an error here, and shows the text to a person: so only what can never
be right is refused, and a known device that is absent at the moment is answered from its description.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from udev_device_plugin.errors import AllocationError
from udev_device_plugin.snapshots import Device, DeviceSet, Member


@dataclass(frozen=True, slots=True)
class Allocation:
    """What one container gets: members, each container path once, devices sorted by identity."""

    resource: str
    members: tuple[Member, ...]


def allocate(devices: DeviceSet, ids: Iterable[str]) -> Allocation:
    """What a container gets that was given ``ids``.

    Raises:
        AllocationError: for an ID that this resource never offered, or for two devices that would land on one path in
            the container.
    """
    chosen = {device.identity: device for device in (_find(devices, id_) for id_ in ids)}
    members: dict[str, Member] = {}
    for _, device in sorted(chosen.items()):  # the kubelet's order is random
        for member in device.members:
            other = members.setdefault(member.container_path, member)
            if other.host_path != member.host_path:
                raise AllocationError(
                    f"{devices.resource}: {other.host_path} and {member.host_path} would both be"
                    f" {member.container_path} in the container: request one device only, or give the paths"
                    " mountPaths of their own (a mountPath that ends in / keeps the device's own name)"
                )
    return Allocation(devices.resource, tuple(members.values()))


def _find(devices: DeviceSet, id_: str) -> Device:
    device = devices.by_id.get(id_)
    if device is None:
        raise AllocationError(
            f"{devices.resource}: the device {id_!r} is not known to this plugin (any more):"
            " delete the pod, so that its replacement gets a device that is there"
        )
    return device
