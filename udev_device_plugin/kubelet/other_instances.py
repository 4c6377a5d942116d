"""Connections to other plugins that serve a resource of ours, which show when one of them ends, even if it is killed.

Event loop only. A killed process leaves its socket behind, but its connections end. Nothing is sent on them, and
nothing runs while nothing happens.
"""

import asyncio
import contextlib
from collections.abc import Callable

from udev_device_plugin.errors import raise_failure
from udev_device_plugin.kubelet.device_plugin.server import resource_of_socket

_PAUSE = 0.2
"""Seconds until a new socket is connected to: a server refuses connections between its ``bind`` and its ``listen``. And
until a closed connection is made again: gRPC's server closes one that sends nothing, within a minute."""

_READ_SIZE = 4096


class OtherInstances:
    """The other plugins, by their sockets; ``on_gone`` is called with the socket of one that has ended."""

    def __init__(self, on_gone: Callable[[str], None]) -> None:
        self._on_gone = on_gone
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def follow(self, path: str, *, is_new: bool) -> None:
        """Have the end of the plugin on a socket reported, also if the socket is new and nothing answers on it."""
        if path not in self._tasks:
            task = self._tasks[path] = asyncio.create_task(self._follow(path, is_new=is_new))
            task.add_done_callback(raise_failure)

    def leave(self, resource: str) -> None:
        """Do not report those of a resource (`resource_of_socket`) any more."""
        for path in [path for path in self._tasks if resource_of_socket(path) == resource]:
            self._tasks.pop(path).cancel()

    def is_any_of(self, resource: str) -> bool:
        """Whether one of a resource runs."""
        return resource in map(resource_of_socket, self._tasks)

    async def _follow(self, path: str, *, is_new: bool) -> None:
        has_run = is_new
        if is_new:
            await asyncio.sleep(_PAUSE)
        while await _hold_connection(path):
            has_run = True
            await asyncio.sleep(_PAUSE)
        del self._tasks[path]
        if has_run:
            self._on_gone(path)


async def _hold_connection(path: str) -> bool:
    """Connect to a socket and wait until the other side closes the connection; False if nothing answers."""
    try:
        reader, writer = await asyncio.open_unix_connection(path)
    except OSError:
        return False
    try:
        with contextlib.suppress(ConnectionError):
            while await reader.read(_READ_SIZE):
                pass
    finally:
        writer.close()
    return True
