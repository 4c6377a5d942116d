"""What must be looked at, and when: each subject once, however many hints there are.

Host thread only; pure, with the time passed in. A hint says *look here*, nothing else: it may come twice, late or for
nothing, in any order.
"""

import heapq
import itertools
from collections.abc import Hashable
from dataclasses import dataclass

GATHER = 0.003
"""Seconds that a hint about something unfinished waits for others, unless it is udev's event."""

PAUSE = 0.05
"""Seconds from one look at something that udevd is done with to the next, at least."""


FIRST_RETRY, LAST_RETRY = 0.1, 30.0
"""Seconds to the next attempt at what could not be looked at, at first and at last."""


@dataclass(slots=True)
class _Pending:
    due: float
    received: float


class Hints:
    """A queue of subjects, each with the time at which it is due."""

    def __init__(self) -> None:
        self._pending: dict[Hashable, _Pending] = {}
        self._heap: list[tuple[float, int, Hashable]] = []
        self._order = itertools.count()
        self._looking: dict[Hashable, float] = {}  # when the earliest hint behind a look that runs was received
        self._again: dict[Hashable, _Pending] = {}
        self._looked: dict[Hashable, float] = {}
        self._pauses: dict[Hashable, float] = {}

    def add(self, subject: Hashable, now: float, *, is_finished: bool, is_urgent: bool = False) -> None:
        """Have a subject looked at.

        Args:
            subject: what.
            now: when the hint was received, monotonic seconds.
            is_finished: udevd was done with it at the last look.
            is_urgent: there is nothing to wait for.
        """
        due = now + GATHER
        if is_urgent:
            due = now
        elif is_finished:
            due = max(now, self._looked.get(subject, 0.0) + PAUSE)
        self.add_at(subject, due, now)

    def add_at(self, subject: Hashable, due: float, received: float) -> None:
        """Have a subject looked at when it is ``due``."""
        if subject in self._looking:
            again = self._again.setdefault(subject, _Pending(due, received))
            again.due = min(again.due, due)
            return
        pending = self._pending.get(subject)
        if pending is None:
            self._pending[subject] = _Pending(due, received)
        elif due < pending.due:
            pending.due = due
        else:
            return
        heapq.heappush(self._heap, (due, next(self._order), subject))

    def begin_due(self, now: float) -> list[Hashable]:
        """The subjects that are due; the look at them is under way from now on."""
        begun = []
        while self._heap and self._heap[0][0] <= now:
            _, _, subject = heapq.heappop(self._heap)
            pending = self._pending.get(subject)
            if pending is not None and pending.due <= now:
                del self._pending[subject]
                self._looking[subject] = pending.received
                self._looked[subject] = now
                begun.append(subject)
        return begun

    def end(self, subject: Hashable) -> float:
        """The look at a subject is over; returns when the earliest hint behind it was received."""
        received = self._looking.pop(subject)
        if (again := self._again.pop(subject, None)) is not None:
            self.add_at(subject, again.due, again.received)
        return received

    def retry(self, subject: Hashable, now: float) -> bool:
        """Have a subject looked at again, as it could not be, with growing pauses; whether that is new."""
        before = self._pauses.get(subject, 0.0)
        self._pauses[subject] = pause = min(max(2 * before, FIRST_RETRY), LAST_RETRY)
        self.add_at(subject, now + pause, now)
        return not before

    def succeed(self, subject: Hashable) -> bool:
        """A subject could be looked at; whether it could not before."""
        return self._pauses.pop(subject, None) is not None

    def forget(self, subject: Hashable) -> None:
        """A subject is gone."""
        self._looked.pop(subject, None)

    def is_looking(self, subject: Hashable) -> bool:
        """Whether a subject is being looked at."""
        return subject in self._looking

    def is_waiting(self, subject: Hashable) -> bool:
        """Whether a subject is to be looked at, or is being looked at."""
        return subject in self._pending or subject in self._looking

    @property
    def next_due(self) -> float | None:
        """When the next subject is due, monotonic seconds."""
        while self._heap:
            due, _, subject = self._heap[0]
            pending = self._pending.get(subject)
            if pending is not None and pending.due == due:
                return due
            heapq.heappop(self._heap)
        return None
