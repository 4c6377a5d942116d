"""Which devices a resource offers: the candidates of its paths, zipped into devices that stay together.

Floor 3, pure: what the host has, what was offered before, what pods hold and the time go in; a formation comes out.
Invariants, for every call: a device that was formed keeps its members until it is forgotten; no two devices share an
identity; nothing that a pod holds is forgotten.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from udev_device_plugin.candidates import Candidate, Candidates, Slot, candidates
from udev_device_plugin.config.specs import GroupSpec, PathSpec, PathType, ResourceSpec
from udev_device_plugin.identity import Identity, device_id, id_base
from udev_device_plugin.inventory import Inventory
from udev_device_plugin.snapshots import Device, DeviceSet, Member
from udev_device_plugin.sticks import QUIET, Assembly, Gathering, Numbers, assemblies, gather
from udev_device_plugin.zipping import Pool, zipped

MIN_ASK = 60.0
"""Seconds from one question whether a pod still holds an absent device to the next, at least."""

FRESH = 1.0
"""Seconds from the answer to ``Allocate`` within which a kubelet certainly counts the pod as holding the device."""


@dataclass(frozen=True, slots=True)
class Formed:
    """A device as it was put together once.

    Attributes:
        identity: what makes it itself, for as long as it is known.
        group: which of the spec's groups it belongs to.
        members: what each of the group's paths gave to it, as last seen; None for an optional one that had nothing.
            Of a stick: its nodes.
        is_healthy: whether all required ones are there.
        since: when that last changed, monotonic seconds.
        keep_until: until when it is kept without being asked for, if it is absent; monotonic seconds.
        member: of a stick: which of the group's paths selects it.
        needs: of a stick: how many nodes it takes to be whole.
    """

    identity: Identity
    group: int
    members: tuple[Candidate | None, ...]
    is_healthy: bool
    since: float
    keep_until: float = 0.0
    member: int = 0
    needs: Numbers = ()


@dataclass(frozen=True, slots=True)
class Remembered:
    """A device that a pod holds and that has not been seen since the plugin started: the ID is all that is known."""

    id: str
    since: float
    keep_until: float


@dataclass(frozen=True, slots=True)
class Formation:
    """What a resource offers.

    Attributes:
        formed: all devices, those of earlier groups and earlier formation first.
        remembered: what pods hold besides.
        gatherings: sticks whose nodes are still counted.
        is_first: whether the host has not been looked at yet; what is there by then is as complete as it gets.
    """

    formed: tuple[Formed, ...] = ()
    remembered: tuple[Remembered, ...] = ()
    gatherings: tuple[Gathering, ...] = ()
    is_first: bool = True

    @property
    def settles_at(self) -> float | None:
        """When the next stick will have been quiet for long enough, monotonic seconds; None if none is awaited."""
        return min((gathering.since + QUIET for gathering in self.gatherings), default=None)

    @property
    def expires_at(self) -> float | None:
        """When the time of the next absent device is up, monotonic seconds; None if none is absent."""
        times = [formed.keep_until for formed in self.formed if not formed.is_healthy]
        return min((*times, *(remembered.keep_until for remembered in self.remembered)), default=None)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a formation depends on besides the host.

    Attributes:
        now: monotonic seconds.
        grace_period: for how many seconds an absent device is kept, Unhealthy.
        links_directory: where our own links are; with a trailing slash.
        held: the IDs of the resource that pods hold; None while nobody has asked: then nothing is forgotten.
        fresh: IDs that were handed out so recently that a kubelet may not count them among the held ones yet.
    """

    now: float
    grace_period: float
    links_directory: str = ""
    held: frozenset[str] | None = None
    fresh: frozenset[str] = frozenset()


def form(spec: ResourceSpec, inventory: Inventory, previous: Formation, given: Circumstances) -> Formation:
    """What ``spec`` offers on this host now."""
    holding = [
        (Slot(formed.group, formed.member if spec.groups[formed.group].is_of_sticks else member), candidate)
        for formed in previous.formed
        for member, candidate in enumerate(formed.members)
        if candidate is not None
    ]
    found = candidates(spec, inventory, holding, given.links_directory)
    sticks = _sticks(spec, found, previous)
    aged = (_aged(formed, spec, found, sticks, given) for formed in previous.formed)
    kept = [renewed for formed in aged if (renewed := _keep(formed, spec, given)) is not None]
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
    remembered = _remember(spec, previous, formation.values(), given)
    return Formation(tuple(formation.values()), remembered, tuple(gatherings), is_first=False)


def _of_paths(
    index: int, group: GroupSpec, mine: Sequence[Formed], found: Candidates, given: Circumstances
) -> list[Formed]:
    """A group's devices, with those that its paths make anew."""
    pools = [
        Pool(path_spec, found[Slot(index, member)], Counter(_identity_of(formed.members[member]) for formed in mine))
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
    groups = {_question(group): index for index, group in reversed(list(enumerate(now.groups)))}
    kept = tuple(
        replace(formed, group=index)
        for formed in formation.formed
        if (index := groups.get(_question(before.groups[formed.group]))) is not None
    )
    return replace(formation, formed=kept, gatherings=())


def _question(group: GroupSpec) -> tuple[object, ...]:
    """What a group asks for, whatever becomes of it in the container, and however often it is offered."""
    return tuple((path.selector, path.type, path.limit, path.optional) for path in group.paths)


def device_set(spec: ResourceSpec, formation: Formation) -> DeviceSet:
    """The formation as the rest of the program sees it: described devices, sorted by identity."""
    devices = (_describe(spec, formed) for formed in formation.formed)
    return DeviceSet(
        spec.resource,
        tuple(sorted(devices, key=lambda device: device.identity)),
        tuple((remembered.id, remembered.since) for remembered in formation.remembered),
    )


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


def _identity(group: GroupSpec, members: Sequence[Candidate | None]) -> Identity:
    """The required device members; where there are none, all members."""
    required = tuple(
        candidate.identity
        for path_spec, candidate in zip(group.paths, members, strict=True)
        if candidate is not None and path_spec.type is PathType.DEVICE and not path_spec.optional
    )
    return required or tuple(candidate.identity for candidate in members if candidate is not None)


def _identity_of(candidate: Candidate | None) -> str | None:
    return candidate.identity if candidate is not None else None


def _aged(
    formed: Formed,
    spec: ResourceSpec,
    found: Candidates,
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


def _aged_zip(formed: Formed, group: GroupSpec, found: Candidates) -> Formed:
    """Without optional members that are gone."""
    is_healthy, members = True, list(formed.members)
    for member, (path_spec, candidate) in enumerate(zip(group.paths, formed.members, strict=True)):
        if candidate is None:
            continue
        now = found[Slot(formed.group, member)].get(candidate.identity)
        if now is not None:
            members[member] = _succeed(candidate, now)
        elif path_spec.optional and candidate.identity not in formed.identity:
            members[member] = None
        else:
            is_healthy = False
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
    return now if before is None or now.own_link else replace(now, own_link=before.own_link)


def _keep(formed: Formed, spec: ResourceSpec, given: Circumstances) -> Formed | None:
    """None if it is time to forget a device. What a pod holds gets another grace period, since nobody tells its end."""
    if formed.is_healthy or given.held is None or given.now < formed.keep_until:
        return formed
    base = id_base(device_id(spec.resource, formed.identity, 0))
    if base in {id_base(id_) for id_ in given.held}:
        return replace(formed, keep_until=_renewed(given))
    if base in {id_base(id_) for id_ in given.fresh}:
        return replace(formed, keep_until=given.now + FRESH)
    return None


def _remember(
    spec: ResourceSpec, previous: Formation, formed: Iterable[Formed], given: Circumstances
) -> tuple[Remembered, ...]:
    """What pods hold of our making, and no device is known for."""
    described = {id_base(device_id(spec.resource, device.identity, 0)) for device in formed}
    remembered = {known.id: known for known in previous.remembered}
    for id_ in sorted(given.held or ()):
        known = remembered.get(id_)
        if known is None or known.keep_until <= given.now:
            remembered[id_] = Remembered(id_, known.since if known else given.now, _renewed(given))
    return tuple(
        known
        for known in remembered.values()
        if (given.held is None or given.now < known.keep_until) and id_base(known.id) not in {*described, None}
    )


def _renewed(given: Circumstances) -> float:
    return given.now + max(given.grace_period, MIN_ASK)


def _complete(formed: Formed, pools: Sequence[Pool]) -> Formed:
    """A formed device with candidates for the optional paths that it lacks, as far as there are any."""
    if not formed.is_healthy or None not in formed.members:
        return formed
    members = tuple(
        member if member is not None else pool.take() for member, pool in zip(formed.members, pools, strict=True)
    )
    return replace(formed, members=members)
