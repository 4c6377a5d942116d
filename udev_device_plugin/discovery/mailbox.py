"""Hands observations from the udev thread to the main loop: the first at once, and all that follow with it.

Floor 4. Waking a thread takes longer than describing a device. So the loop is told only when there was nothing for it
to take; what is put while it is on its way, or at work, it takes in the same go.
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence

from udev_device_plugin.discovery import Sink
from udev_device_plugin.observations import Observation

AT_ONCE = 256
"""Deliveries that are taken in one go, at most: the loop has other things to do."""


class Mailbox:
    """One thread puts, the loop takes.

    Args:
        loop: whose thread takes.
        sink: takes the observations in, there.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, sink: Sink) -> None:
        self._loop = loop
        self._sink = sink
        self._put: deque[tuple[Sequence[Observation], float]] = deque()
        self._is_told = False

    def put(self, observations: Sequence[Observation], received: float | None = None) -> None:
        """Hand over what was observed, just now if not at ``received``; safe to call from another thread."""
        self._put.append((observations, time.monotonic() if received is None else received))
        if not self._is_told:
            self._is_told = True
            self._loop.call_soon_threadsafe(self._take)

    def _take(self) -> None:
        self._is_told = False  # before anything is taken: what is put from now on is told of again
        taken = [self._put.popleft() for _ in range(min(len(self._put), AT_ONCE))]
        if self._put:
            self._is_told = True
            self._loop.call_soon(self._take)
        if taken:
            _, received = taken[0]
            self._sink([observation for observations, _ in taken for observation in observations], received)
