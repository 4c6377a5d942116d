"""Which resource may register when: after a kubelet's start those first whose devices pods hold.

Event loop only; one for all resources. A kubelet admits static pods within 1 to 125 ms of its start, and fails a pod
for good whose device is not listed by then (measured on kubelet 1.30 to 1.36). Twenty registrations at once take longer
than that on a node that boots; those that matter to pods take 7 to 12 ms when they come first.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection

import grpc

from udev_device_plugin.kubelet.channel import open_channel

AT_ONCE = 3
"""Registrations of other resources at one time."""

FIRST_FOR = 1.0
"""Seconds that the others wait for the first ones, at most: beside two busy loops those take 0.1 s. One of them may not
come at all, such as one that has registered just before the new kubelet was noticed."""


class RegistrationTurns:
    """The turns of all resources.

    Args:
        kubelet_socket: that the kubelet serves registrations on.
        held: returns the resources of which pods hold devices; called once for each kubelet that starts.
    """

    def __init__(self, kubelet_socket: str, held: Callable[[], Collection[str]]) -> None:
        self._kubelet_socket = kubelet_socket
        self._held = held
        self._resources: set[str] = set()
        self._start: _KubeletStart | None = None

    def add(self, resource: str) -> None:
        """A resource is served from now on."""
        self._resources.add(resource)

    def discard(self, resource: str) -> None:
        """A resource is not served any more: nobody waits for it."""
        self._resources.discard(resource)
        self.give_up(resource)

    def give_up(self, resource: str) -> None:
        """A resource does not register now: nobody waits for it."""
        if self._start is not None:
            self._start.done(resource)

    def turn(self, resource: str, epoch: int) -> contextlib.AbstractAsyncContextManager[grpc.aio.Channel]:
        """Wait for the resource's turn with the kubelet of ``epoch``, and have the channel for one attempt.

        An attempt that began with a former kubelet reaches the present one, and takes its turn with that.
        """
        if self._start is None or self._start.epoch < epoch:
            self._start = _KubeletStart(self._kubelet_socket, epoch, self._resources.intersection(self._held()))
        return self._start.turn(resource)


class _KubeletStart:
    """The registrations with one kubelet, on one channel while some of them are under way."""

    def __init__(self, kubelet_socket: str, epoch: int, first: set[str]) -> None:
        self.epoch = epoch
        self._kubelet_socket = kubelet_socket
        self._first = first
        self._first_are_done = asyncio.Event()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._users = 0
        self._channel: grpc.aio.Channel | None = None
        if not first:
            self._first_are_done.set()

    def done(self, resource: str) -> None:
        self._first.discard(resource)
        if not self._first:
            self._first_are_done.set()

    @contextlib.asynccontextmanager
    async def turn(self, resource: str) -> AsyncIterator[grpc.aio.Channel]:
        async with self._open_channel() as channel:
            if resource in self._first:
                try:
                    yield channel
                finally:
                    self.done(resource)
            else:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(FIRST_FOR):
                        await self._first_are_done.wait()
                async with self._slots:
                    yield channel

    @contextlib.asynccontextmanager
    async def _open_channel(self) -> AsyncIterator[grpc.aio.Channel]:
        if self._channel is None:
            self._channel = open_channel(self._kubelet_socket)
        channel = self._channel
        self._users += 1
        try:
            yield channel
        finally:
            self._users -= 1
            if not self._users:
                self._channel = None
                await channel.close()
