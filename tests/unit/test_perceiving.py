"""What udev does not tell is asked for, once at a time."""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

import pytest

from udev_device_plugin import perceiving
from udev_device_plugin.device import DeviceNumber, HostDevice, PathEntry, PathKind, Readiness
from udev_device_plugin.globs import Glob
from udev_device_plugin.inventory import Inventory
from udev_device_plugin.observations import (
    DeviceObserved,
    DeviceUnknown,
    Observation,
    PathObserved,
    PathsResync,
    UdevResync,
)
from udev_device_plugin.perceiving import Perception

NUMBER = DeviceNumber("c", 188, 0)
NODE = PathEntry("/dev/ttyUSB0", PathKind.NODE, NUMBER, "/dev/ttyUSB0", 1, Readiness.DONE)


def impatient(asked: list[Collection[DeviceNumber]], monkeypatch: pytest.MonkeyPatch) -> Perception:
    """One that asks at once, and notes what it asks; of a host that has nothing yet."""
    monkeypatch.setattr(perceiving, "PATIENCE", 0)
    perception = Perception(
        Inventory([Glob.parse("/dev/ttyUSB*")]),
        look=lambda *_: (),
        follow=lambda *_: (),
        identify=asked.append,
        guarded=lambda work: work(),
    )
    perception.take_in([PathsResync(()), UdevResync(())])
    return perception


async def timers() -> None:
    """Everything that is due now has run."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_node_is_asked_about_again_when_the_answer_has_come(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Collection[DeviceNumber]] = []
    perception = impatient(asked, monkeypatch)
    perception.take_in([PathObserved(NODE)])
    await timers()
    assert asked == [{NUMBER}]
    perception.take_in([PathsResync((NODE,))])
    await timers()
    assert asked == [{NUMBER}]
    perception.take_in([DeviceUnknown(NUMBER)])
    await timers()
    assert asked == [{NUMBER}, {NUMBER}]
    perception.take_in([DeviceUnknown(NUMBER)])
    await timers()
    assert asked == [{NUMBER}, {NUMBER}]


async def test_nothing_is_asked_before_udev_has_told_all_that_it_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Collection[DeviceNumber]] = []
    monkeypatch.setattr(perceiving, "PATIENCE", 0)
    perception = Perception(
        Inventory([Glob.parse("/dev/ttyUSB*")]), lambda *_: (), lambda *_: (), asked.append, lambda work: work()
    )
    perception.take_in([PathsResync((NODE,))])
    await timers()
    assert asked == []
    perception.take_in([UdevResync(())])
    await timers()
    assert asked == [{NUMBER}]


async def test_at_a_resync_only_what_nothing_vouches_for_is_looked_at() -> None:
    looked: list[set[str]] = []

    def look(paths: Iterable[str], told: HostDevice | None) -> Sequence[Observation]:
        del told
        looked.append(set(paths))
        return ()

    def device(minor: int) -> HostDevice:
        return HostDevice(f"/sys/devices/{minor}", "tty", number(minor), f"/dev/ttyUSB{minor}", initialized_at=9)

    def number(minor: int) -> DeviceNumber:
        return DeviceNumber("c", 188, minor)

    def node(minor: int) -> PathEntry:
        path = f"/dev/ttyUSB{minor}"
        return replace(NODE, path=path, number=number(minor), sys_path=f"/sys/devices/{minor}", initialized_at=9)

    perception = Perception(
        Inventory([Glob.parse("/dev/ttyUSB*")]), look, lambda *_: (), lambda _: None, guarded=lambda work: work()
    )
    perception.take_in([PathsResync((node(0), node(1)))])
    perception.take_in([UdevResync((device(0), device(1), device(2)))])
    assert looked[-1] == {"/dev/ttyUSB2"}
    perception.take_in([UdevResync((device(0),))])
    assert looked[-1] == {"/dev/ttyUSB1", "/dev/ttyUSB2"}  # of which udev knows nothing any more
    perception.close()


async def test_what_a_session_of_udevs_has_left_unanswered_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Collection[DeviceNumber]] = []
    perception = impatient(asked, monkeypatch)
    perception.take_in([PathObserved(NODE)])
    await timers()
    perception.take_in([UdevResync(())])
    await timers()
    assert asked == [{NUMBER}, {NUMBER}]


async def test_what_was_seen_since_a_device_was_made_is_not_looked_at_because_udev_tells_of_it_too() -> None:
    looked: list[set[str]] = []

    def look(paths: Iterable[str], told: HostDevice | None) -> Sequence[Observation]:
        assert told is None or told.sys_path == device.sys_path
        looked.append(set(paths))
        return ()

    node = replace(NODE, sys_path="/sys/devices/0", initialized_at=9)
    device = HostDevice("/sys/devices/0", "tty", NUMBER, "/dev/ttyUSB0", ("/dev/link",), initialized_at=9)
    perception = Perception(
        Inventory([Glob.parse("/dev/ttyUSB*")]), look, lambda *_: (), lambda _: None, guarded=lambda work: work()
    )
    perception.take_in([PathObserved(node), DeviceObserved(device)])
    assert looked == [set(), {"/dev/link"}]
    perception.take_in([DeviceObserved(replace(device, initialized_at=10))])
    assert looked[2:] == [{"/dev/ttyUSB0", "/dev/link"}]
    perception.close()
