"""Lets a request's thread wait for a result of the event loop, until the client closes the connection.

A request's thread only; it sleeps until the result, the end of the connection, or a timeout.
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
    """Return the result of ``work`` on the loop; None at a timeout, or if the client or the loop is gone."""
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
    """Wait until it is done, ``timeout`` seconds have passed, or the client has closed the connection."""
    ended, end = os.pipe()
    try:
        future.add_done_callback(lambda _: os.close(end))  # at once if it is done already
        poll = select.poll()
        poll.register(ended, select.POLLIN)
        poll.register(client, select.POLLRDHUP)
        poll.poll(timeout * 1000)
    finally:
        os.close(ended)
