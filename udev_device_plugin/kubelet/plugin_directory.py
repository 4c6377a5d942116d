"""The directory that kubelet and plugins meet in: knows when a kubelet answers, and when another one has come.

Event loop only; one for all resources. A kubelet that starts clears the directory and then makes
``kubelet.sock``; one that dies leaves it behind. So the making of the socket is what counts (inode numbers are re-used:
comparing them would miss a restart), and whether somebody answers on it.
"""

import asyncio
import contextlib
import logging
import os
from collections import deque
from collections.abc import Collection, Iterator

from tenacity import AsyncRetrying, RetryCallState, RetryError, retry_if_exception_type, wait_exponential

from udev_device_plugin.filesystem.loop_watch import LoopWatch
from udev_device_plugin.kubelet.device_plugin.server import siblings
from udev_device_plugin.kubelet.device_plugin.session import RegistrationSession
from udev_device_plugin.kubelet.other_instances import OtherInstances
from udev_device_plugin.selectors.paths.glob import Glob

logger = logging.getLogger(__name__)

KUBELET_SOCKET = "kubelet.sock"

_FIRST_WAIT = 0.005
"""Seconds: between a kubelet's ``bind`` and its ``listen`` there is a moment in which it refuses."""

_LONGEST_WAIT = 30.0
"""Seconds: only a net beneath the watch, which wakes the next attempt at once."""

_SUSPICION = 1.0
"""Seconds from the end of another plugin of a resource to the question whether ours is the only one left: if the
kubelet hung up on ours, or the other one only registers anew, that has shown by then."""


class PluginDirectory:
    """Watches the plugin directory ``path``, which need not exist yet.

    Attributes:
        path: the directory.
        kubelet_socket: where the kubelet serves registrations.
        epoch: how many kubelets have made their socket since the start.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.kubelet_socket = os.path.join(path, KUBELET_SOCKET)
        self.epoch = 0
        self._lives: dict[str, RegistrationSession] = {}
        self._used: deque[str] = deque(maxlen=100)  # sockets of ours, whose end may be heard of late
        self._answering = asyncio.Event()
        self._wake = asyncio.Event()
        self._new_epoch = asyncio.Event()
        self._other_instances = OtherInstances(self._suspect)

    async def run(self) -> None:
        """Watch, and call on the kubelet whenever it is not known whether it answers, until cancelled."""
        kubelet_socket = Glob.of(self.kubelet_socket)
        with contextlib.closing(LoopWatch([kubelet_socket], self._changed)) as self._watch:
            while True:
                await self._call_until_answered()
                if not self._wake.is_set():
                    self._answering.set()
                await self._wake.wait()
                self._answering.clear()

    async def answering(self) -> int:
        """Wait until a kubelet answers; returns its epoch."""
        await self._answering.wait()
        return self.epoch

    def doubt(self) -> None:
        """Somebody got no answer, or lost a stream: call on the kubelet before anybody goes on."""
        self._answering.clear()
        self._wake.set()

    async def newer_than(self, epoch: int) -> int:
        """Wait for another kubelet than that of ``epoch``; returns its epoch."""
        while self.epoch == epoch:
            await self._new_epoch.wait()
        return self.epoch

    async def pause(self, seconds: float, epoch: int) -> None:
        """Wait ``seconds``, or until another kubelet than that of ``epoch`` has come."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.newer_than(epoch)

    @contextlib.contextmanager
    def attended(self, life: RegistrationSession, socket_path: str) -> Iterator[None]:
        """End ``life`` when its socket is taken away, or another kubelet has come, or another plugin has gone.

        The other one, of a rolling update that overlaps, may have registered later than ours. Its end then is the end
        of the resource for the kubelet, which still reads our stream and does not listen.
        """
        endpoints = siblings(socket_path)
        self._lives[socket_path] = life
        self._used.append(socket_path)
        self._watch.add(endpoints)
        self._changed((socket_path,))  # it may have been gone before the watch was there
        for path in filter(endpoints.matches, self._watch.found.difference(self._used)):
            self._other_instances.follow(path, is_new=False)
        try:
            yield
        finally:
            self._watch.discard(endpoints)
            self._other_instances.leave(endpoints)
            del self._lives[socket_path]

    def _changed(self, paths: Collection[str]) -> None:
        if self.kubelet_socket in paths and os.path.lexists(self.kubelet_socket):
            self.epoch += 1
            news, self._new_epoch = self._new_epoch, asyncio.Event()
            news.set()
            self.doubt()
            for life in self._lives.values():
                life.end("another kubelet has started")
        for path in set(paths) - {self.kubelet_socket}:
            if (ours := self._lives.get(path)) is not None:
                if not os.path.lexists(path):
                    ours.end("its socket was removed")
            elif path not in self._used:
                self._other_instances.follow(path, is_new=True)

    def _suspect(self, gone: str) -> None:
        """Another plugin is gone: look soon whether a life of ours is the last of its resource."""
        for path, life in self._lives.items():
            if siblings(path).matches(gone):
                asyncio.get_running_loop().call_later(_SUSPICION, self._end_if_alone, path, life)

    def _end_if_alone(self, path: str, life: RegistrationSession) -> None:
        if self._lives.get(path) is life and not self._other_instances.is_any_at(siblings(path)):
            life.end("another plugin of this resource has gone, and the kubelet may not listen to this one any more")

    async def _call_until_answered(self) -> None:
        """Call on the kubelet until it answers; each wake-up starts over with the shortest wait."""
        while True:
            self._wake.clear()
            try:
                async for attempt in AsyncRetrying(
                    wait=wait_exponential(_FIRST_WAIT, max=_LONGEST_WAIT),
                    retry=retry_if_exception_type(OSError),
                    stop=self._is_woken,
                    sleep=self._sleep,
                ):
                    with attempt:
                        await self._call()
            except RetryError:
                continue
            return

    async def _call(self) -> None:
        """Connect to the kubelet's socket and hang up; an ``OSError`` if nobody answers."""
        _, writer = await asyncio.open_unix_connection(self.kubelet_socket)
        writer.close()
        await writer.wait_closed()

    def _is_woken(self, _: RetryCallState) -> bool:
        return self._wake.is_set()

    async def _sleep(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):  # wait_for would forget that it was cancelled, if both came at once
                await self._wake.wait()
