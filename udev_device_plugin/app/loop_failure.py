"""Ends the run when a callback of the event loop fails: a reader, a timer, a signal handler.

Event loop only. By default asyncio logs such a failure and continues. The changes that the callback should have
processed are lost then, and the kubelet's lists stay out of date without a notice: so the first failure ends the run,
as the failure of a task does.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, NoReturn


class LoopFailureError(Exception):
    """A callback of the event loop failed; ``__cause__`` is its exception."""


async def end_on_failure(work: Coroutine[Any, Any, None]) -> None:
    """Await ``work``; the first failure reported to the loop's exception handler cancels it.

    Raises:
        BaseExceptionGroup: of the exception of ``work``, or of ``LoopFailureError``.
    """
    failures = _Failures()
    asyncio.get_running_loop().set_exception_handler(failures.handle)
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(failures.raise_first(), name="failures of the loop")
        await work
        watching.cancel()


class _Failures:
    def __init__(self) -> None:
        self._first: tuple[str, BaseException] | None = None
        self._has_failed = asyncio.Event()
        self._is_over = False

    def handle(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Handle an exception of the loop; one that does not end the run is logged, as asyncio does."""
        error = context.get("exception")
        if error is None or self._first is not None or self._is_over or _is_harmless(context, error):
            loop.default_exception_handler(context)
            return
        self._first = context["message"], error
        self._has_failed.set()

    async def raise_first(self) -> NoReturn:
        try:
            await self._has_failed.wait()
        finally:
            self._is_over = True
        assert self._first is not None  # noqa: S101 - for the type checker
        message, error = self._first
        raise LoopFailureError(message) from error


def _is_harmless(context: dict[str, Any], error: BaseException) -> bool:
    """Return whether the failure concerns no work of this program."""
    if "future" in context:
        # "Exception was never retrieved", reported at garbage collection: gRPC's, of calls whose client hung up.
        # Tasks of ours are awaited, or have `errors.raise_failure` as a callback.
        return True
    # Of two loops that gRPC serves, one finds nothing left to read (grpc/grpc#25364); nothing is lost.
    return isinstance(error, BlockingIOError) and "PollerCompletionQueue" in context["message"]
