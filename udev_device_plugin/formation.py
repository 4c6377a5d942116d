"""Which devices a resource offers: the matches of its paths, zipped into devices that stay together.

Floor 3, pure: what the host has, what was offered before, and the time go in; a formation comes out. Invariants, for
every call: a node is in at most one device of a resource (``limit`` repeats excepted); a device that was formed keeps
its members until it is forgotten; no two devices share an identity.
"""

import heapq
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from udev_device_plugin.config.specs import GroupSpec, PathSpec, PathType, ResourceSpec
from udev_device_plugin.device import DeviceNumber, PathEntry, PathKind
from udev_device_plugin.identity import Identity
from udev_device_plugin.inventory import Inventory
from udev_device_plugin.snapshots import Device, DeviceSet, Member

_Node = DeviceNumber | str
"""What one match is, whatever name led to it: the node's number, or the path of what is not a node."""


@dataclass(frozen=True, slots=True)
class Formed:
    """A device as it was put together once.

    Attributes:
        identity: what makes it itself, for as long as it is known.
        group: which of the spec's groups it belongs to.
        paths: the matched path for each of the group's paths; None for an optional one that had no match.
        is_healthy: whether all required ones are there.
        since: when that last changed, monotonic seconds.
    """

    identity: Identity
    group: int
    paths: tuple[str | None, ...]
    is_healthy: bool
    since: float


@dataclass(frozen=True, slots=True)
class Formation:
    """What a resource offers, and when the next absent device is to be forgotten.

    Attributes:
        formed: all devices, those of earlier groups and earlier formation first.
        expires_at: when the formation changes by the passing of time alone, monotonic seconds; None: never.
    """

    formed: tuple[Formed, ...] = ()
    expires_at: float | None = None


class _Slot(NamedTuple):
    """Member ``member`` of group ``group``: the unit that matches and claims are counted for."""

    group: int
    member: int


_Matches = dict[_Slot, set[str]]
"""The paths that each slot may use."""


def form(
    spec: ResourceSpec, inventory: Inventory, previous: Formation, *, now: float, grace_period: float
) -> Formation:
    """What ``spec`` offers on this host now.

    Args:
        spec: the resource.
        inventory: the host.
        previous: what was offered before.
        now: monotonic seconds.
        grace_period: for how many seconds an absent device is kept, Unhealthy; 0 forgets it at once.
    """
    matches = _claimed_matches(spec, inventory, previous)
    aged = (_age(formed, spec, matches, now) for formed in previous.formed)
    kept = [formed for formed in aged if formed.is_healthy or now < formed.since + grace_period]
    formation: dict[Identity, Formed] = {}
    for index, group in enumerate(spec.groups):
        mine = [formed for formed in kept if formed.group == index]
        pools = [
            _Pool(path, matches[_Slot(index, member)], Counter(formed.paths[member] for formed in mine))
            for member, path in enumerate(group.paths)
        ]
        completed = [_complete(formed, pools) for formed in mine]
        fresh = [Formed(_identity(group, paths), index, paths, is_healthy=True, since=now) for paths in _zip(pools)]
        for formed in completed + fresh:
            # Two groups can spell the same device (shared by a limit): the first one has it.
            formation.setdefault(formed.identity, formed)
    expiries = (formed.since + grace_period for formed in formation.values() if not formed.is_healthy)
    return Formation(tuple(formation.values()), min(expiries, default=None))


def device_set(spec: ResourceSpec, formation: Formation) -> DeviceSet:
    """The formation as the rest of the program sees it: described devices, sorted by identity."""
    devices = (_describe(spec, formed) for formed in formation.formed)
    return DeviceSet(spec.resource, tuple(sorted(devices, key=lambda device: device.identity)))


def _describe(spec: ResourceSpec, formed: Formed) -> Device:
    group = spec.groups[formed.group]
    members = (
        Member(
            path=path,
            host_path=path,
            container_path=path_spec.container_path(path),
            type=path_spec.type,
            permissions=path_spec.permissions if path_spec.type is PathType.DEVICE else "",
            read_only=path_spec.read_only,
        )
        for path_spec, path in zip(group.paths, formed.paths, strict=True)
        if path is not None
    )
    return Device(formed.identity, tuple(members), group.count, formed.is_healthy, formed.since)


def _identity(group: GroupSpec, paths: tuple[str | None, ...]) -> Identity:
    """The required device members; where there are none, all members."""
    required = tuple(
        path
        for path_spec, path in zip(group.paths, paths, strict=True)
        if path is not None and path_spec.type is PathType.DEVICE and not path_spec.optional
    )
    return required or tuple(path for path in paths if path is not None)


def _age(formed: Formed, spec: ResourceSpec, matches: _Matches, now: float) -> Formed:
    """A formed device as it is now: its health, and without the optional paths that are gone."""
    is_healthy, paths = True, list(formed.paths)
    for member, (path_spec, path) in enumerate(zip(spec.groups[formed.group].paths, paths, strict=True)):
        if path is None or path in matches[_Slot(formed.group, member)]:
            continue
        if path_spec.optional and path not in formed.identity:
            paths[member] = None
        else:
            is_healthy = False
    since = formed.since if is_healthy == formed.is_healthy else now
    return replace(formed, paths=tuple(paths), is_healthy=is_healthy, since=since)


def _complete(formed: Formed, pools: Sequence["_Pool"]) -> Formed:
    """A formed device with matches for the optional paths that it lacks, as far as there are any."""
    if not formed.is_healthy or None not in formed.paths:
        return formed
    paths = tuple(path if path is not None else pool.take() for path, pool in zip(formed.paths, pools, strict=True))
    return replace(formed, paths=paths)


def _claimed_matches(spec: ResourceSpec, inventory: Inventory, previous: Formation) -> _Matches:
    """For each path of each group its matches, each node only where it is claimed first.

    What formed devices hold comes first, so that a late name never takes a node away from them; then literal paths
    before globs, then the spec's order, then the names' bytewise order.
    """
    held = {
        (_Slot(formed.group, member), path) for formed in previous.formed for member, path in enumerate(formed.paths)
    }
    slots = {
        _Slot(index, member): path_spec
        for index, group in enumerate(spec.groups)
        for member, path_spec in enumerate(group.paths)
    }
    candidates = [
        ((slot, path) not in held, not path_spec.glob.is_literal, slot, path)
        for slot, path_spec in slots.items()
        for path, entry in inventory.matches(path_spec.glob).items()
        if _fits(path_spec, entry)
    ]
    matches: _Matches = {slot: set() for slot in slots}
    claimed: set[_Node] = set()
    for _, _, slot, path in sorted(candidates):
        if _may_have(slots[slot], inventory.entries[path], claimed):
            matches[slot].add(path)
    return matches


def _may_have(path_spec: PathSpec, entry: PathEntry, claimed: set[_Node]) -> bool:
    """Claim what stands at a path for one path spec; False if another has it already.

    A path with a ``limit`` is meant to be shared, a mount is by nature: they neither claim nor are kept off.
    """
    if path_spec.type is PathType.MOUNT or path_spec.limit > 1:
        return True
    node: _Node = entry.number or entry.target
    if node in claimed:
        return False
    claimed.add(node)
    return True


def _fits(path_spec: PathSpec, entry: PathEntry) -> bool:
    """Whether a container can be given what stands at a path."""
    if path_spec.type is PathType.MOUNT:
        return True
    if entry.kind is PathKind.NODE:
        return not entry.awaits_udev
    # The runtime hands over the nodes in a directory; only who names it can mean that.
    return entry.kind is PathKind.DIRECTORY and path_spec.glob.is_literal


class _Pool:
    """The matches of one path of a group that may still be used: the least used first, then bytewise."""

    def __init__(self, path_spec: PathSpec, matches: Collection[str], uses: Counter[str | None]) -> None:
        self._limit = path_spec.limit
        self._heap = [(uses[path], path) for path in matches if uses[path] < path_spec.limit]
        heapq.heapify(self._heap)
        self.is_left_out = path_spec.optional and not matches

    @property
    def is_empty(self) -> bool:
        """Whether no match may be used once more."""
        return not self._heap

    @property
    def is_fresh(self) -> bool:
        """Whether the next match is one that nothing uses yet."""
        return bool(self._heap) and self._heap[0][0] == 0

    def take(self) -> str | None:
        """Use the next match once more; None if there is none."""
        if not self._heap:
            return None
        uses, path = self._heap[0]
        if uses + 1 < self._limit:
            heapq.heapreplace(self._heap, (uses + 1, path))
        else:
            heapq.heappop(self._heap)
        return path


def _zip(pools: Sequence[_Pool]) -> Iterator[tuple[str | None, ...]]:
    """New devices from what the pools have left.

    Each takes the next match of every path, and at least one that nothing uses yet: so there are as many as the longest
    natural match list, capped by the shortest repeated one.
    """
    joining = [pool for pool in pools if not pool.is_left_out]
    while not any(pool.is_empty for pool in joining) and any(pool.is_fresh for pool in joining):
        yield tuple(None if pool.is_left_out else pool.take() for pool in pools)
