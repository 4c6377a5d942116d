"""What udev does not tell is asked for, once at a time."""

import asyncio
from collections.abc import Collection

import pytest

from udev_device_plugin import perceiving
from udev_device_plugin.device import DeviceNumber, PathEntry, PathKind, Readiness
from udev_device_plugin.globs import Glob
from udev_device_plugin.inventory import Inventory
from udev_device_plugin.observations import DeviceUnknown, PathObserved, PathsResync, UdevResync
from udev_device_plugin.perceiving import Perception

NUMBER = DeviceNumber("c", 188, 0)
NODE = PathEntry("/dev/ttyUSB0", PathKind.NODE, NUMBER, "/dev/ttyUSB0", 1, Readiness.DONE)


def impatient(asked: list[Collection[DeviceNumber]], monkeypatch: pytest.MonkeyPatch) -> Perception:
    """One that asks at once, and notes what it asks."""
    monkeypatch.setattr(perceiving, "PATIENCE", 0)
    return Perception(
        Inventory([Glob.parse("/dev/ttyUSB*")]),
        look=lambda _: (),
        follow=lambda *_: (),
        identify=asked.append,
        guarded=lambda work: work(),
    )


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


async def test_what_a_session_of_udevs_has_left_unanswered_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Collection[DeviceNumber]] = []
    perception = impatient(asked, monkeypatch)
    perception.take_in([PathObserved(NODE)])
    await timers()
    perception.take_in([UdevResync(())])
    await timers()
    assert asked == [{NUMBER}, {NUMBER}]
