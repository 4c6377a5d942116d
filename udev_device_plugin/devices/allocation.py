"""What a container gets for the device IDs that the kubelet chose, which IDs to choose, and whether it may start.

Pure. The kubelet fails a pod for good on an error of ``allocate``, and shows the text to a person: so only
what can never be right is refused, and a known device that is absent at the moment is answered from its description.
The start of a container is refused for as long as a device is away: that, the kubelet tries again.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from udev_device_plugin.config.specs import PathType
from udev_device_plugin.devices.identity import id_base
from udev_device_plugin.devices.store import Device, DeviceSet, Member
from udev_device_plugin.errors import AllocationError


@dataclass(frozen=True, slots=True)
class Allocation:
    """What one container gets: members, each container path once, devices sorted by identity."""

    resource: str
    members: tuple[Member, ...]

    @property
    def environment(self) -> dict[str, str]:
        """Tells the container its device paths: ``squat.ai/serial`` → ``UDEV_RESOURCE_SQUAT_AI_SERIAL``."""
        name = "UDEV_RESOURCE_" + re.sub(r"[^A-Z0-9]", "_", self.resource.upper())
        paths = [member.container_path for member in self.members if member.type is PathType.DEVICE]
        return {name: ",".join(paths)}


def allocate(devices: DeviceSet, ids: Iterable[str]) -> Allocation:
    """What a container gets that was given ``ids``.

    Raises:
        AllocationError: for an ID that this resource never offered, for a device of which nothing but the ID is known,
            or for two devices that would land on one path in the container.
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
    device = devices.by_base.get(id_base(id_)) if id_base(id_) else None
    if device is not None:
        return device
    if any(id_ == remembered for remembered, _ in devices.remembered):
        raise AllocationError(
            f"{devices.resource}: the device {id_!r} has not been seen since this plugin started: plug it in,"
            " then delete the pod"
        )
    raise AllocationError(
        f"{devices.resource}: the device {id_!r} is not known to this plugin (any more):"
        " delete the pod, so that its replacement gets a device that is there"
    )


@dataclass(frozen=True, slots=True)
class Absence:
    """A device that a container must wait for.

    Attributes:
        id: what the kubelet calls it.
        name: what it is; the ID again if that is all that is known.
        since: when it went, monotonic seconds; None: not seen since the plugin started.
    """

    id: str
    name: str
    since: float | None


def absences(devices: DeviceSet, ids: Iterable[str]) -> tuple[Absence, ...]:
    """Which of the devices that a container was given are not there.

    IDs that are not of our making pass (a pod that the origin's plugin gave its device), and so do numbers of replicas
    that are not offered any more: their device is what counts.
    """
    missing: dict[str, Absence] = {}
    for id_ in ids:
        base = id_base(id_)
        if base is None:
            continue
        device = devices.by_base.get(base)
        if device is None:
            missing.setdefault(base, Absence(id_, id_, None))
        elif not device.is_healthy:
            missing.setdefault(base, Absence(id_, " + ".join(device.identity), device.since))
    return tuple(missing.values())


def prefer(devices: DeviceSet, available: Collection[str], must_include: Sequence[str], size: int) -> tuple[str, ...]:
    """Which of the ``available`` IDs a container of ``size`` devices should get.

    What it must have comes first, then different physical devices before replicas of one, of those the ones that are
    shared least, of those the ones on the NUMA nodes of what it has already; then the set's order. Always the same
    answer to the same question.
    """
    order = {id_: index for index, id_ in enumerate(devices.by_id)}
    chosen = list(must_include)
    free = [id_ for id_ in sorted(set(available) - set(chosen), key=lambda id_: order.get(id_, -1)) if id_ in order]
    in_use = Counter(devices.by_id[id_].identity for id_ in order.keys() - set(available))
    taken = Counter(devices.by_id[id_].identity for id_ in chosen if id_ in order)
    numa_nodes = {node for id_ in chosen if id_ in order for node in devices.by_id[id_].numa_nodes}

    def cost(id_: str) -> tuple[int, int, bool, int]:
        device = devices.by_id[id_]
        is_near = not numa_nodes or not device.numa_nodes or not numa_nodes.isdisjoint(device.numa_nodes)
        return taken[device.identity], in_use[device.identity], not is_near, order[id_]

    while len(chosen) < size and free:
        best = min(free, key=cost)
        free.remove(best)
        chosen.append(best)
        taken[devices.by_id[best].identity] += 1
        numa_nodes.update(devices.by_id[best].numa_nodes)
    return tuple(chosen)
