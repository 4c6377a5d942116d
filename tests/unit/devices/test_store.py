"""The latest list of each resource, whoever reads it and however late."""

import asyncio

import pytest

from udev_device_plugin.devices.device import Device, DeviceSet
from udev_device_plugin.devices.store import DeviceStore

SERIAL = "squat.ai/serial"
OTHER = "squat.ai/other"


def listing(resource: str, *names: str) -> DeviceSet:
    return DeviceSet(resource, tuple(Device((name,), (), 1, is_healthy=True, since=0.0) for name in names))


async def test_who_reads_late_sees_the_latest_list_and_none_before_it() -> None:
    store = DeviceStore([SERIAL])
    for name in "abc":
        store.publish(listing(SERIAL, name))
    snapshot = await store.newer_than(SERIAL, 1)
    assert (snapshot.generation, snapshot.devices) == (3, listing(SERIAL, "c"))


async def test_any_number_of_readers_are_told_of_their_resource_alone() -> None:
    store = DeviceStore([SERIAL, OTHER])
    told: list[str] = []
    with store.read_by(SERIAL, lambda: told.append("one")), store.read_by(SERIAL, lambda: told.append("two")):
        store.publish(listing(OTHER))
        assert told == []
        store.publish(listing(SERIAL))
    store.publish(listing(SERIAL))
    assert sorted(told) == ["one", "two"]


async def test_whoever_waits_for_a_resource_goes_on_with_its_next_list() -> None:
    store = DeviceStore([SERIAL, OTHER])
    waiting = asyncio.create_task(store.newer_than(SERIAL, 0))
    await asyncio.sleep(0)
    store.publish(listing(OTHER, "a"))
    store.publish(listing(SERIAL, "b"))
    assert (await waiting).devices == listing(SERIAL, "b")


def test_what_another_thread_has_got_never_changes() -> None:
    store = DeviceStore([SERIAL])
    seen = store.snapshots
    resources = iter(seen)
    store.add(OTHER)
    store.publish(listing(SERIAL, "a"))
    store.remove(SERIAL)
    assert list(resources) == [SERIAL]
    assert seen[SERIAL].generation == 0
    assert list(store.snapshots) == [OTHER]


def test_a_resource_that_is_added_twice_keeps_its_list() -> None:
    store = DeviceStore([SERIAL])
    store.publish(listing(SERIAL, "a"))
    store.add(SERIAL)
    assert store.snapshot(SERIAL).generation == 1


def test_a_resource_that_is_not_offered_has_an_empty_list_for_who_comes_late_and_none_can_be_published() -> None:
    store = DeviceStore([SERIAL])
    store.publish(listing(SERIAL, "a"))
    store.remove(SERIAL)
    assert (store.snapshot(SERIAL).generation, store.snapshot(SERIAL).devices) == (0, DeviceSet(SERIAL))
    with pytest.raises(KeyError):
        store.publish(listing(SERIAL, "a"))
