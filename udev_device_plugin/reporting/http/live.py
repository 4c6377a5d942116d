"""Lets a request ask the main loop, and wait there for news for as long as its client stays.

Runs on a request's thread, which sleeps meanwhile: it is woken by the answer, by the client's hanging up, or by time.
"""

import asyncio
import contextlib
import os
import select
import socket
from collections.abc import Coroutine
from concurrent.futures import CancelledError, Future
from typing import Any, TypeVar

_T = TypeVar("_T")


def ask(
    loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, _T], client: socket.socket, timeout: float
) -> _T | None:
    """Have ``work`` done on the loop; None if it takes too long, the client has hung up, or the loop ends."""
    try:
        future = asyncio.run_coroutine_threadsafe(work, loop)
    except RuntimeError:  # the loop is closed
        work.close()
        return None
    try:
        _wait(future, client, timeout)
        return future.result(timeout=0) if future.done() else None
    except CancelledError:
        return None
    finally:
        with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile, and has cancelled it
            future.cancel()


def _wait(future: Future[Any], client: socket.socket, timeout: float) -> None:
    """Wait until it is done, ``timeout`` seconds have passed, or the client has hung up."""
    ended, end = os.pipe()
    try:
        future.add_done_callback(lambda _: os.close(end))  # at once if it is done already
        poll = select.poll()
        poll.register(ended, select.POLLIN)
        poll.register(client, select.POLLRDHUP)
        poll.poll(timeout * 1000)
    finally:
        os.close(ended)
