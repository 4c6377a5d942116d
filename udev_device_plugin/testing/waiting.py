"""Waits for a condition without polling: it is evaluated after every change, so that no state is missed.

Event loop only; changes must be reported on the same loop.
"""

import asyncio
from collections.abc import Callable


class Watchers:
    """The conditions that are waited for."""

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Future[None], Callable[[], bool]] = {}

    def changed(self) -> None:
        """Evaluate all conditions at once: a state may last for a moment only."""
        for future, is_met in tuple(self._waiting.items()):
            try:
                if not future.done() and is_met():
                    future.set_result(None)
            except Exception as error:  # raised to the caller of wait
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
