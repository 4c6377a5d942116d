"""Runs what may block, or takes long, on a thread of its own.

Event loop only. The thread is a daemon, so the process ends without it: asyncio's own threads are waited for.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

from udev_device_plugin.errors import StartError

_T = TypeVar("_T")


async def run_off_loop(work: Callable[[], _T]) -> _T:
    """Return what ``work`` returns; if that is cancelled, the work goes on, and its outcome is dropped.

    Raises:
        StartError: no thread can be started now.
        Exception: what ``work`` raises.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[_T] = loop.create_future()

    def finish(set_outcome: Callable[[], None]) -> None:
        if not outcome.done():
            set_outcome()

    def run() -> None:
        try:
            result = work()
        except Exception as error:  # the caller decides
            failure = error
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(finish, lambda: outcome.set_exception(failure))
        else:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(finish, lambda: outcome.set_result(result))

    try:
        threading.Thread(target=run, name="off loop", daemon=True).start()
    except RuntimeError as error:
        raise StartError(f"no thread can be started now: {error}: allow the process more of them") from error
    return await outcome
