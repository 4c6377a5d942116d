"""Describes a resource's devices for the rest of the program. Pure."""

import re

from udev_device_plugin.config.specs import PathSpec, PathType, ResourceSpec
from udev_device_plugin.devices.assembled import AssembledDevice, AssembledResource
from udev_device_plugin.devices.candidates import Candidate, node_key
from udev_device_plugin.devices.device import NO_INFO, Device, DeviceInfo, DeviceSet, Member
from udev_device_plugin.devices.identity import own_link_name
from udev_device_plugin.host.inventory import Inventory
from udev_device_plugin.host.model import HostDevice
from udev_device_plugin.host.topology import interface_and_kind, port, usb_port
from udev_device_plugin.selectors.usb.selector import RAW

NODES_BESIDE_BUS = "/dev/udev-device-plugin/"
"""Where a container finds a raw USB node for which it gets the bus, too: not below that, which is read-only."""

_INTERFACE = re.compile(r":(\d+\.\d+)$")


def device_set(
    spec: ResourceSpec,
    assembled: AssembledResource,
    inventory: Inventory | None = None,
    before: DeviceSet | None = None,
) -> DeviceSet:
    """Return a resource's devices, sorted by identity.

    Args:
        spec: the resource.
        assembled: its devices.
        inventory: knows the hardware behind their nodes; None: that is left out.
        before: the previous set; knows the hardware behind absent nodes.
    """
    known = {
        (device.identity, member.identity): member.info
        for device in (before.devices if before is not None else ())
        for member in device.members
    }

    def member(device: AssembledDevice, path_spec: PathSpec, candidate: Candidate) -> Member:
        entry = inventory.entries.get(candidate.path) if inventory is not None else None
        if inventory is None or entry is None or node_key(inventory, entry) != candidate.node:
            return _member(path_spec, candidate, known.get((device.identity, candidate.identity), NO_INFO))
        if (behind := inventory.device_at(entry)) is None:
            return _member(path_spec, candidate, NO_INFO)
        contended = tuple(link for link in behind.devlinks if not inventory.is_sole_claim(behind, link))
        return _member(path_spec, candidate, device_info(behind), contended)

    def describe(device: AssembledDevice) -> Device:
        group = spec.groups[device.group]
        members = tuple(member(device, group.paths[slot.member], candidate) for slot, candidate in device.matches(spec))
        numa_nodes = sorted({one.numa_node for one in device.members if one and one.numa_node is not None})
        held_ids = tuple(sorted(device.held_ids or ())) if device.is_former else None
        count = group.count if held_ids is None else len(held_ids)
        return Device(
            device.identity,
            members,
            count,
            device.is_healthy,
            device.since,
            tuple(numa_nodes),
            held_ids,
            group.is_recorded,
        )

    devices = sorted(map(describe, assembled.devices), key=lambda device: device.identity)
    unseen = tuple((one.id, one.since) for one in assembled.unseen)
    return DeviceSet(spec.resource, tuple(devices), unseen, assembled.left_out)


def device_info(device: HostDevice) -> DeviceInfo:
    """Return what is known of a device's hardware."""
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


def _member(path_spec: PathSpec, candidate: Candidate, info: DeviceInfo, contended: tuple[str, ...] = ()) -> Member:
    needs_bus = path_spec.mounts_bus and candidate.subsystem == RAW
    own_path = NODES_BESIDE_BUS + own_link_name(candidate.identity)
    return Member(
        identity=candidate.identity,
        host_path=candidate.host_path,
        container_path=own_path if needs_bus else path_spec.container_path(candidate.path),
        type=path_spec.type,
        permissions=path_spec.permissions if path_spec.type is PathType.DEVICE else "",
        read_only=path_spec.read_only,
        node=candidate.target,
        number=candidate.node.number,
        own_link=candidate.own_link,
        is_optional=path_spec.optional,
        needs_bus=needs_bus,
        info=info,
        inode=candidate.node.inode,
        selector=str(path_spec.selector),
        contended=contended,
    )
