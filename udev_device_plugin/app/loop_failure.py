"""Ends the run when something fails on the event loop that nobody awaits: a callback, a timer, a signal handler.

Event loop only. By itself asyncio logs such a failure and goes on. What the callback had taken in is lost then, and the
lists that the kubelet has are out of date, without anybody noticing: so the first one ends everything, as the failure
of a task does.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, NoReturn


class LoopFailureError(Exception):
    """Something failed on the event loop; the cause is what it failed with."""


async def end_on_failure(work: Coroutine[Any, Any, None]) -> None:
    """Do ``work``, with the loop's exception handler set: the first failure that is reported to it ends it.

    Raises:
        BaseExceptionGroup: what ``work`` raised, or ``LoopFailureError``.
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
        """Be the loop's exception handler; what does not end the run is logged, as asyncio does it."""
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
    """Whether what was reported concerns nothing of ours that would stay undone."""
    if "socket" in context and isinstance(error, OSError):
        return True  # a server of asyncio's lacks descriptors or memory to accept: it tries again after a second
    if "future" in context:
        # "Exception was never retrieved", said when the garbage collector comes by: gRPC's, of calls whose other side
        # hung up. Tasks of ours are awaited, or have `errors.raise_failure` for a callback.
        return True
    # Of two loops that gRPC serves one finds nothing to read any more (grpc/grpc#25364); nothing is lost by it.
    return isinstance(error, BlockingIOError) and "PollerCompletionQueue" in context["message"]
