"""Recent events, for the status page.

Event loop only. Bounded; the caller passes the time.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum

KEPT = 50
"""Events of each resource, so that a device that flaps does not remove the events of other resources."""
MAX_RESOURCES = 256
"""Resources with events, including those that are not offered any more."""
MAX_NAMED = 10
"""Devices that one event names."""
MAX_TEXT = 500
"""Characters of an event's text; parts of it come from other programs."""


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
"""Events that repeat for one reason: kept once, with a count."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event, or several equal ones.

    Attributes:
        number: counted over all events of this run.
        at: monotonic seconds, of the latest.
        devices: names of the devices, ``MAX_NAMED`` at most.
        more: number of other devices.
        text: details, for a person.
        times: how often it happened.
    """

    number: int
    at: float
    kind: EventKind
    devices: tuple[str, ...] = ()
    more: int = 0
    text: str = ""
    times: int = 1


class EventLog:
    """The latest events of all resources; the resource "" is the program itself.

    Attributes:
        generation: grows with each change.
    """

    def __init__(self) -> None:
        self._events: dict[str, deque[Event]] = {}
        self._newer = asyncio.Event()
        self._count = 0
        self.generation = 0

    def note(self, resource: str, at: float, kind: EventKind, devices: Iterable[str] = (), text: str = "") -> None:
        """Add an event."""
        named = tuple(devices)
        self._count += 1
        event = Event(self._count, at, kind, named[:MAX_NAMED], max(0, len(named) - MAX_NAMED), _shortened(text))
        events = self._events.pop(resource, None) or deque(maxlen=KEPT)
        if kind in _RETRIED:
            event = _take_earlier(events, event)
        events.append(event)
        self._events[resource] = (
            events  # the last one now: of too many resources, the one goes that has been quiet longest
        )
        if len(self._events) > MAX_RESOURCES:
            del self._events[next(iter(self._events))]  # the first one, whose last event is the oldest
        self.changed()

    def changed(self) -> None:
        """Wake all that wait: something changed that the status page shows, here or elsewhere."""
        self.generation += 1
        woken, self._newer = self._newer, asyncio.Event()
        woken.set()

    def events(self, resource: str) -> tuple[Event, ...]:
        """Return the events of a resource, the oldest first."""
        return tuple(self._events.get(resource, ()))

    async def newer_than(self, generation: int) -> None:
        """Wait until ``generation`` is not the present one."""
        while self.generation == generation:
            await self._newer.wait()


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def _take_earlier(events: deque[Event], event: Event) -> Event:
    """Remove an earlier equal event, if any; return the event that counts both."""
    for earlier in events:
        if replace(earlier, number=event.number, at=event.at, times=1) == event:
            events.remove(earlier)
            return replace(event, times=earlier.times + 1)
    return event
