"""Follows what is on this machine, and hands each look's outcome to the event loop.

Event loop only, but for the host thread that it starts (see ``host_thread``).
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
    """Looks at the host whenever something happens to it.

    Args:
        interest: what is configured.
        metrics: counts what happens.
    """

    def __init__(self, interest: Interest, metrics: Metrics) -> None:
        self._interest = interest
        self._metrics = metrics
        self._host: HostThread | None = None
        self._thread: threading.Thread | None = None
        self._looks: deque[HostLook] = deque()
        self._is_scheduled = False

    @property
    def is_running(self) -> bool:
        """Whether the host thread runs; safe to ask from any thread."""
        thread = self._thread
        return thread is not None and thread.is_alive()

    async def run(self, sink: Sink) -> None:
        """Hand everything to ``sink``, then every change, until cancelled.

        Raises:
            SourceError: udev cannot be listened to, and trying again did not help.
            StartError: the kernel gives no inotify instance.
        """
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()

        def hand_over() -> None:
            self._is_scheduled = False  # before anything is taken: what comes from now on is scheduled again
            looks = [self._looks.popleft() for _ in range(min(len(self._looks), AT_ONCE))]
            if self._looks:
                self._is_scheduled = True
                loop.call_soon(hand_over)
            if looks:
                sink(looks)

        def on_look(look: HostLook) -> None:
            self._looks.append(look)
            if not self._is_scheduled:
                self._is_scheduled = True
                loop.call_soon_threadsafe(hand_over)

        def work(host: HostThread) -> None:
            try:
                host.run()
            except Exception as error:  # whatever ends the thread must not go unnoticed
                loop.call_soon_threadsafe(_fail, ended, error)

        self._host = HostThread(self._interest, on_look, self._metrics)
        self._thread = threading.Thread(target=work, args=(self._host,), name="host", daemon=True)
        self._thread.start()
        try:
            await ended
        finally:
            self._host.stop()
            self._thread.join()
            self._host = None

    def look_at_everything(self) -> None:
        """Have everything looked at anew."""
        if self._host is not None:
            self._host.look_at_everything()

    def reconfigure(self, interest: Interest) -> None:
        """Have everything looked at for another configuration, and followed from then on."""
        self._interest = interest
        if self._host is not None:
            self._host.reconfigure(interest)


def _fail(future: asyncio.Future[None], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
