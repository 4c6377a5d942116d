"""Waiting for a condition without polling: it is looked at after every change, so that nothing passes unseen.

Runs on the waiter's loop, which must be that of the changes.
"""

import asyncio
from collections.abc import Callable


class Watchers:
    """Conditions that somebody waits for."""

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Future[None], Callable[[], bool]] = {}

    def changed(self) -> None:
        """Look at all conditions, at once: a state that lasts for a moment only counts as well."""
        for future, is_met in tuple(self._waiting.items()):
            try:
                if not future.done() and is_met():
                    future.set_result(None)
            except Exception as error:  # the fault is the waiter's, who gets it
                future.set_exception(error)

    async def wait(self, is_met: Callable[[], bool]) -> None:
        """Return as soon as the condition holds."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[future] = is_met
        try:
            if not is_met():
                await future
        finally:
            del self._waiting[future]
