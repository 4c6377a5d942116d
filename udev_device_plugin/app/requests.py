"""Requests for work that is done by one task: gathered, done one after the other, and tried again if it cannot be done.

Event loop only.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from udev_device_plugin.errors import StartError

logger = logging.getLogger(__name__)

GATHER = 0.1
"""Seconds after a request in which further ones are served with it: a thousand signals are a few reloads, and a file
may be written in several steps."""

RETRY_AFTER = 5.0
"""Seconds until the next attempt if there are no descriptors, threads or memory for it."""


class Requests:
    """Serves requests by ``work``, which raises ``StartError`` if it cannot be done now; ``failing`` says so."""

    def __init__(self, work: Callable[[], Awaitable[None]], failing: str) -> None:
        self._work = work
        self._failing = failing
        self._is_requested = asyncio.Event()

    def request(self) -> None:
        """Do it soon."""
        self._is_requested.set()

    async def run(self) -> None:
        """Serve until cancelled."""
        is_failing = False
        while True:
            await self._is_requested.wait()
            await asyncio.sleep(GATHER)
            self._is_requested.clear()
            try:
                await self._work()
            except StartError as error:
                if not is_failing:
                    logger.error("%s, and will be tried again: %s", self._failing, error)  # noqa: TRY400 - a traceback tells no more
                is_failing = True
                await asyncio.sleep(RETRY_AFTER)
                self._is_requested.set()
            else:
                is_failing = False
