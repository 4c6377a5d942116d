"""What a container gets for its device IDs, which IDs the kubelet should choose, and what a container waits for.

Pure. The kubelet fails a pod for good on an error of ``allocate``, and shows its text to a person. So only what can
never be right is refused; a known device that is absent is answered from its description. The start of a container is
refused while a device is absent: the kubelet repeats that call.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from udev_device_plugin.config.specs import PathType
from udev_device_plugin.devices.device import Device, DeviceSet, Member
from udev_device_plugin.devices.identity import id_base, shown_id
from udev_device_plugin.errors import AllocationError

USB_BUS = Member("/dev/bus/usb", "/dev/bus/usb", "/dev/bus/usb", PathType.MOUNT, read_only=True)
"""The raw nodes of all USB devices, which a container with one of them sees and cannot open but for its own.

libusb opens ``/dev/bus/usb/BBB/DDD`` by the number that sysfs shows now, while the kubelet keeps the container paths of
the first ``Allocate``: under such a path of its own, libusb would not find the device after a replug.
"""


@dataclass(frozen=True, slots=True)
class Allocation:
    """What one container gets: each container path once, devices sorted by identity."""

    resource: str
    members: tuple[Member, ...]

    @property
    def environment(self) -> dict[str, str]:
        """The variable with its device paths: for ``squat.ai/serial``, ``UDEV_RESOURCE_SQUAT_AI_SERIAL``."""
        name = "UDEV_RESOURCE_" + re.sub(r"[^A-Z0-9]", "_", self.resource.upper())
        paths = [member.container_path for member in self.members if member.type is PathType.DEVICE]
        return {name: ",".join(paths)}


def allocate(devices: DeviceSet, ids: Iterable[str]) -> Allocation:
    """Return what a container gets for ``ids``.

    Raises:
        AllocationError: an ID is unknown, or all that is known of its device; or two devices have one container path.
    """
    chosen = {device.identity: device for device in (_find(devices, id_) for id_ in ids)}
    members: dict[str, Member] = {}
    for _, device in sorted(chosen.items()):  # the kubelet's order is random
        bus = [USB_BUS] if any(member.needs_bus for member in device.members) else []
        for member in (*device.members, *bus):
            other = members.setdefault(member.container_path, member)
            is_same_node = other in device.members and other.number == member.number is not None
            if other.host_path != member.host_path and not is_same_node:
                raise AllocationError(
                    f"{devices.resource}: {other.host_path} and {member.host_path} would both be"
                    f" {member.container_path} in the container: request one device only, or give the paths"
                    " mountPaths of their own (a mountPath that ends in / keeps the device's own name)"
                )
    return Allocation(devices.resource, tuple(members.values()))


def _find(devices: DeviceSet, id_: str) -> Device:
    base = id_base(id_)
    if base is not None and base in devices.by_base:
        device = devices.by_base[base]
        if device.is_recorded:
            raise AllocationError(
                f"{devices.resource}: the device {shown_id(id_)} is no longer what the configuration selects:"
                " delete the pod, so that its replacement gets another one"
            )
        return device
    if any(id_ == one for one, _ in devices.unseen):
        raise AllocationError(
            f"{devices.resource}: the device {shown_id(id_)} has not been seen since this plugin started: plug it in,"
            " then delete the pod"
        )
    raise AllocationError(
        f"{devices.resource}: the device {shown_id(id_)} is not known to this plugin (any more):"
        " delete the pod, so that its replacement gets a device that is there"
    )


class Absence(NamedTuple):
    """A device that a container must wait for.

    Attributes:
        name: identity of the device; its ID if that is all that is known.
        since: when it became absent, monotonic seconds; None: it has not been seen since the plugin started.
        members: what is known of it.
    """

    name: str
    since: float | None
    members: tuple[Member, ...] = ()


def absences(devices: DeviceSet, ids: Iterable[str]) -> tuple[Absence, ...]:
    """Return which of a container's devices are absent.

    An ID that this plugin did not make is never absent (another plugin gave the pod its device), nor is one whose
    replica number is not offered any more while its device is present.
    """
    missing: dict[str, Absence] = {}
    for id_ in ids:
        if (base := id_base(id_)) is not None:
            device = devices.by_base.get(base)
            if device is None:
                missing.setdefault(base, Absence(id_, None))
            elif not device.is_healthy:
                missing.setdefault(base, Absence(" + ".join(device.identity), device.since, device.members))
    return tuple(missing.values())


def prefer(devices: DeviceSet, available: Collection[str], must_include: Sequence[str], size: int) -> tuple[str, ...]:
    """Return which of the ``available`` IDs a container of ``size`` devices should get; always the same ones.

    First ``must_include``; then those that the configuration forms rather than former ones; of those different devices
    rather than replicas of one; of those the least shared ones; of those the ones on the NUMA nodes of the devices
    before; then the set's order.
    """
    order = {id_: index for index, id_ in enumerate(devices.by_id)}
    chosen = list(must_include)
    free = [id_ for id_ in sorted(set(available) - set(chosen), key=lambda id_: order.get(id_, -1)) if id_ in order]
    in_use = Counter(devices.by_id[id_].identity for id_ in order.keys() - set(available))
    taken = Counter(devices.by_id[id_].identity for id_ in chosen if id_ in order)
    numa_nodes = {node for id_ in chosen if id_ in order for node in devices.by_id[id_].numa_nodes}

    def cost(id_: str) -> tuple[bool, int, int, bool, int]:
        device = devices.by_id[id_]
        is_near = not numa_nodes or not device.numa_nodes or not numa_nodes.isdisjoint(device.numa_nodes)
        is_former = device.held_ids is not None
        return is_former, taken[device.identity], in_use[device.identity], not is_near, order[id_]

    while len(chosen) < size and free:
        best = min(free, key=cost)
        free.remove(best)
        chosen.append(best)
        taken[devices.by_id[best].identity] += 1
        numa_nodes.update(devices.by_id[best].numa_nodes)
    return tuple(chosen)
