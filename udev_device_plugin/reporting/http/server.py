"""Listens, accepts connections, and bounds their number.

Event loop only. Each connection is a task, and no timer runs without one: nothing wakes up when nobody asks.
"""

import asyncio
import contextlib
import logging
import os
import socket
from collections import Counter
from collections.abc import AsyncIterator
from functools import partial

import prometheus_client

from udev_device_plugin.config.settings import ListenAddress
from udev_device_plugin.errors import StartError, raise_failure
from udev_device_plugin.reporting.http.connection import Connection
from udev_device_plugin.reporting.http.messages import Respond

logger = logging.getLogger(__name__)

MAX_CONNECTIONS = 128
"""Connections at a time; with one more, one is closed: the oldest of the address that has the most."""

BATCH, BATCH_PAUSE = 16, 0.01
"""So many connections are accepted, and others so many seconds later: a flood of them takes a part of the CPU only, and
a new one is not closed for newer ones before it was read."""

BACKLOG = 512
"""Connections that the kernel keeps until they are accepted; clients of further ones try again a second later."""

RECEIVE_BUFFER, SEND_BUFFER = 16 * 1024, 32 * 1024
"""Bytes that the kernel keeps of each connection, twice of each; they count as the plugin's memory."""

ACCEPT_AGAIN = 1.0
"""Seconds after which an attempt to accept is repeated for which there were no descriptors, or no memory."""

WARN_EVERY = 60.0
"""Seconds, at least, between warnings of one kind."""


@contextlib.asynccontextmanager
async def serve(address: ListenAddress, respond: Respond, dropped: prometheus_client.Counter) -> AsyncIterator[None]:
    """Answer requests at ``address`` until the context ends.

    Args:
        address: where to listen.
        respond: makes the answers.
        dropped: counts connections that are closed without an answer, by reason: ``deadline``, ``limit``.

    Raises:
        StartError: the address cannot be listened on.
    """
    with contextlib.closing(_listen(address)) as listener:
        host, port = listener.getsockname()[:2]
        logger.info("listening", extra={"address": f"[{host}]:{port}" if ":" in host else f"{host}:{port}"})
        server = _Server(listener, respond, dropped)
        try:
            yield
        finally:
            await server.close()


class _Server:
    def __init__(self, listener: socket.socket, respond: Respond, dropped: prometheus_client.Counter) -> None:
        self._listener = listener
        self._respond = respond
        self._dropped = dropped
        self._loop = asyncio.get_running_loop()
        self._connections: dict[asyncio.Task[None], Connection] = {}  # the oldest first
        self._warned: dict[str, float] = {}
        self._accepting = self._loop.create_task(self._accept(), name="HTTP server")
        self._accepting.add_done_callback(raise_failure)

    async def close(self) -> None:
        """Accept no more connections, and close those that are open."""
        tasks = [self._accepting, *self._connections]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self) -> None:
        """Accept connections in batches. Those that are not accepted yet are the kernel's, and wake nobody up."""
        while True:
            try:
                for _ in range(BATCH):
                    client, address = await self._loop.sock_accept(self._listener)
                    self._open(Connection(client, address[0]))
                await asyncio.sleep(BATCH_PAUSE)
            except ConnectionAbortedError:
                continue
            except OSError as error:
                problem = os.strerror(error.errno or 0)
                self._warn("--listen: a connection cannot be accepted: %s: trying again every second", problem)
                await asyncio.sleep(ACCEPT_AGAIN)

    def _open(self, connection: Connection) -> None:
        if len(self._connections) >= MAX_CONNECTIONS:
            self._drop_one()
        task = self._loop.create_task(self._serve(connection), name="HTTP connection")
        task.add_done_callback(partial(self._ended, connection))
        self._connections[task] = connection

    def _drop_one(self) -> None:
        """Close one of the source that has the most of them: the oldest that waits for its client, or else the oldest.

        So one source that opens many takes no place from a probe, however fast it is, and whatever it asks for.
        """
        (source, _), *_ = Counter(one.source for one in self._connections.values()).most_common(1)
        of_source = [task for task, one in self._connections.items() if one.source == source]
        dropped = next((task for task in of_source if not self._connections[task].is_answering), of_source[0])
        del self._connections[dropped]
        dropped.cancel()
        self._dropped.labels("limit").inc()
        self._warn(
            "--listen: %d connections are open, and more come: the oldest of the address with the most, %s, are closed:"
            " let fewer clients reach the port",
            MAX_CONNECTIONS,
            source,
        )

    def _ended(self, connection: Connection, task: asyncio.Task[None]) -> None:
        self._connections.pop(task, None)
        connection.close()  # here: a task that is cancelled before its first step never runs

    async def _serve(self, connection: Connection) -> None:
        try:
            await connection.serve(self._respond)
        except TimeoutError:
            self._dropped.labels("deadline").inc()
        except OSError:
            pass  # the client has closed the connection
        except Exception:  # whatever a client sends, it ends its own connection at most
            logger.exception("a connection failed")

    def _warn(self, text: str, *values: object) -> None:
        now = self._loop.time()
        if now - self._warned.get(text, -WARN_EVERY) >= WARN_EVERY:
            self._warned[text] = now
            logger.warning(text, *values)


def _listen(address: ListenAddress) -> socket.socket:
    is_dual = not address.host and socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if is_dual or ":" in address.host else socket.AF_INET
    try:
        listener = socket.create_server(
            (address.host, address.port), family=family, backlog=BACKLOG, dualstack_ipv6=is_dual
        )
    except OSError as error:
        raise StartError(
            f"--listen: {address.host}:{address.port}: cannot listen there: {os.strerror(error.errno or 0)}:"
            ' choose another address, or "" for none'
        ) from error
    listener.setblocking(False)
    # Accepted connections have these too.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
