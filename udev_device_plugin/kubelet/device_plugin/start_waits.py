"""How long ``PreStartContainer`` may keep a container waiting for its devices before it refuses the start.

Pure. The kubelet's back-off counts from the container's exit and doubles with each refused start (10, 20, 40 … 300 s);
a refused start is tried again 10 to 15 s later, and not before the back-off is over. A call that waits is answered the
moment the device is back. So the first wait is longer than the first back-off, and later ones are as long as the
kubelet allows (30 s, kubelet source): measured on kubelet 1.36, only the short pause after a refusal is left.
"""

from collections.abc import Iterable

FIRST = 11.0
"""Seconds of the first wait after a loss: more than the kubelet's first back-off of 10 s."""

LATER = 25.0
"""Seconds of the following waits."""

MARGIN = 5.0
"""Seconds that are left of the caller's deadline when it is answered."""

MAX_REMEMBERED = 10_000
"""Containers. A node has a few hundred."""


class StartWaits:
    """The waits of the containers of one resource, each known by the set of its IDs."""

    def __init__(self) -> None:
        self._refused: dict[frozenset[str], None] = {}

    def seconds(self, ids: Iterable[str], remaining: float | None) -> float:
        """Return how long a call may wait whose caller gives it ``remaining`` seconds; None: for ever."""
        longest = LATER if frozenset(ids) in self._refused else FIRST
        return longest if remaining is None else max(0.0, min(longest, remaining - MARGIN))

    def refused(self, ids: Iterable[str]) -> None:
        """The start was refused; the oldest one of too many is forgotten."""
        self._refused[frozenset(ids)] = None
        if len(self._refused) > MAX_REMEMBERED:
            del self._refused[next(iter(self._refused))]

    def passed(self, ids: Iterable[str]) -> None:
        """The container may start: the next loss is a new one."""
        self._refused.pop(frozenset(ids), None)
