"""Which devices a resource offers: the candidates of its paths, grouped into devices that stay together.

Pure: what is on the host, what was offered before, what pods hold and the time go in; an assembled resource comes out.
Event loop only. Candidates become devices by pairing those of a group's paths (`pairing`), or by their USB device
(`usb_devices`). Invariants, for every call: a device keeps its members until it is forgotten; no two devices share an
identity; nothing that a pod holds is forgotten.
"""

from dataclasses import replace

from udev_device_plugin.config.specs import GroupSpec, ResourceSpec
from udev_device_plugin.devices.assembled import (
    AssembledDevice,
    AssembledResource,
    AssemblyContext,
    SettlingUsbDevice,
)
from udev_device_plugin.devices.candidates import Slot
from udev_device_plugin.devices.former import has_former_groups, held_nodes
from udev_device_plugin.devices.identity import Identity
from udev_device_plugin.devices.pairing import PairedGroup
from udev_device_plugin.devices.path_assignment import candidates
from udev_device_plugin.devices.retention import keep, unseen_devices
from udev_device_plugin.devices.usb_devices import UsbDeviceGroup
from udev_device_plugin.host.inventory import Inventory


def assemble(
    spec: ResourceSpec, inventory: Inventory, previous: AssembledResource, given: AssemblyContext
) -> AssembledResource:
    """Return what ``spec`` offers on this host now."""
    previous = _adopted(spec, inventory, previous, given)
    withheld = given.withheld | held_nodes(spec, previous, inventory, given.links_directory)
    groups = _groups(spec, inventory, previous, replace(given, withheld=withheld))
    renewed = (_renewed(device, groups[device.group], given) for device in previous.devices)
    kept = [one for device in renewed if (one := keep(device, spec, given)) is not None]
    if previous.is_first:  # devices that an earlier process of the plugin offered, and that are absent now
        kept = [device for device in kept if device.is_healthy or device.is_former]
    former = {device.identity: device for device in kept if device.is_former}
    devices: dict[Identity, AssembledDevice] = {}
    settling: list[SettlingUsbDevice] = []
    for index, group in enumerate(groups):
        known = [device for device in kept if device.group == index]
        if isinstance(group, UsbDeviceGroup):
            completed, (new, waiting) = known, group.assembled(known)
        else:
            (completed, new), waiting = group.assembled(known), []
        if spec.groups[index].is_former:
            new, waiting = [], []
        settling += waiting
        for device in (*map(_updated, known, completed), *new):
            # Two groups can reach the same device: the first one has it, unless only the other one reaches it now.
            other = devices.get(device.identity)
            is_other_held = device.identity in former and not device.is_former
            if not is_other_held and (other is None or (device.is_healthy and not other.is_healthy)):
                devices[device.identity] = device
    unseen = unseen_devices(spec, previous, devices.values(), given)
    return AssembledResource(tuple(devices.values()), unseen, tuple(settling), is_first=False)


def _adopted(
    spec: ResourceSpec, inventory: Inventory, previous: AssembledResource, given: AssemblyContext
) -> AssembledResource:
    """Return what was offered before, with those former devices in their groups that the configuration forms again.

    It does if it gives a device of the same identity the same members, or more; nodes keep their identities for that.
    Of the others, those that no pod holds are left out.
    """
    if not has_former_groups(spec):
        return previous
    former = {device.identity: device for device in previous.devices if device.is_former}
    configured = replace(spec, groups=tuple(GroupSpec(()) if group.is_former else group for group in spec.groups))
    rest = tuple(device for device in previous.devices if not device.is_former)
    remembered = tuple(
        (spec.groups[slot.group].paths[slot.member].selector.is_by_usb_device, candidate)
        for device in former.values()
        for slot, candidate in device.matches(spec)
        if candidate.identity != candidate.path  # such a one is known by its path alone
    )
    as_at_first = replace(previous, devices=rest, unseen=(), is_first=True)  # what is there counts as complete
    now = assemble(configured, inventory, as_at_first, replace(given, remembered=remembered))
    formed = {device.identity: device for device in now.devices if device.identity in former}
    adopted = {
        identity: replace(_updated(before, device), group=device.group, is_former=False, held_ids=None)
        for identity, device in formed.items()
        if device.is_healthy and _names(before := former[identity]) <= _names(device)
    }
    devices = (adopted.get(one.identity, one) if one.is_former else one for one in previous.devices)
    return replace(previous, devices=tuple(one for one in devices if not one.is_let_go))


def _names(device: AssembledDevice) -> set[str]:
    """The identities of a device's members."""
    return {member.identity for member in device.members if member is not None}


def _groups(
    spec: ResourceSpec, inventory: Inventory, previous: AssembledResource, given: AssemblyContext
) -> list[PairedGroup | UsbDeviceGroup]:
    """The groups, with the present candidates of their paths."""
    members = [(device.is_healthy, *match) for device in previous.devices for match in device.matches(spec)]
    held = [(slot, candidate) for _, slot, candidate in members]
    present = {(slot, candidate.path) for is_healthy, slot, candidate in members if is_healthy}
    found = candidates(spec, inventory, held, given, present)
    return [
        UsbDeviceGroup(index, group.paths[0].selector, found[Slot(index, 0)].values(), previous, given.now)
        if group.is_of_usb_devices
        else PairedGroup(
            index, group.paths, [found[Slot(index, member)] for member in range(len(group.paths))], given.now
        )
        for index, group in enumerate(spec.groups)
    ]


def _renewed(device: AssembledDevice, group: PairedGroup | UsbDeviceGroup, given: AssemblyContext) -> AssembledDevice:
    """A known device as it is now: its health, and where its members are."""
    renewed = _updated(device, group.renewed(device))
    if renewed.is_healthy == device.is_healthy:
        return renewed
    if device.is_former:  # which is kept for as long as a pod holds it
        return replace(renewed, since=given.now)
    return replace(renewed, since=given.now, keep_until=given.now + given.grace_period)


def _updated(device: AssembledDevice, now: AssembledDevice) -> AssembledDevice:
    """A known device with its present members, which keep an own link that a container may have got."""
    links = {member.identity: member.own_link for member in device.members if member is not None}
    members = tuple(one and replace(one, own_link=one.own_link or links.get(one.identity, "")) for one in now.members)
    return replace(device, members=members, is_healthy=now.is_healthy, needs=now.needs)
