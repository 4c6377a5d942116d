"""Requests to reload the configuration, of SIGHUP and of the file's watch: gathered, and served one after the other.

Event loop only.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from udev_device_plugin.errors import StartError

logger = logging.getLogger(__name__)

GATHER = 0.1
"""Seconds after a request in which further ones are served with it: a thousand signals are a few reloads."""

RETRY_AFTER = 5.0
"""Seconds until the next attempt if there are no descriptors, threads or memory for it."""


class ReloadRequests:
    """Serves requests by ``reload``, which raises ``StartError`` if it cannot be done now."""

    def __init__(self, reload: Callable[[], Awaitable[None]]) -> None:
        self._reload = reload
        self._is_requested = asyncio.Event()

    def request(self) -> None:
        """Reload soon."""
        self._is_requested.set()

    async def run(self) -> None:
        """Serve until cancelled."""
        is_failing = False
        while True:
            await self._is_requested.wait()
            await asyncio.sleep(GATHER)
            self._is_requested.clear()
            try:
                await self._reload()
            except StartError as error:
                if not is_failing:
                    logger.error("configuration not reloaded yet, and will be tried again: %s", error)  # noqa: TRY400 - a traceback tells no more
                is_failing = True
                await asyncio.sleep(RETRY_AFTER)
                self._is_requested.set()
            else:
                is_failing = False
