"""Observations go from one thread to the loop: all of them, in order, and together where they come together."""

import asyncio
import threading
from collections.abc import Callable, Sequence

from udev_device_plugin.discovery.mailbox import AT_ONCE, Mailbox
from udev_device_plugin.observations import DeviceRemoved, Observation


class Letters:
    """What the loop got."""

    def __init__(self) -> None:
        self.deliveries: list[list[Observation]] = []
        self.received: list[float] = []
        self.on_delivery: Callable[[], None] = lambda: None
        self._news = asyncio.Event()

    def sink(self, observations: Sequence[Observation], received: float) -> None:
        self.deliveries.append(list(observations))
        self.received.append(received)
        self.on_delivery()
        self._news.set()

    async def wait_for(self, count: int) -> list[Observation]:
        async with asyncio.timeout(10):
            while sum(map(len, self.deliveries)) < count:
                self._news.clear()
                await self._news.wait()
        return [observation for delivery in self.deliveries for observation in delivery]


def put_elsewhere(mailbox: Mailbox, *observations: Observation) -> None:
    """Put observations one by one, on another thread."""

    def put() -> None:
        for observation in observations:
            mailbox.put([observation])

    thread = threading.Thread(target=put)
    thread.start()
    thread.join()


def gone(number: int) -> DeviceRemoved:
    return DeviceRemoved(f"/sys/devices/{number}")


async def test_what_comes_before_the_loop_gets_to_it_is_taken_in_one_go() -> None:
    letters = Letters()
    loop = asyncio.get_running_loop()
    mailbox = Mailbox(loop, letters.sink)
    before = loop.time()
    put_elsewhere(mailbox, gone(0))
    after_first = loop.time()
    put_elsewhere(mailbox, gone(1), gone(2))
    assert await letters.wait_for(3) == [gone(0), gone(1), gone(2)]
    assert len(letters.deliveries) == 1
    assert before <= letters.received[0] <= after_first


async def test_what_comes_while_the_loop_takes_is_taken_too() -> None:
    letters = Letters()
    mailbox = Mailbox(asyncio.get_running_loop(), letters.sink)
    more = [gone(2), gone(1)]

    def put_more() -> None:
        if more:
            put_elsewhere(mailbox, more.pop())

    letters.on_delivery = put_more
    put_elsewhere(mailbox, gone(0))
    assert await letters.wait_for(3) == [gone(0), gone(1), gone(2)]


async def test_a_flood_leaves_the_loop_time_for_other_things() -> None:
    letters = Letters()
    loop = asyncio.get_running_loop()
    mailbox = Mailbox(loop, letters.sink)
    turns: list[int] = []

    def note_turn() -> None:
        loop.call_soon(turns.append, len(letters.deliveries))

    letters.on_delivery = note_turn
    flood = [gone(number) for number in range(2 * AT_ONCE + 1)]
    put_elsewhere(mailbox, *flood)
    assert await letters.wait_for(len(flood)) == flood
    assert list(map(len, letters.deliveries)) == [AT_ONCE, AT_ONCE, 1]
    assert turns[:2] == [1, 2]
