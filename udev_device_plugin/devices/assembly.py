"""Which devices a resource offers: the candidates of its paths, grouped into devices that stay together.

Pure: what the host has, what was offered before, what pods hold and the time go in; an assembled resource comes out.
Event loop only. How candidates become devices is up to the selectors (``selectors.grouping``). Invariants, for every
call: a device that was formed keeps its members until it is forgotten; no two devices share an identity; nothing that a
pod holds is forgotten.
"""

from dataclasses import replace

from udev_device_plugin.config.specs import ResourceSpec
from udev_device_plugin.devices.candidates import Candidate, Slot
from udev_device_plugin.devices.claims import candidates
from udev_device_plugin.devices.identity import Identity
from udev_device_plugin.devices.model import AssembledDevice, AssembledResource, AssemblyContext
from udev_device_plugin.devices.retention import keep, remember
from udev_device_plugin.host.inventory import Inventory
from udev_device_plugin.selectors.grouping import Composition, Group, Moment, SettlingUsbDevice


def assemble(
    spec: ResourceSpec, inventory: Inventory, previous: AssembledResource, given: AssemblyContext
) -> AssembledResource:
    """What ``spec`` offers on this host now."""
    groups = _groups(spec, inventory, previous, given)
    aged = (_aged(formed, groups[formed.group], given) for formed in previous.formed)
    kept = [renewed for formed in aged if (renewed := keep(formed, spec, given)) is not None]
    if previous.is_first:  # what another process of the plugin offered, and is not there any more
        kept = [formed for formed in kept if formed.is_healthy]
    formation: dict[Identity, AssembledDevice] = {}
    settling: list[SettlingUsbDevice] = []
    moment = Moment(given.now, previous.is_first, previous.gatherings)
    for index, group in enumerate(groups):
        mine = [formed for formed in kept if formed.group == index]
        now = group.assembled(mine, moment)
        settling += now.settling
        new = (
            AssembledDevice(one.identity, index, one.members, True, given.now, member=one.member, needs=one.needs)
            for one in now.new
        )
        for formed in (*map(_updated, mine, now.known), *new):
            # Two groups can reach the same device: the first one has it, unless it is reached by the other only now.
            other = formation.get(formed.identity)
            if other is None or (formed.is_healthy and not other.is_healthy):
                formation[formed.identity] = formed
    remembered = remember(spec, previous, formation.values(), given)
    return AssembledResource(tuple(formation.values()), remembered, tuple(settling), is_first=False)


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


def _groups(
    spec: ResourceSpec, inventory: Inventory, previous: AssembledResource, given: AssemblyContext
) -> list[Group[Candidate]]:
    """The groups, with what their paths may have now."""
    holding = [match for formed in previous.formed for match in formed.matches(spec)]
    present = {
        (slot, candidate.path)
        for formed in previous.formed
        if formed.is_healthy
        for slot, candidate in formed.matches(spec)
    }
    found = candidates(spec, inventory, holding, given.links_directory, present)
    return [
        group.grouping.group(
            index,
            group.paths,
            [found[Slot(index, member)] for member in range(len(group.paths))],
            [formed for formed in previous.formed if formed.group == index],
        )
        for index, group in enumerate(spec.groups)
    ]


def _aged(formed: AssembledDevice, group: Group[Candidate], given: AssemblyContext) -> AssembledDevice:
    """A formed device as it is now: its health, and where its members are now."""
    aged = _updated(formed, group.renewed(formed))
    if aged.is_healthy == formed.is_healthy:
        return aged
    return replace(aged, since=given.now, keep_until=given.now + given.grace_period)


def _updated(formed: AssembledDevice, now: Composition[Candidate]) -> AssembledDevice:
    """A formed device that is made of this now; the same object if nothing changed, which is not described anew."""
    before = {member.identity: member for member in formed.members if member is not None}
    members = tuple(None if one is None else _succeed(before.get(one.identity), one) for one in now.members)
    updated = replace(formed, members=members, is_healthy=now.is_healthy, member=now.member, needs=now.needs)
    return formed if updated == formed else updated


def _succeed(before: Candidate | None, now: Candidate) -> Candidate:
    """A link of our own that was handed out once is good for as long as the device is known."""
    if before is None or now.own_link or not before.own_link:
        return now
    return replace(now, own_link=before.own_link)
