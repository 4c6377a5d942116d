"""Which devices a resource offers: the candidates of its paths, zipped into devices that stay together.

Floor 3, pure: what the host has, what was offered before, what pods hold and the time go in; a formation comes out.
Invariants, for every call: a device that was formed keeps its members until it is forgotten; no two devices share an
identity; nothing that a pod holds is forgotten.
"""

import operator
from collections.abc import Mapping, Sequence
from dataclasses import replace

from udev_device_plugin.config.specs import GroupSpec, PathType, ResourceSpec
from udev_device_plugin.devices.candidates import Candidate, Candidates, Slot, candidates
from udev_device_plugin.devices.identity import Identity
from udev_device_plugin.devices.model import AssembledDevice, AssembledResource, AssemblyContext
from udev_device_plugin.devices.retention import keep, remember
from udev_device_plugin.host.inventory import Inventory
from udev_device_plugin.selectors.paths.pairing import Pool, paired
from udev_device_plugin.selectors.usb.grouping import QUIET, Assembly, SettlingUsbDevice, assemblies, gather


def assemble(
    spec: ResourceSpec, inventory: Inventory, previous: AssembledResource, given: AssemblyContext
) -> AssembledResource:
    """What ``spec`` offers on this host now."""
    slots = [[Slot(index, member) for member in range(len(group.paths))] for index, group in enumerate(spec.groups)]
    of_usb_devices = [group.is_of_usb_devices for group in spec.groups]
    holding = [
        (slots[formed.group][formed.member if of_usb_devices[formed.group] else member], candidate)
        for formed in previous.formed
        for member, candidate in enumerate(formed.members)
        if candidate is not None
    ]
    present = {
        (slots[formed.group][member], candidate.path)
        for formed in previous.formed
        if formed.is_healthy and not of_usb_devices[formed.group]
        for member, candidate in enumerate(formed.members)
        if candidate is not None
    }
    found = candidates(spec, inventory, holding, given.links_directory, present)
    usb_devices = _usb_devices(spec, found, previous)
    of_members = [[found[slot] for slot in of_group] for of_group in slots]
    aged = (_aged(formed, spec, of_members[formed.group], usb_devices, given) for formed in previous.formed)
    kept = [renewed for formed in aged if (renewed := keep(formed, spec, given)) is not None]
    if previous.is_first:  # what another process of the plugin offered, and is not there any more
        kept = [formed for formed in kept if formed.is_healthy]
    formation: dict[Identity, AssembledDevice] = {}
    gatherings: list[SettlingUsbDevice] = []
    for index, group in enumerate(spec.groups):
        mine = [formed for formed in kept if formed.group == index]
        if group.is_of_usb_devices:
            formed_now, gathered = _of_usb_devices(index, mine, usb_devices[index], previous, given)
            gatherings += gathered
        else:
            formed_now = _of_paths(index, group, mine, found, given)
        for formed in formed_now:
            # Two groups can reach the same device: the first one has it, unless it is reached by the other only now.
            other = formation.get(formed.identity)
            if other is None or (formed.is_healthy and not other.is_healthy):
                formation[formed.identity] = formed
    remembered = remember(spec, previous, formation.values(), given)
    return AssembledResource(tuple(formation.values()), remembered, tuple(gatherings), is_first=False)


def _of_paths(
    index: int, group: GroupSpec, mine: Sequence[AssembledDevice], found: Candidates, given: AssemblyContext
) -> list[AssembledDevice]:
    """A group's devices, with those that its paths make anew."""
    pools = [
        Pool(path_spec, found[Slot(index, member)], [formed.members[member] for formed in mine])
        for member, path_spec in enumerate(group.paths)
    ]
    completed = [_complete(formed, pools) for formed in mine]
    fresh = [AssembledDevice(_identity(group, chosen), index, chosen, True, given.now) for chosen in paired(pools)]
    return completed + fresh


def _of_usb_devices(
    index: int,
    mine: Sequence[AssembledDevice],
    usb_devices: Mapping[str, Assembly],
    previous: AssembledResource,
    given: AssemblyContext,
) -> tuple[list[AssembledDevice], list[SettlingUsbDevice]]:
    """A group's devices, with the USB devices that are whole now; and those that may not be so yet."""
    known = {formed.identity for formed in mine}
    fresh, gatherings = [], []
    for usb_device in usb_devices.values():
        if (usb_device.usb_device,) in known or not usb_device.is_whole:
            continue
        if usb_device.is_open_ended and not previous.is_first:
            gathering = gather(index, usb_device, previous.gatherings, given.now)
            if given.now < gathering.since + QUIET:
                gatherings.append(gathering)
                continue
        formed = AssembledDevice(
            (usb_device.usb_device,),
            index,
            usb_device.nodes,
            True,
            given.now,
            member=usb_device.member,
            needs=usb_device.needs,
        )
        fresh.append(formed)
    return [*mine, *fresh], gatherings


def _usb_devices(spec: ResourceSpec, found: Candidates, previous: AssembledResource) -> dict[int, dict[str, Assembly]]:
    """By group, the USB devices of which a node is there."""
    by_group: dict[int, dict[str, Assembly]] = {}
    for index, group in enumerate(spec.groups):
        if group.is_of_usb_devices:
            needs = {formed.identity[0]: formed.needs for formed in previous.formed if formed.group == index}
            by_group[index] = {seen.usb_device: seen for seen in assemblies(index, group, found, needs)}
    return by_group


def carried_over(formation: AssembledResource, before: ResourceSpec, now: ResourceSpec) -> AssembledResource:
    """A formation under a changed spec: devices stay as they are where their group asks for the same as before.

    What is offered by no such group is formed anew; what pods hold of it is remembered by its ID.
    """
    groups = {group.asks_for: index for index, group in reversed(list(enumerate(now.groups)))}
    kept = tuple(
        replace(formed, group=index)
        for formed in formation.formed
        if (index := groups.get(before.groups[formed.group].asks_for)) is not None
    )
    return replace(formation, formed=kept, gatherings=())


def _identity(group: GroupSpec, members: Sequence[Candidate | None]) -> Identity:
    """The required device members; where there are none, all members."""
    required = tuple(
        candidate.identity
        for path_spec, candidate in zip(group.paths, members, strict=True)
        if candidate is not None and path_spec.type is PathType.DEVICE and not path_spec.optional
    )
    return required or tuple(candidate.identity for candidate in members if candidate is not None)


def _aged(
    formed: AssembledDevice,
    spec: ResourceSpec,
    found: Sequence[Mapping[str, Candidate]],
    usb_devices: Mapping[int, Mapping[str, Assembly]],
    given: AssemblyContext,
) -> AssembledDevice:
    """A formed device as it is now: its health, and where its members are now."""
    if formed.group in usb_devices:
        aged = _aged_usb_device(formed, usb_devices[formed.group].get(formed.identity[0]))
    else:
        aged = _aged_zip(formed, spec.groups[formed.group], found)
    if aged.is_healthy == formed.is_healthy:
        return aged
    return replace(aged, since=given.now, keep_until=given.now + given.grace_period)


def _aged_zip(formed: AssembledDevice, group: GroupSpec, found: Sequence[Mapping[str, Candidate]]) -> AssembledDevice:
    """Without optional members that are gone."""
    is_healthy, members = True, list(formed.members)
    for member, (path_spec, candidate) in enumerate(zip(group.paths, formed.members, strict=True)):
        if candidate is None:
            continue
        now = found[member].get(candidate.identity)
        if now is candidate:
            continue
        if now is not None:
            members[member] = _succeed(candidate, now)
        elif path_spec.optional and candidate.identity not in formed.identity:
            members[member] = None
        else:
            is_healthy = False
    if is_healthy == formed.is_healthy and all(map(operator.is_, members, formed.members)):
        return formed
    return replace(formed, members=tuple(members), is_healthy=is_healthy)


def _aged_usb_device(formed: AssembledDevice, now: Assembly | None) -> AssembledDevice:
    """With the nodes that it has now, if they are all there, else with those that it had."""
    if now is None:
        return replace(formed, is_healthy=False)
    before = {node.identity: node for node in formed.members if node is not None}
    here = {node.identity: _succeed(before.get(node.identity), node) for node in now.nodes}
    members = tuple(here.values()) if now.is_whole else tuple(here.get(key, node) for key, node in before.items())
    return replace(formed, members=members, is_healthy=now.is_whole, member=now.member, needs=now.needs)


def _succeed(before: Candidate | None, now: Candidate) -> Candidate:
    """A link of our own that was handed out once is good for as long as the device is known."""
    if before is None or now.own_link or not before.own_link:
        return now
    return replace(now, own_link=before.own_link)


def _complete(formed: AssembledDevice, pools: Sequence[Pool]) -> AssembledDevice:
    """A formed device with candidates for the optional paths that it lacks, as far as there are any."""
    if not formed.is_healthy or None not in formed.members:
        return formed
    members = tuple(
        member if member is not None else pool.take() for member, pool in zip(formed.members, pools, strict=True)
    )
    return replace(formed, members=members)
