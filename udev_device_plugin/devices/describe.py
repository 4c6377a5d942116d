"""A resource's devices as the rest of the program sees them. Pure."""

import re
from collections.abc import Callable

from udev_device_plugin.config.specs import PathSpec, PathType, ResourceSpec
from udev_device_plugin.devices.candidates import Candidate, node_key
from udev_device_plugin.devices.model import NO_INFO, AssembledDevice, AssembledResource, DeviceInfo
from udev_device_plugin.devices.store import Device, DeviceSet, Member
from udev_device_plugin.host.inventory import Inventory
from udev_device_plugin.host.model import HostDevice
from udev_device_plugin.host.topology import interface_and_kind, port, usb_port

_INTERFACE = re.compile(r":(\d+\.\d+)$")

_Info = Callable[[AssembledDevice, Candidate], DeviceInfo]


def device_set(
    spec: ResourceSpec,
    assembled: AssembledResource,
    inventory: Inventory | None = None,
    before: DeviceSet | None = None,
) -> DeviceSet:
    """A resource's devices, sorted by identity.

    Args:
        spec: the resource.
        assembled: its devices.
        inventory: knows what is behind their nodes; None: that is left out.
        before: the description before this one; it knows what was behind nodes that are absent.
    """
    info = _knowing(inventory, before)
    devices = sorted((_describe(spec, device, info) for device in assembled.formed), key=lambda device: device.identity)
    remembered = tuple((unseen.id, unseen.since) for unseen in assembled.remembered)
    return DeviceSet(spec.resource, tuple(devices), remembered)


def _knowing(inventory: Inventory | None, before: DeviceSet | None) -> _Info:
    known = {
        (device.identity, member.identity): member.info
        for device in (before.devices if before is not None else ())
        for member in device.members
    }

    def info(assembled: AssembledDevice, candidate: Candidate) -> DeviceInfo:
        entry = inventory.entries.get(candidate.path) if inventory is not None else None
        if inventory is None or entry is None or node_key(inventory, entry) != candidate.node:
            return known.get((assembled.identity, candidate.identity), NO_INFO)
        device = inventory.device_at(entry)
        return NO_INFO if device is None else device_info(device)

    return info


def device_info(device: HostDevice) -> DeviceInfo:
    """What a device is."""
    usb_device, interface = device.usb_device, _INTERFACE.search(interface_and_kind(device))
    return DeviceInfo(
        vendor=usb_device.vendor if usb_device is not None else "",
        product=usb_device.product if usb_device is not None else "",
        serial=(usb_device is not None and usb_device.serial) or device.serial,
        manufacturer=usb_device.manufacturer if usb_device is not None else "",
        model=usb_device.model if usb_device is not None else "",
        port=usb_port(usb_device) if usb_device is not None else port(device),
        interface=interface[1] if interface is not None else "",
        subsystem=device.subsystem,
        driver=device.driver,
    )


def _describe(spec: ResourceSpec, device: AssembledDevice, info: _Info) -> Device:
    group = spec.groups[device.group]
    members = tuple(
        _member(group.paths[slot.member], candidate, info(device, candidate))
        for slot, candidate in device.matches(spec)
    )
    numa_nodes = {candidate.numa_node for candidate in device.members if candidate and candidate.numa_node is not None}
    return Device(device.identity, members, group.count, device.is_healthy, device.since, tuple(sorted(numa_nodes)))


def _member(path_spec: PathSpec, candidate: Candidate, info: DeviceInfo) -> Member:
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
        info=info,
    )
