"""The kubelet restarts: how long after its socket is there are the devices back? Is a plug lost meanwhile?

The embedded kubelet clears its directory as real ones do. How long it is away, and when the stick is plugged, differs
from turn to turn, so that the plugin is met in all of its states.
"""

import asyncio
import contextlib
import time
from dataclasses import dataclass

from hack.benchmarks.figures import Figure, distribution
from hack.benchmarks.scene import CALM, MANY, SERIAL, Names, Scene, holds, resource_names, scene, wait_for_lists
from hack.benchmarks.sticks import sys_name

BACK_AFTER = 100.0  # ms
LOST_AFTER = 5.0  # seconds: then a plug counts as lost

ABSENCE_STEP, ABSENCES = 0.05, 10
PLUG_STEP = 0.002
"""Seconds: the kubelet is away for 0 to 9 of these steps, the stick comes so many steps after it is back."""

STAYS = 0  # the stick that is plugged all the time


@dataclass(frozen=True, slots=True)
class Turn:
    """One restart; milliseconds. `plug` is from the event to the list, None if the stick was never listed."""

    back: float
    plug: float | None


async def measure(times: int) -> list[Figure]:
    """Restart the kubelet so many times, for one resource and for many."""
    figures = []
    for count in (1, MANY):
        names = resource_names(count)
        turns = await _turns(names, times)
        section = f"kubelet restart, {count} resource{'s' if count > 1 else ''}"
        figures += distribution(section, [turn.back for turn in turns], name="devices back", at_most=BACK_AFTER)
        listed = [turn.plug for turn in turns if turn.plug is not None]
        figures += distribution(section, listed, name="plug meanwhile, event to list") if listed else []
        figures.append(Figure(section, f"plugs lost, of {times}", times - len(listed), "", 0))
    return figures


async def _turns(names: Names, times: int) -> list[Turn]:
    async with scene(len(names)) as stage:
        stage.sticks.plug(STAYS)
        await stage.kubelet.wait_for_devices(SERIAL, healthy=1)
        return [await _turn(stage, names, number) for number in range(1, times + 1)]


async def _turn(stage: Scene, names: Names, number: int) -> Turn:
    await stage.kubelet.stop()
    await asyncio.sleep(number % ABSENCES * ABSENCE_STEP)
    await stage.kubelet.start()
    accepting = time.monotonic()
    plugging = asyncio.create_task(_plug_later(stage, number))
    await wait_for_lists(stage.kubelet, names)
    with contextlib.suppress(TimeoutError):
        await stage.kubelet.wait_until(lambda _: any(holds(one, number) for one in stage.lists()), timeout=LOST_AFTER)
    await plugging
    turn = Turn((_back(stage, names) - accepting) * 1000, _plug_delay(stage, number))
    stage.sticks.unplug(number)
    await stage.kubelet.wait_for_devices(SERIAL, healthy=1)
    await asyncio.sleep(CALM)
    return turn


async def _plug_later(stage: Scene, number: int) -> None:
    await asyncio.sleep(number * PLUG_STEP)
    stage.sticks.plug(number)


def _back(stage: Scene, names: Names) -> float:
    """When the last of the resources had its list, with what stayed plugged."""
    stayed = min(one.time for one in stage.lists() if holds(one, STAYS))
    firsts = {one.resource: one.time for one in reversed(stage.kubelet.history)}
    return max(stayed, *(firsts[name] for name in names))


def _plug_delay(stage: Scene, number: int) -> float | None:
    """From the event to the list; a list that had to wait for the kubelet counts from the event all the same."""
    event = next((one.time for one in stage.heard() if (one.action, one.sys_name) == ("add", sys_name(number))), None)
    listed = next((one.time for one in stage.lists() if holds(one, number)), None)
    return None if event is None or listed is None else (listed - event) * 1000
