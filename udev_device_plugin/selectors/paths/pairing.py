"""Pairs the matches of a group's paths: device *i* takes match *i* of each.

Pure. Any thread. As the origin does it, with one addition: what known devices use already is counted.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Generic

from udev_device_plugin.selectors.grouping import Composition, Formed, Group, GroupPath, M, Match, Moment, Parts


class Pairing:
    """Every path gives one match to each device."""

    is_by_usb_device = False
    needs_every_path = True

    def path_of(self, member: int, number: int) -> int:  # noqa: ARG002 - that of a USB device
        """One path for each member."""
        return number

    def can_be_of(self, device: Composition[Match], paths: int) -> bool:
        """Whether it has a place for each path."""
        return len(device.members) == paths

    def group(
        self,
        index: int,  # noqa: ARG002 - nothing settles here
        paths: Sequence[GroupPath],
        found: Sequence[Mapping[str, M]],
        known: Iterable[Composition[M]],  # noqa: ARG002 - they are given again, with their members
    ) -> Group[M]:
        """A group whose matches are paired."""
        return _PairedGroup(paths, found)


class _PairedGroup(Generic[M]):
    def __init__(self, paths: Sequence[GroupPath], found: Sequence[Mapping[str, M]]) -> None:
        self._paths = paths
        self._found = found

    def renewed(self, device: Composition[M], /) -> Composition[M]:
        """Without optional members that are gone; without a required one it is not healthy."""
        is_healthy, members = True, list(device.members)
        for member, (path, before) in enumerate(zip(self._paths, device.members, strict=True)):
            if before is None:
                continue
            if (now := self._found[member].get(before.identity)) is not None:
                members[member] = now
            elif path.optional and before.identity not in device.identity:
                members[member] = None
            else:
                is_healthy = False
        return Parts(device.identity, tuple(members), is_healthy)

    def formed(self, known: Sequence[Composition[M]], moment: Moment, /) -> Formed[M]:  # noqa: ARG002 - at any moment
        """Known devices get optional members that they lack; of what is left, new ones are made."""
        pools = [
            _Pool(path, found, [device.members[member] for device in known])
            for member, (path, found) in enumerate(zip(self._paths, self._found, strict=True))
        ]
        completed = [_completed(device, pools) for device in known]
        return Formed(completed, [Parts(self._identity(members), members) for members in _paired(pools)])

    def _identity(self, members: Sequence[M | None]) -> tuple[str, ...]:
        """The members that count; where there are none, all members."""
        there = [(path, match.identity) for path, match in zip(self._paths, members, strict=True) if match is not None]
        counting = tuple(identity for path, identity in there if path.is_identifying)
        return counting or tuple(identity for _, identity in there)


class _Pool(Generic[M]):
    """The matches of one path of a group that may still be used: the least used first, then bytewise by path.

    Args:
        path: the path.
        found: its matches, by identity.
        used: what known devices have of it, as often as they do.
    """

    def __init__(self, path: GroupPath, found: Mapping[str, M], used: Iterable[M | None]) -> None:
        self._limit = path.limit
        self._found = found
        uses = dict.fromkeys(found, 0)
        for match in used:
            if match is not None and match.identity in uses:
                uses[match.identity] += 1
        self._heap = [
            (uses[identity], match.path, identity) for identity, match in found.items() if uses[identity] < path.limit
        ]
        heapq.heapify(self._heap)
        self.is_left_out = path.optional and not found

    @property
    def is_empty(self) -> bool:
        """Whether no match may be used once more."""
        return not self._heap

    @property
    def is_fresh(self) -> bool:
        """Whether the next match is one that nothing uses yet."""
        return bool(self._heap) and self._heap[0][0] == 0

    def take(self) -> M | None:
        """Use the next match once more; None if there is none."""
        if not self._heap:
            return None
        uses, path, identity = self._heap[0]
        if uses + 1 < self._limit:
            heapq.heapreplace(self._heap, (uses + 1, path, identity))
        else:
            heapq.heappop(self._heap)
        return self._found[identity]


def _completed(device: Composition[M], pools: Sequence[_Pool[M]]) -> Composition[M]:
    """A known device with matches for the optional paths that it lacks, as far as there are any."""
    if not device.is_healthy or None not in device.members:
        return device
    members = tuple(
        member if member is not None else pool.take() for member, pool in zip(device.members, pools, strict=True)
    )
    return Parts(device.identity, members)


def _paired(pools: Sequence[_Pool[M]]) -> Iterator[tuple[M | None, ...]]:
    """New devices from what the pools have left.

    Each takes the next match of every path, and at least one that nothing uses yet: so there are as many as the
    longest natural match list, capped by the shortest repeated one.
    """
    joining = [pool for pool in pools if not pool.is_left_out]
    while not any(pool.is_empty for pool in joining) and any(pool.is_fresh for pool in joining):
        yield tuple(None if pool.is_left_out else pool.take() for pool in pools)
