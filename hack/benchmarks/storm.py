"""Many sticks at once, as with a hub or at boot: few messages, and the last list soon after the last event."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from hack.benchmarks.figures import Figure, distribution
from hack.benchmarks.scene import CALM, SERIAL, WINDOW, Heard, Scene, scene
from udev_device_plugin.testing.records import ListReceived

PATIENCE = 60.0  # seconds
NEVER_MORE = 100.0  # ms
ROUNDS = 3
FEW = 40
"""Messages, whatever the storm."""


@dataclass(frozen=True, slots=True)
class Burst:
    """One burst.

    Attributes:
        span: seconds from the first event to the last.
        messages: lists that the kubelet got for it.
        lag: seconds from the last event to the last list.
        cpu: seconds of the plugin's CPU time.
    """

    span: float
    messages: int
    lag: float
    cpu: float

    @property
    def allowed_messages(self) -> int:
        """One at once and one for each window until the last; one more, as the plugin may know before the event."""
        return int((self.span + self.lag) / WINDOW) + 2


async def measure(sticks: int) -> list[Figure]:
    """Plug so many at once, and pull them at once; several times."""
    plugged, pulled = [], []
    async with scene() as stage:
        for _ in range(ROUNDS):
            plugged.append(await _burst(stage, "add", sticks))
            pulled.append(await _burst(stage, "remove", sticks))
    return [
        *_figures(f"storm, {sticks} plugged", plugged, sticks),
        *_figures(f"storm, {sticks} pulled", pulled, sticks),
    ]


async def _burst(stage: Scene, action: str, sticks: int) -> Burst:
    cpu, lists, events = stage.plugin.cpu_seconds(), len(stage.lists()), len(_events(stage, action))
    if action == "add":
        stage.sticks.plug(*range(sticks))
    else:
        stage.sticks.unplug_all()
    healthy = sticks if action == "add" else 0
    await stage.kubelet.wait_for_devices(SERIAL, healthy=healthy, timeout=PATIENCE)
    await stage.bystander.said(lambda _: len(_events(stage, action)) >= events + sticks)
    await asyncio.sleep(2 * CALM)
    return _judged(_events(stage, action)[events:], stage.lists()[lists:], stage.plugin.cpu_seconds() - cpu)


def _events(stage: Scene, action: str) -> list[Heard]:
    return [event for event in stage.heard() if event.action == action]


def _judged(events: Sequence[Heard], lists: Sequence[ListReceived], cpu: float) -> Burst:
    first, last = events[0].time, events[-1].time
    return Burst(last - first, len(lists), lists[-1].time - last, cpu)


def _figures(section: str, bursts: Sequence[Burst], sticks: int) -> list[Figure]:
    worst = max(bursts, key=lambda burst: burst.messages - burst.allowed_messages)
    return [
        *distribution(section, [burst.span * 1000 for burst in bursts], name="first to last event")[:1],
        Figure(section, "messages to the kubelet", worst.messages, "", min(FEW, worst.allowed_messages)),
        *distribution(
            section, [burst.lag * 1000 for burst in bursts], name="last event to last list", at_most=NEVER_MORE
        ),
        *distribution(section, [burst.cpu * 1000 / sticks for burst in bursts], name="CPU time, each")[:1],
    ]
