"""The zip of a group's paths: device *i* takes match *i* of each.

Floor 3, pure. As the origin does it, with one addition: what formed devices use already is counted.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence

from udev_device_plugin.config.specs import PathSpec
from udev_device_plugin.devices.candidates import Candidate


class Pool:
    """The candidates of one path of a group that may still be used: the least used first, then bytewise by path.

    Args:
        path_spec: the path.
        found: its candidates, by identity.
        used: what formed devices have of it, as often as they do.
    """

    def __init__(self, path_spec: PathSpec, found: Mapping[str, Candidate], used: Iterable[Candidate | None]) -> None:
        self._limit = path_spec.limit
        self._found = found
        uses = dict.fromkeys(found, 0)
        for candidate in used:
            if candidate is not None and candidate.identity in uses:
                uses[candidate.identity] += 1
        self._heap = [
            (uses[identity], candidate.path, identity)
            for identity, candidate in found.items()
            if uses[identity] < path_spec.limit
        ]
        heapq.heapify(self._heap)
        self.is_left_out = path_spec.optional and not found

    @property
    def is_empty(self) -> bool:
        """Whether no candidate may be used once more."""
        return not self._heap

    @property
    def is_fresh(self) -> bool:
        """Whether the next candidate is one that nothing uses yet."""
        return bool(self._heap) and self._heap[0][0] == 0

    def take(self) -> Candidate | None:
        """Use the next candidate once more; None if there is none."""
        if not self._heap:
            return None
        uses, path, identity = self._heap[0]
        if uses + 1 < self._limit:
            heapq.heapreplace(self._heap, (uses + 1, path, identity))
        else:
            heapq.heappop(self._heap)
        return self._found[identity]


def paired(pools: Sequence[Pool]) -> Iterator[tuple[Candidate | None, ...]]:
    """New devices from what the pools have left.

    Each takes the next candidate of every path, and at least one that nothing uses yet: so there are as many as the
    longest natural match list, capped by the shortest repeated one.
    """
    joining = [pool for pool in pools if not pool.is_left_out]
    while not any(pool.is_empty for pool in joining) and any(pool.is_fresh for pool in joining):
        yield tuple(None if pool.is_left_out else pool.take() for pool in pools)
