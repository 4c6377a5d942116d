"""What must be looked at, and when: each subject once, however many hints there are.

Host thread only; no I/O, and the time is passed in. A hint may come twice, late or for nothing, in any order.
"""

import heapq
import itertools
import logging
from collections.abc import Hashable

logger = logging.getLogger(__name__)

GATHER = 0.003
"""Seconds that a hint about something unfinished waits for others, unless it is udev's event."""

PAUSE = 0.05
"""Seconds from one look at something that udevd is done with to the next, at least."""

FIRST_RETRY, LAST_RETRY = 0.1, 30.0
"""Seconds to the next attempt after a look failed, at first and at last."""


class Hints:
    """A queue of subjects, each with the time at which it is due."""

    def __init__(self) -> None:
        self._pending: dict[Hashable, tuple[float, float]] = {}  # when it is due, and the earliest hint was received
        self._heap: list[tuple[float, int, Hashable]] = []  # by when it is due; outdated entries stay in it
        self._order = itertools.count()
        self._looking: dict[Hashable, float] = {}  # running looks: when the earliest hint was received
        self._again: dict[Hashable, tuple[float, float]] = {}  # like what is pending, once the running look is over
        self._looked: dict[Hashable, float] = {}
        self._pauses: dict[Hashable, float] = {}

    def add(self, subject: Hashable, now: float, *, is_finished: bool, is_urgent: bool = False) -> None:
        """Have a subject looked at, after a hint that was received ``now`` (monotonic seconds).

        When depends on whether udevd was done with it at the last look; at once if the hint is urgent.
        """
        due = now + GATHER
        if is_urgent:
            due = now
        elif is_finished:
            due = max(now, self._looked.get(subject, 0.0) + PAUSE)
        self.add_at(subject, due, now)

    def add_at(self, subject: Hashable, due: float, received: float) -> None:
        """Have a subject looked at when it is ``due``."""
        waiting = self._again if subject in self._looking else self._pending
        before, received = waiting.get(subject, (float("inf"), received))
        if due < before:
            waiting[subject] = due, received
            if waiting is self._pending:
                heapq.heappush(self._heap, (due, next(self._order), subject))

    @property
    def next_due(self) -> float | None:
        """When the next subject is due, monotonic seconds."""
        while self._heap:
            due, _, subject = self._heap[0]
            if self._pending.get(subject, (None,))[0] == due:
                return due
            heapq.heappop(self._heap)
        return None

    def begin_due(self, now: float) -> list[Hashable]:
        """Return the subjects that are due; looks at them run from now on."""
        begun = []
        while (due := self.next_due) is not None and due <= now:
            subject = heapq.heappop(self._heap)[2]
            _, self._looking[subject] = self._pending.pop(subject)
            self._looked[subject] = now
            begun.append(subject)
        return begun

    def end(self, subject: Hashable) -> float:
        """A look is over; returns when the earliest hint that led to it was received."""
        received = self._looking.pop(subject)
        if (again := self._again.pop(subject, None)) is not None:
            self.add_at(subject, *again)
        return received

    def retry(self, subject: Hashable, error: Exception, now: float) -> None:
        """A look failed: have it repeated, with growing pauses; the first failure is logged."""
        before = self._pauses.get(subject, 0.0)
        self._pauses[subject] = pause = min(max(2 * before, FIRST_RETRY), LAST_RETRY)
        self.add_at(subject, now + pause, now)
        if not before:
            logger.error("%s: could not be looked at, and what was known of it stays: %s", subject, error)

    def succeed(self, subject: Hashable) -> None:
        """A look succeeded."""
        if self._pauses.pop(subject, None) is not None:
            logger.info("%s: could be looked at now", subject)

    def forget(self, subject: Hashable) -> None:
        """A subject does not exist any more."""
        self._looked.pop(subject, None)

    def is_looking(self, subject: Hashable) -> bool:
        """Whether a look at a subject runs."""
        return subject in self._looking

    def is_waiting(self, subject: Hashable) -> bool:
        """Whether a look at a subject is to come, or runs."""
        return subject in self._pending or subject in self._looking
