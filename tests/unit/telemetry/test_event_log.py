"""What happened lately: bounded, in order, and it wakes all that wait for a change."""

import asyncio
from collections.abc import Callable

from udev_device_plugin.telemetry.event_log import (
    KEPT,
    MAX_NAMED,
    MAX_RESOURCES,
    MAX_TEXT,
    Event,
    EventKind,
    EventLog,
)

A, B = "squat.ai/a", "squat.ai/b"


def test_events_are_kept_in_order_and_by_resource() -> None:
    history = EventLog()
    history.note(A, 1.0, EventKind.HERE, ["one"])
    history.note(B, 2.0, EventKind.HERE, ["other"])
    history.note(A, 3.0, EventKind.GONE, ["one"])
    assert history.events(A) == (Event(1, 1.0, EventKind.HERE, ("one",)), Event(3, 3.0, EventKind.GONE, ("one",)))
    assert history.events(B) == (Event(2, 2.0, EventKind.HERE, ("other",)),)
    assert history.events("squat.ai/unknown") == ()


def test_a_resource_that_flaps_pushes_out_its_own_events_only() -> None:
    history = EventLog()
    history.note(A, 0.0, EventKind.HERE, ["one"])
    for moment in range(1000):
        history.note(B, float(moment), EventKind.GONE, ["other"])
    assert len(history.events(A)) == 1
    assert [event.at for event in history.events(B)] == [float(moment) for moment in range(1000 - KEPT, 1000)]


def test_what_is_tried_again_and_again_is_one_event_with_a_count() -> None:
    history = EventLog()
    for moment in range(5):
        history.note(A, float(moment), EventKind.CONTAINER_WAITS, text="device one is unplugged")
        history.note(A, float(moment), EventKind.CONTAINER_WAITS, text="device two is unplugged")
    one, two = history.events(A)
    assert (one.text, one.times, one.at) == ("device one is unplugged", 5, 4.0)
    assert (two.text, two.times, two.number) == ("device two is unplugged", 5, 10)


def test_plugs_are_never_taken_together() -> None:
    history = EventLog()
    for moment in range(3):
        history.note(A, float(moment), EventKind.HERE, ["one"])
    assert len(history.events(A)) == 3


def test_names_texts_and_resources_are_bounded() -> None:
    history = EventLog()
    history.note(A, 0.0, EventKind.HERE, map(str, range(1000)))
    history.note(A, 0.0, EventKind.REGISTRATION_REFUSED, text="x" * 100_000)
    named, refused = history.events(A)
    assert (len(named.devices), named.more) == (MAX_NAMED, 1000 - MAX_NAMED)
    assert len(refused.text) == MAX_TEXT
    for number in range(2 * MAX_RESOURCES):
        history.note(f"squat.ai/{number}", 0.0, EventKind.HERE)
    assert history.events(A) == ()
    assert history.events("squat.ai/0") == ()
    assert len(history.events(f"squat.ai/{2 * MAX_RESOURCES - 1}")) == 1


async def test_whatever_is_new_wakes_all_who_wait() -> None:
    history = EventLog()
    ways: list[Callable[[], None]] = [
        lambda: history.note(A, 0.0, EventKind.HERE),
        history.changed,
    ]
    for news in ways:
        waiting = [asyncio.ensure_future(history.newer_than(history.generation)) for _ in range(3)]
        await asyncio.sleep(0)
        assert not any(task.done() for task in waiting)
        news()
        async with asyncio.timeout(10):
            await asyncio.gather(*waiting)


async def test_news_that_came_before_one_waits_are_not_missed() -> None:
    history = EventLog()
    before = history.generation
    history.changed()
    async with asyncio.timeout(10):
        await history.newer_than(before)
