"""A plugin, the least kubelet there is, and a bystander, so that it can be said when what was heard of.

The difference to `scene`, whose kubelet is faithful and takes its time: here a list counts from the kernel's hand-over.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from hack.benchmarks import bystander, receiver
from hack.benchmarks.programs import Program
from hack.benchmarks.scene import CALM, SERIAL, Heard, directory

Starter = Callable[[str], Program]
"""Makes the program that is measured, for the kubelet in a directory."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A list, and when the kernel had it for the kubelet: monotonic seconds.

    Attributes:
        size: bytes.
        new: the IDs that are healthy now, and were not in the list before.
        lost: the other way round.
    """

    time: float
    resource: str
    size: int
    devices: int
    healthy: int
    new: tuple[str, ...]
    lost: tuple[str, ...]


class Plugger(Protocol):
    """Sticks by number, on whatever host."""

    def plug(self, number: int, /) -> None: ...
    def unplug(self, number: int, /) -> None: ...
    def sys_name(self, number: int, /) -> str: ...
    def id_prefix(self, number: int, /) -> str: ...


@dataclass(frozen=True, slots=True)
class Delays:
    """Milliseconds from the bystander's receipt of each event to the list that shows it."""

    plugs: list[float]
    pulls: list[float]


class Post:
    """What came in, from both ends."""

    def __init__(self, folder: str, plugin: Program, kubelet: Program, ear: Program) -> None:
        self.folder = folder
        self.plugin = plugin
        self._kubelet = kubelet
        self._ear = ear
        self._lists: list[Arrival] = []
        self._heard: list[Heard] = []

    def lists(self) -> list[Arrival]:
        """All lists so far; always the same list, which grows."""
        for line in self._kubelet.lines()[len(self._lists) + 1 :]:
            time, resource, size, devices, healthy, new, lost = line.split()
            self._lists.append(
                Arrival(float(time), resource, int(size), int(devices), int(healthy), _ids(new), _ids(lost))
            )
        return self._lists

    def heard(self) -> list[Heard]:
        """All events so far; likewise."""
        for line in self._ear.lines()[len(self._heard) + 1 :]:
            time, action, name = line.split()
            self._heard.append(Heard(float(time), action, name))
        return self._heard

    async def until(self, is_met: Callable[[], bool]) -> None:
        """Wait until what came in meets the condition."""
        await self._kubelet.said(lambda _: is_met())

    async def until_healthy(self, count: int, resource: str = SERIAL) -> None:
        """Wait until the latest list of a resource has so many healthy devices."""
        await self.until(lambda: [one.healthy for one in self.lists() if one.resource == resource][-1:] == [count])

    async def delay(self, sticks: Plugger, action: str, number: int) -> float:
        """Plug or pull a stick: milliseconds from the event to the list that shows it."""
        lists, events = len(self.lists()), len(self.heard())
        (sticks.plug if action == "add" else sticks.unplug)(number)

        def shown() -> float | None:
            for one in self.lists()[lists:]:
                if any(id_.startswith(sticks.id_prefix(number)) for id_ in (one.new if action == "add" else one.lost)):
                    return one.time
            return None

        def told() -> float | None:
            name = sticks.sys_name(number)
            events_of_it = (one for one in self.heard()[events:] if (one.action, one.sys_name) == (action, name))
            return next((one.time for one in events_of_it), None)

        await self.until(lambda: None not in (shown(), told()))
        return ((shown() or 0.0) - (told() or 0.0)) * 1000

    async def delays(self, sticks: Plugger, numbers: Iterable[int], *, lag: int = 0, calm: float = CALM) -> Delays:
        """Plug these one after the other, and pull each as soon as so many others were plugged after it."""
        delays, waiting = Delays([], []), list[int]()
        for number in numbers:
            delays.plugs.append(await self.delay(sticks, "add", number))
            waiting.append(number)
            await asyncio.sleep(calm)
            if len(waiting) > lag:
                delays.pulls.append(await self.delay(sticks, "remove", waiting.pop(0)))
                await asyncio.sleep(calm)
        for number in waiting:
            await self.delay(sticks, "remove", number)
            await asyncio.sleep(calm)
        return delays


@asynccontextmanager
async def listening(start: Starter, subsystem: str, resources: Iterable[str] = (SERIAL,)) -> AsyncIterator[Post]:
    """The program, as soon as it has sent a list of each resource."""
    async with contextlib.AsyncExitStack() as stack:
        folder = stack.enter_context(directory())
        ear = Program("hack.benchmarks.bystander", subsystem, output=f"{folder}.bystander.log")
        await stack.enter_async_context(ear)
        kubelet = Program("hack.benchmarks.receiver", folder, output=f"{folder}.kubelet.log")
        await stack.enter_async_context(kubelet)
        await ear.said(lambda lines: bystander.READY in lines)
        await kubelet.said(lambda lines: receiver.READY in lines)
        plugin = await stack.enter_async_context(start(folder))
        post = Post(folder, plugin, kubelet, ear)
        await post.until(lambda: {one.resource for one in post.lists()} >= set(resources))
        await asyncio.sleep(CALM)
        yield post


def _ids(text: str) -> tuple[str, ...]:
    return () if text == "-" else tuple(text.split(","))
