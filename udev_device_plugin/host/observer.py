"""Follows what is on this machine, and hands each look's outcome to the event loop.

Event loop only, but for what runs on the host thread that it starts (see ``host_thread``).
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable

from udev_device_plugin.host.host_thread import HostThread
from udev_device_plugin.host.interest import Interest
from udev_device_plugin.host.looks import HostLook
from udev_device_plugin.telemetry.metrics import Metrics

AT_ONCE = 256
"""Looks that are handed over in one go, at most: the loop has other things to do."""

Sink = Callable[[list[HostLook]], None]
"""Takes looks in, on the event loop."""


class HostObserver:
    """Looks at the host whenever something happens to it; made on the running loop.

    Args:
        interest: what is configured.
        metrics: counts what happens.

    Raises:
        StartError: the kernel gives no inotify instance.
    """

    def __init__(self, interest: Interest, metrics: Metrics) -> None:
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._host = HostThread(interest, self._take_look, metrics)
        self._thread = threading.Thread(target=self._work, name="host", daemon=True)
        self._looks: deque[HostLook] = deque()
        self._is_scheduled = False
        self._sink: Sink = lambda _: None

    @property
    def is_running(self) -> bool:
        """Whether the host thread runs; safe to ask from any thread."""
        return self._thread.is_alive()

    async def run(self, sink: Sink) -> None:
        """Hand everything to ``sink``, then every change, until cancelled.

        Raises:
            SourceError: udev cannot be listened to, and trying again did not help.
        """
        self._sink = sink
        self._thread.start()
        try:
            await self._ended
        finally:
            self._host.stop()
            self._thread.join()

    def look_at_everything(self) -> None:
        """Have everything looked at anew."""
        self._host.look_at_everything()

    def reconfigure(self, interest: Interest) -> None:
        """Have everything looked at for another configuration, and followed from then on."""
        self._host.reconfigure(interest)

    def _hand_over(self) -> None:
        self._is_scheduled = False  # before anything is taken: what comes from now on is scheduled again
        looks = [self._looks.popleft() for _ in range(min(len(self._looks), AT_ONCE))]
        if self._looks:
            self._is_scheduled = True
            self._loop.call_soon(self._hand_over)
        if looks:
            self._sink(looks)

    def _fail(self, error: Exception) -> None:
        if not self._ended.done():
            self._ended.set_exception(error)

    # On the host thread.

    def _work(self) -> None:
        try:
            self._host.run()
        except Exception as error:  # whatever ends the thread must not go unnoticed
            self._loop.call_soon_threadsafe(self._fail, error)

    def _take_look(self, look: HostLook) -> None:
        self._looks.append(look)
        if not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon_threadsafe(self._hand_over)
