"""A stick is plugged: how long after a bare listener hears of it does the kubelet have the list? And pulled?

Single plugs: each waits until the last change's window of gathering is over. The first stick is one thing (udevd makes
the directory of its link, which the plugin has to find), another one beside it is the lighter. Held against `bare`, the
shortest way there is.
"""

import asyncio
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hack.benchmarks.figures import Figure, distribution
from hack.benchmarks.scene import CALM, SERIAL, Heard, Scene, bare_program, holds, scene
from hack.benchmarks.sticks import COUNT, sys_name
from udev_device_plugin.testing.records import ListReceived

TYPICAL, NEVER_MORE = 2.0, 100.0  # ms

STAYS = COUNT - 1
"""The stick that is there when another one comes."""

MAX_PLUGS = STAYS


@dataclass(frozen=True, slots=True)
class Delays:
    """Milliseconds from each event to its list."""

    plugs: list[float]
    pulls: list[float]


async def measure(plugs: int) -> list[Figure]:
    """Plug and pull so many sticks one after the other, in each of the situations."""
    async with scene() as stage:
        first = await _plug_and_pull_all(stage, plugs)
    async with scene() as stage:
        stage.sticks.plug(STAYS)
        await stage.kubelet.wait_for_devices(SERIAL, healthy=1)
        await asyncio.sleep(CALM)
        another = await _plug_and_pull_all(stage, plugs)
    async with scene(program=bare_program) as stage:
        bare = await _plug_and_pull_all(stage, plugs)
    return [
        *_figures("first stick", first),
        *_figures("another stick", another),
        *distribution("shortest way, event to list", bare.plugs, name="plugged"),
        Figure("shortest way, event to list", "first stick, times as long", _ratio(first, bare), ""),
        Figure("shortest way, event to list", "another stick, times as long", _ratio(another, bare), ""),
    ]


def _figures(what: str, delays: Delays) -> list[Figure]:
    section = f"{what}, event to list"
    return [
        *distribution(section, delays.plugs, name="plugged", median_at_most=TYPICAL, at_most=NEVER_MORE),
        *distribution(section, delays.pulls, name="pulled", at_most=NEVER_MORE),
    ]


def _ratio(one: Delays, other: Delays) -> float:
    return statistics.median(one.plugs) / statistics.median(other.plugs)


async def _plug_and_pull_all(stage: Scene, plugs: int) -> Delays:
    before = stage.kubelet.resource(SERIAL).allocatable
    for number in range(plugs):
        stage.sticks.plug(number)
        await stage.kubelet.wait_for_devices(SERIAL, healthy=before + 1)
        await asyncio.sleep(CALM)
        stage.sticks.unplug(number)
        await stage.kubelet.wait_for_devices(SERIAL, healthy=before)
        await asyncio.sleep(CALM)
    heard, lists = stage.heard(), stage.lists()
    return Delays(*(_delays(action, range(plugs), heard, lists) for action in ("add", "remove")))


def _delays(action: str, numbers: Iterable[int], heard: Sequence[Heard], lists: Sequence[ListReceived]) -> list[float]:
    """Milliseconds from each stick's event to the first list that shows what it did; each is plugged once."""
    events = {event.sys_name: event.time for event in heard if event.action == action}
    return [(_shown(action, number, lists) - events[sys_name(number)]) * 1000 for number in numbers]


def _shown(action: str, number: int, lists: Sequence[ListReceived]) -> float:
    offering = [index for index, one in enumerate(lists) if holds(one, number)]
    return lists[offering[0] if action == "add" else offering[-1] + 1].time
