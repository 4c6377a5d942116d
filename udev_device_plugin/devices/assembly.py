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
from udev_device_plugin.devices.model import Circumstances, Formation, Formed
from udev_device_plugin.devices.retention import keep, remember
from udev_device_plugin.host.inventory import Inventory
from udev_device_plugin.selectors.paths.pairing import Pool, zipped
from udev_device_plugin.selectors.usb.grouping import QUIET, Assembly, Gathering, assemblies, gather


def form(spec: ResourceSpec, inventory: Inventory, previous: Formation, given: Circumstances) -> Formation:
    """What ``spec`` offers on this host now."""
    slots = [[Slot(index, member) for member in range(len(group.paths))] for index, group in enumerate(spec.groups)]
    of_sticks = [group.is_of_sticks for group in spec.groups]
    holding = [
        (slots[formed.group][formed.member if of_sticks[formed.group] else member], candidate)
        for formed in previous.formed
        for member, candidate in enumerate(formed.members)
        if candidate is not None
    ]
    present = {
        (slots[formed.group][member], candidate.path)
        for formed in previous.formed
        if formed.is_healthy and not of_sticks[formed.group]
        for member, candidate in enumerate(formed.members)
        if candidate is not None
    }
    found = candidates(spec, inventory, holding, given.links_directory, present)
    sticks = _sticks(spec, found, previous)
    of_members = [[found[slot] for slot in of_group] for of_group in slots]
    aged = (_aged(formed, spec, of_members[formed.group], sticks, given) for formed in previous.formed)
    kept = [renewed for formed in aged if (renewed := keep(formed, spec, given)) is not None]
    if previous.is_first:  # what another process of the plugin offered, and is not there any more
        kept = [formed for formed in kept if formed.is_healthy]
    formation: dict[Identity, Formed] = {}
    gatherings: list[Gathering] = []
    for index, group in enumerate(spec.groups):
        mine = [formed for formed in kept if formed.group == index]
        if group.is_of_sticks:
            formed_now, gathered = _of_sticks(index, mine, sticks[index], previous, given)
            gatherings += gathered
        else:
            formed_now = _of_paths(index, group, mine, found, given)
        for formed in formed_now:
            # Two groups can reach the same device: the first one has it, unless it is reached by the other only now.
            other = formation.get(formed.identity)
            if other is None or (formed.is_healthy and not other.is_healthy):
                formation[formed.identity] = formed
    remembered = remember(spec, previous, formation.values(), given)
    return Formation(tuple(formation.values()), remembered, tuple(gatherings), is_first=False)


def _of_paths(
    index: int, group: GroupSpec, mine: Sequence[Formed], found: Candidates, given: Circumstances
) -> list[Formed]:
    """A group's devices, with those that its paths make anew."""
    pools = [
        Pool(path_spec, found[Slot(index, member)], [formed.members[member] for formed in mine])
        for member, path_spec in enumerate(group.paths)
    ]
    completed = [_complete(formed, pools) for formed in mine]
    fresh = [Formed(_identity(group, chosen), index, chosen, True, given.now) for chosen in zipped(pools)]
    return completed + fresh


def _of_sticks(
    index: int, mine: Sequence[Formed], sticks: Mapping[str, Assembly], previous: Formation, given: Circumstances
) -> tuple[list[Formed], list[Gathering]]:
    """A group's devices, with the sticks that are whole now; and those that may not be so yet."""
    known = {formed.identity for formed in mine}
    fresh, gatherings = [], []
    for stick in sticks.values():
        if (stick.stick,) in known or not stick.is_whole:
            continue
        if stick.is_open_ended and not previous.is_first:
            gathering = gather(index, stick, previous.gatherings, given.now)
            if given.now < gathering.since + QUIET:
                gatherings.append(gathering)
                continue
        formed = Formed((stick.stick,), index, stick.nodes, True, given.now, member=stick.member, needs=stick.needs)
        fresh.append(formed)
    return [*mine, *fresh], gatherings


def _sticks(spec: ResourceSpec, found: Candidates, previous: Formation) -> dict[int, dict[str, Assembly]]:
    """By group, the sticks of which a node is there."""
    by_group: dict[int, dict[str, Assembly]] = {}
    for index, group in enumerate(spec.groups):
        if group.is_of_sticks:
            needs = {formed.identity[0]: formed.needs for formed in previous.formed if formed.group == index}
            by_group[index] = {seen.stick: seen for seen in assemblies(index, group, found, needs)}
    return by_group


def carried_over(formation: Formation, before: ResourceSpec, now: ResourceSpec) -> Formation:
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
    formed: Formed,
    spec: ResourceSpec,
    found: Sequence[Mapping[str, Candidate]],
    sticks: Mapping[int, Mapping[str, Assembly]],
    given: Circumstances,
) -> Formed:
    """A formed device as it is now: its health, and where its members are now."""
    if formed.group in sticks:
        aged = _aged_stick(formed, sticks[formed.group].get(formed.identity[0]))
    else:
        aged = _aged_zip(formed, spec.groups[formed.group], found)
    if aged.is_healthy == formed.is_healthy:
        return aged
    return replace(aged, since=given.now, keep_until=given.now + given.grace_period)


def _aged_zip(formed: Formed, group: GroupSpec, found: Sequence[Mapping[str, Candidate]]) -> Formed:
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


def _aged_stick(formed: Formed, now: Assembly | None) -> Formed:
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


def _complete(formed: Formed, pools: Sequence[Pool]) -> Formed:
    """A formed device with candidates for the optional paths that it lacks, as far as there are any."""
    if not formed.is_healthy or None not in formed.members:
        return formed
    members = tuple(
        member if member is not None else pool.take() for member, pool in zip(formed.members, pools, strict=True)
    )
    return replace(formed, members=members)
