"""Watches the kubelet's device plugin directory: whether a kubelet answers, and when another one has started.

Event loop only; one for all resources. A kubelet that starts clears the directory and then creates ``kubelet.sock``;
one that dies leaves it behind. So a restart shows by the socket's creation (inode numbers are used again: comparing
them would miss one), and a kubelet by its answer.
"""

import asyncio
import contextlib
import errno
import logging
import os
from collections import deque
from collections.abc import Collection, Iterator
from itertools import islice

from udev_device_plugin.filesystem.loop_watch import LoopWatch
from udev_device_plugin.filesystem.own_directory import OwnDirectory
from udev_device_plugin.kubelet.device_plugin.registration_session import RegistrationSession
from udev_device_plugin.kubelet.device_plugin.server import resource_of_socket, socket_globs
from udev_device_plugin.kubelet.other_instances import OtherInstances
from udev_device_plugin.selectors.paths.glob import Glob

logger = logging.getLogger(__name__)

KUBELET_SOCKET = "kubelet.sock"

_NOT_RUNNING = frozenset({errno.ENOENT, errno.ECONNREFUSED, errno.ENOTDIR})
"""Why no connection can be made where no kubelet runs."""

_FIRST_WAIT = 0.001
"""Seconds, doubled each time: a kubelet refuses connections between its ``bind`` and its ``listen``, for 1 to 3 ms."""

_LONGEST_WAIT = 30.0
"""Seconds: only in case that the watch, which starts the next attempt at once, misses something."""

_MAX_OTHERS = 100
"""Sockets of other instances of a resource that are looked at, at most: most of so many are of processes that ended."""

_ALONE_AFTER = 1.0
"""Seconds from the end of another plugin of a resource to the check whether ours is the only one left: by then, the
kubelet would have closed our stream, or the other one registered again."""


class PluginDirectory:
    """The directory ``path``, which need not exist yet.

    Attributes:
        path: as given.
        own: the plugin's own directory in it.
        kubelet_socket: path of the socket that the kubelet serves registrations on.
        epoch: how many kubelets have started since this plugin did.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.own = OwnDirectory(path)
        self.kubelet_socket = os.path.join(path, KUBELET_SOCKET)
        self.epoch = 0
        self._sessions: dict[str, RegistrationSession] = {}
        self._own_sockets: deque[str] = deque(maxlen=100)  # also former ones: events of their end may come late
        self._answering = asyncio.Event()
        self._wake = asyncio.Event()
        self._new_epoch = asyncio.Event()
        self._refusal = ""
        self._other_instances = OtherInstances(self._other_instance_gone)

    async def run(self) -> None:
        """Watch, and connect to the kubelet whenever it may not answer, until cancelled.

        Each event of its socket begins again with the shortest wait.
        """
        watched = [Glob.of(self.kubelet_socket), *socket_globs(self.path)]
        with contextlib.closing(LoopWatch(watched, self._changed)) as self._watch:
            wait = _FIRST_WAIT
            while True:
                self._wake.clear()
                is_answered = await self._is_answered()
                self._watch.read()  # a kubelet that has just started must be known before it is registered with
                if is_answered and not self._wake.is_set():
                    self._answering.set()
                try:
                    # wait_for would swallow a cancellation that comes with the wake-up
                    async with asyncio.timeout(None if self._answering.is_set() else wait):
                        await self._wake.wait()
                    wait = _FIRST_WAIT
                except TimeoutError:
                    wait = min(2 * wait, _LONGEST_WAIT)
                self._answering.clear()

    @property
    def trouble(self) -> str:
        """Why no kubelet can be registered with now."""
        return self._refusal or "no kubelet answers"

    async def answering(self) -> int:
        """Wait until a kubelet answers; return its epoch."""
        await self._answering.wait()
        return self.epoch

    def check(self) -> None:
        """A call or a stream ended: let ``answering`` wait until the kubelet has answered again."""
        self._answering.clear()
        self._wake.set()

    async def newer_than(self, epoch: int) -> int:
        """Wait for another kubelet than that of ``epoch``; return its epoch."""
        while self.epoch == epoch:
            await self._new_epoch.wait()
        return self.epoch

    async def pause(self, seconds: float, epoch: int) -> None:
        """Wait ``seconds``, or until another kubelet than that of ``epoch`` has started."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.newer_than(epoch)

    @contextlib.contextmanager
    def watching(self, session: RegistrationSession, socket_path: str) -> Iterator[None]:
        """End ``session`` when its socket is removed, another kubelet starts, or another plugin of the resource ends.

        Another plugin, in a rolling update that overlaps, may have registered after ours. When it ends, the kubelet
        drops the resource, and goes on reading our stream without using it.
        """
        resource = resource_of_socket(socket_path)
        self._sessions[socket_path] = session
        self._own_sockets.append(socket_path)
        self._changed((socket_path,))  # it may have been removed before it was watched
        others = self._watch.found.difference(self._own_sockets, [self.kubelet_socket])
        for path in islice((path for path in others if resource_of_socket(path) == resource), _MAX_OTHERS):
            self._other_instances.follow(path, is_new=False)
        try:
            yield
        finally:
            self._other_instances.leave(resource)
            del self._sessions[socket_path]

    def _changed(self, paths: Collection[str]) -> None:
        if self.kubelet_socket in paths and os.path.lexists(self.kubelet_socket):
            self.epoch += 1
            started, self._new_epoch = self._new_epoch, asyncio.Event()
            started.set()
            self.check()
            for session in self._sessions.values():
                session.end("another kubelet has started")
        for path in set(paths) - {self.kubelet_socket}:
            if (ours := self._sessions.get(path)) is not None:
                if not os.path.lexists(path):
                    ours.end("its socket was removed")
            elif path not in self._own_sockets and resource_of_socket(path) in map(resource_of_socket, self._sessions):
                self._other_instances.follow(path, is_new=True)

    def _other_instance_gone(self, gone: str) -> None:
        for path, session in self._sessions.items():
            if resource_of_socket(path) == resource_of_socket(gone):
                asyncio.get_running_loop().call_later(_ALONE_AFTER, self._end_if_alone, path, session)

    def _end_if_alone(self, path: str, session: RegistrationSession) -> None:
        is_alone = not self._other_instances.is_any_of(resource_of_socket(path))
        if is_alone and self._sessions.get(path) is session:
            session.end("another plugin of this resource has gone, and the kubelet may not listen to this one any more")

    async def _is_answered(self) -> bool:
        """Connect to the kubelet."""
        try:
            _, writer = await asyncio.open_unix_connection(self.kubelet_socket)
            self._note_refusal("")
            writer.close()
            await writer.wait_closed()
        except OSError as error:
            self._note_refusal("" if error.errno in _NOT_RUNNING else f"{self.kubelet_socket}: {error.strerror}")
            return False
        return True

    def _note_refusal(self, refusal: str) -> None:
        """Say once why a kubelet that may well run cannot be connected to; of a directory as a whole that has been."""
        if refusal and refusal != self._refusal and os.path.lexists(self.kubelet_socket):
            logger.warning("the kubelet cannot be connected to: %s: does the plugin run as uid 0?", refusal)
        self._refusal = refusal
