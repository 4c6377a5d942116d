"""What happened lately, and what the kubelet was told last: for a person who looks (the status page).

Floor 3; lives on the main loop. Whoever decides something notes it here, in a line. Bounded, and without a clock: when
something happened is said by who notes it. The generation grows with whatever there is to see, so that who shows it
knows when to look again; nobody else is woken.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum

KEPT = 50
"""Events of each resource: one that flaps does not push out what happened to the others."""

MAX_RESOURCES = 256
"""Resources that are remembered, those that are not offered any more included."""

MAX_NAMED = 10
"""How many devices one event names."""

MAX_TEXT = 500
"""Characters of what is told of an event; some of it is others' words."""


class EventKind(Enum):
    """Kinds of events, as ``/devices`` spells them."""

    HERE = "here"
    GONE = "gone"
    FORGOTTEN = "forgotten"
    HELD_UNSEEN = "held-unseen"
    ALLOCATED = "allocated"
    ALLOCATION_REFUSED = "allocation-refused"
    CONTAINER_WAITS = "container-waits"
    REGISTERED = "registered"
    REGISTRATION_REFUSED = "registration-refused"
    SERVING_ENDED = "serving-ended"
    RELOADED = "reloaded"
    RELOAD_REFUSED = "reload-refused"


_RETRIED = frozenset(
    {
        EventKind.ALLOCATION_REFUSED,
        EventKind.CONTAINER_WAITS,
        EventKind.REGISTRATION_REFUSED,
        EventKind.SERVING_ENDED,
        EventKind.RELOAD_REFUSED,
    }
)
"""What happens again and again for one reason: kept once, with a count."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    Attributes:
        number: of all events of this run.
        at: when, monotonic seconds.
        kind: what.
        devices: names of those that it happened to, ``MAX_NAMED`` at most.
        more: how many more there were.
        text: details, for a person; "" for none.
        times: how often it happened, all alike; ``at`` is the latest.
    """

    number: int
    at: float
    kind: EventKind
    devices: tuple[str, ...] = ()
    more: int = 0
    text: str = ""
    times: int = 1


@dataclass(frozen=True, slots=True)
class LastSent:
    """What the kubelet was told last of a resource: how many IDs by health, and when, monotonic seconds."""

    at: float
    healthy: int
    unhealthy: int


class EventLog:
    """The latest events and lists of all resources; a resource of "" is the program itself.

    Attributes:
        generation: grows with whatever there is to see.
    """

    def __init__(self) -> None:
        self._events: dict[str, deque[Event]] = {}
        self._told: dict[str, LastSent] = {}
        self._newer = asyncio.Event()
        self._count = 0
        self.generation = 0

    def note(self, resource: str, at: float, kind: EventKind, devices: Iterable[str] = (), text: str = "") -> None:
        """Something happened."""
        named = tuple(devices)
        self._count += 1
        event = Event(self._count, at, kind, named[:MAX_NAMED], max(0, len(named) - MAX_NAMED), _shortened(text))
        # Taken out and put in again: the last is the one that something happened to last.
        events = self._events.pop(resource, None) or deque(maxlen=KEPT)
        if kind in _RETRIED:
            event = _take_earlier(events, event)
        events.append(event)
        self._events[resource] = events
        while len(self._events) > MAX_RESOURCES:
            del self._events[next(iter(self._events))]
        self.changed()

    def told(self, resource: str, told: LastSent) -> None:
        """A list was handed over to the kubelet."""
        self._told.pop(resource, None)
        self._told[resource] = told
        while len(self._told) > MAX_RESOURCES:
            del self._told[next(iter(self._told))]
        self.changed()

    def changed(self) -> None:
        """There is something new to see, here or on a board."""
        self.generation += 1
        woken, self._newer = self._newer, asyncio.Event()
        woken.set()

    def events(self, resource: str) -> tuple[Event, ...]:
        """What happened to a resource, the oldest first."""
        return tuple(self._events.get(resource, ()))

    def last_told(self, resource: str) -> LastSent | None:
        """What the kubelet heard last; None if nothing yet."""
        return self._told.get(resource)

    async def newer_than(self, generation: int) -> None:
        """Wait until there is something newer than ``generation``."""
        while self.generation == generation:
            await self._newer.wait()


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def _said(event: Event) -> tuple[object, ...]:
    """What an event tells, whenever and however often it happened."""
    return event.kind, event.text, event.devices, event.more


def _take_earlier(events: deque[Event], event: Event) -> Event:
    """Take an earlier event of the same kind and text out of the events; returns the event that stands for both."""
    for earlier in events:
        if _said(earlier) == _said(event):
            events.remove(earlier)
            return replace(event, times=earlier.times + 1)
    return event
