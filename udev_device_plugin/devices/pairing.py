"""Pairs the matches of a group's paths: device *i* takes match *i* of each.

Pure. Any thread. As generic-device-plugin does it, but counting what known devices use already.
"""

import itertools
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from udev_device_plugin.config.specs import PathSpec
from udev_device_plugin.devices.assembled import AssembledDevice
from udev_device_plugin.devices.candidates import Candidate
from udev_device_plugin.devices.identity import Identity

Members = tuple[Candidate | None, ...]


class PairedGroup:
    """Group ``index`` of a spec, with what each of its paths may use now, by identity, at the moment ``now``."""

    def __init__(
        self, index: int, paths: Sequence[PathSpec], found: Sequence[Mapping[str, Candidate]], now: float
    ) -> None:
        self._index = index
        self._paths = paths
        self._found = found
        self._now = now

    def renewed(self, device: AssembledDevice) -> AssembledDevice:
        """Return a known device without optional members that are gone; not healthy without a required one."""
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
        return replace(device, members=tuple(members), is_healthy=is_healthy)

    def assembled(self, known: Sequence[AssembledDevice]) -> tuple[list[AssembledDevice], list[AssembledDevice]]:
        """Give optional members to known devices that lack them, and pair what is left; return known and new devices.

        A new device takes the next match of every path, and at least one that nothing uses yet: so there are as many
        as the longest list of matches without repetition, limited by the shortest list with repetition. One that would
        have a node of an earlier device is left out; the paths of one device may lead to one node.
        """
        pools = [
            _available(path, found, [device.members[member] for device in known])
            for member, (path, found) in enumerate(zip(self._paths, self._found, strict=True))
        ]
        used = {claim for device in known for claim in self._claims(device.members)}
        completed = [self._completed(device, pools, used) for device in known]
        new: list[AssembledDevice] = []
        for row in itertools.takewhile(lambda row: any(uses == 0 for uses, _ in row), zip(*pools, strict=False)):
            members = tuple(match for _, match in row)
            if used.isdisjoint(claims := self._claims(members)):
                used |= claims
                new.append(AssembledDevice(self._identity(members), self._index, members, True, self._now))
        return completed, new

    def _claims(self, members: Members) -> set[Hashable]:
        """Return what no other device can have of these members, as far as they are there."""
        there = [match and found.get(match.identity) for match, found in zip(members, self._found, strict=True)]
        return {
            match.claim
            for path, match in zip(self._paths, there, strict=True)
            if match is not None and not path.is_shared
        }

    def _completed(
        self, device: AssembledDevice, pools: Sequence[Iterator[tuple[int, Candidate | None]]], used: set[Hashable]
    ) -> AssembledDevice:
        """Return a known device with matches for the optional paths that it lacks, as far as there are any."""
        if not device.is_healthy or None not in device.members:
            return device
        members = tuple(
            member if member is not None else next(pool, (0, None))[1]
            for member, pool in zip(device.members, pools, strict=True)
        )
        more = self._claims(members) - self._claims(device.members)
        if not used.isdisjoint(more):
            return device
        used |= more
        return replace(device, members=members)

    def _identity(self, members: Members) -> Identity:
        """Return the identities of the members that count; where there are none, of all."""
        there = [(path, match.identity) for path, match in zip(self._paths, members, strict=True) if match is not None]
        counting = tuple(identity for path, identity in there if path.is_identifying)
        return counting or tuple(identity for _, identity in there)


def _available(
    path: PathSpec, found: Mapping[str, Candidate], used: Iterable[Candidate | None]
) -> Iterator[tuple[int, Candidate | None]]:
    """The matches of a path that may be used once more, each as often as its limit allows, with the uses before.

    The least used come first, then bytewise by path. For an optional path without matches: None for ever.
    """
    if path.optional and not found:
        yield from itertools.repeat((1, None))
    uses = Counter(match.identity for match in used if match is not None)
    matches = sorted(found.items(), key=lambda item: (item[1].path, item[0]))
    for number in range(min((uses[identity] for identity in found), default=0), path.limit):
        for identity, match in matches:
            if uses[identity] <= number:
                yield number, match
