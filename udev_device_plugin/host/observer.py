"""Starts the host thread, and passes what it finds to the event loop.

Event loop only, but for what is marked otherwise.
"""

import asyncio
import threading
from collections.abc import Callable

from udev_device_plugin.errors import StartError
from udev_device_plugin.host.host_thread import HostThread
from udev_device_plugin.host.interest import Interest
from udev_device_plugin.host.looks import HostLook
from udev_device_plugin.host.model import OfferedNodes
from udev_device_plugin.telemetry.metrics import Metrics


class HostObserver:
    """Follows the host; created on the running loop.

    Raises:
        StartError: the kernel gives no inotify instance.
    """

    def __init__(self, interest: Interest, metrics: Metrics, offered: OfferedNodes = frozenset()) -> None:
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._host = HostThread(interest, self._take_look, metrics, offered)
        self._thread = threading.Thread(target=self._work, name="host", daemon=True)
        self._on_look: Callable[[HostLook], None] = lambda _: None

    @property
    def is_running(self) -> bool:
        """Whether the host thread runs. Any thread."""
        return self._thread.is_alive()

    async def run(self, on_look: Callable[[HostLook], None]) -> None:
        """Call ``on_look`` with everything, then with every change, until cancelled.

        Raises:
            StartError: there is no thread for it.
            SourceError: udev cannot be listened to, and trying again did not help.
        """
        self._on_look = on_look
        try:
            self._thread.start()
        except RuntimeError as error:
            raise StartError(f"no thread to look at the host with: {error}: allow the process more of them") from error
        try:
            await self._ended
        finally:
            self._host.stop()
            self._thread.join()

    def look_at_everything(self) -> None:
        """Have everything looked at again."""
        self._host.look_at_everything()

    def reconfigure(self, interest: Interest) -> None:
        """Have everything looked at for another configuration, which holds from then on."""
        self._host.reconfigure(interest)

    def _fail(self, error: Exception) -> None:
        if not self._ended.done():
            self._ended.set_exception(error)

    # On the host thread.

    def _work(self) -> None:
        try:
            self._host.run()
        except Exception as error:  # the end of the thread must not go unnoticed
            self._loop.call_soon_threadsafe(self._fail, error)

    def _take_look(self, look: HostLook) -> None:
        self._loop.call_soon_threadsafe(self._on_look, look)
