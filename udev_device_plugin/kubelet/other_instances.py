"""Other plugins of our resources, each held on the line: that shows when one has gone, however it went.

Event loop only. A process that is killed leaves its socket behind; what ends with it is a connection to
that socket. Nothing is said on it, and nothing runs while nothing happens.
"""

import asyncio
import contextlib
from collections.abc import Callable

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from udev_device_plugin.errors import raise_failure
from udev_device_plugin.selectors.paths.glob import Glob

_FIRST_WAIT = 0.005
_ATTEMPTS = 6
"""Between a server's ``bind`` and its ``listen`` there is a moment in which it refuses; 0.15 s are ample."""

_PAUSE = 0.1
"""Seconds from a peer's hanging up to the next call: gRPC's server does that, in a minute, to who says nothing."""

_ENOUGH = 4096
"""Bytes of what a peer may say at once: its end of the connection is all that counts."""


class OtherInstances:
    """Those that live, by their sockets.

    Args:
        on_gone: called on the loop with the socket of one that has gone.
    """

    def __init__(self, on_gone: Callable[[str], None]) -> None:
        self._on_gone = on_gone
        self._followed: dict[str, asyncio.Task[None]] = {}

    def follow(self, path: str, *, is_new: bool) -> None:
        """Be told when the plugin behind a socket goes; at once, if it was there only now and does not answer."""
        if path not in self._followed:
            task = self._followed[path] = asyncio.create_task(self._follow(path, is_new=is_new))
            task.add_done_callback(raise_failure)

    def leave(self, endpoints: Glob) -> None:
        """Follow those on matching sockets no longer."""
        for path in [path for path in self._followed if endpoints.matches(path)]:
            self._followed.pop(path).cancel()

    def is_any_at(self, endpoints: Glob) -> bool:
        """Whether one lives on a matching socket."""
        return any(map(endpoints.matches, self._followed))

    async def _follow(self, path: str, *, is_new: bool) -> None:
        was_there = is_new
        while await _hold(path):
            was_there = True
            await asyncio.sleep(_PAUSE)
        del self._followed[path]
        if was_there:
            self._on_gone(path)


async def _hold(path: str) -> bool:
    """Connect to a socket and wait until the other side hangs up; False if nobody answers."""
    try:
        reader, writer = await _call(path)
    except OSError:
        return False
    try:
        with contextlib.suppress(ConnectionError):
            while await reader.read(_ENOUGH):
                pass
    finally:
        writer.close()
    return True


async def _call(path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    retrying = AsyncRetrying(
        wait=wait_exponential(_FIRST_WAIT),
        retry=retry_if_exception_type(ConnectionRefusedError),
        stop=stop_after_attempt(_ATTEMPTS),
        reraise=True,
    )
    return await retrying(asyncio.open_unix_connection, path)
