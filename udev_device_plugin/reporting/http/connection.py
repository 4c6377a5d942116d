"""One connection: receives one request, sends the answer, within bounds of size and time.

Event loop only. h11 parses and spells; the socket's own calls receive and send, since a transport would read ahead and
keep what a slow client does not take. A connection has one request: none of the clients that ask here now and then
gains by more, and a connection is never idle.
"""

import asyncio
import contextlib
import logging
import socket
from email.utils import formatdate
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Network, ip_address

import h11

from udev_device_plugin.reporting.http.messages import Answer, Request, Respond, line

logger = logging.getLogger(__name__)

DEADLINE = 5.0
"""Seconds for a whole request, and for a client to take ``PIECE`` bytes of the answer."""

MAX_REQUEST = 16 * 1024
"""Bytes of a request line with its headers; there are no bodies."""

MAX_TARGET = 1024
"""Bytes of a path and its query."""

PIECE = 64 * 1024
"""Bytes that are sent at a time."""

LINGER = 1.0
"""Seconds in which what a refused client still sends is read."""

MAX_DROPPED = 128 * 1024
"""Bytes of it, at most."""

METHODS = ("GET", "HEAD")

_ALWAYS = {
    "Server": "udev-device-plugin",
    "Connection": "close",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class Connection:
    """One connection of a client.

    Args:
        client: the socket, which does not block; the caller closes it.
        peer: the client's IP address.

    Attributes:
        source: the client's address; of IPv6 its network, since one host may have all addresses of a /64.
        is_answering: whether the client has sent all, and cannot take anything yet.
    """

    def __init__(self, client: socket.socket, peer: str) -> None:
        self._client = client
        self._peer = peer
        self._loop = asyncio.get_running_loop()
        self._parser = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_REQUEST)
        self._received = 0
        self.source = _source(peer)
        self._has_body = True
        self.is_answering = False

    def close(self) -> None:
        """Close the socket."""
        self._client.close()

    async def serve(self, respond: Respond) -> None:
        """Receive a request and send its answer.

        Raises:
            TimeoutError: the client has missed a deadline.
            OSError: the client has closed the connection.
        """
        async with asyncio.timeout(DEADLINE):
            received = await self._receive()
        if isinstance(received, Answer):
            await self._send(received)
            await self._drop_the_rest()
            return
        self.is_answering = True
        answer = await _answer(received, respond)
        self.is_answering = False
        await self._send(answer)

    async def _receive(self) -> Request | Answer:
        """Return the request, or the answer to one that is refused."""
        try:
            event = await self._next_event()
            if not isinstance(event, h11.Request):
                raise ConnectionResetError  # closed without a word
            method, target = event.method.decode("ascii"), event.target.decode("ascii")
            if method not in METHODS:
                return line(HTTPStatus.METHOD_NOT_ALLOWED, "there is only GET, and HEAD", {"Allow": ", ".join(METHODS)})
            self._has_body = method != "HEAD"
            if len(target) > MAX_TARGET:
                return line(HTTPStatus.REQUEST_URI_TOO_LONG, f"a path may have {MAX_TARGET} bytes")
            if not isinstance(self._parser.next_event(), h11.EndOfMessage):
                return line(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "no request here has a body: leave it out")
        except h11.RemoteProtocolError as error:
            return line(HTTPStatus(error.error_status_hint), f"not a request of HTTP/1.1: {error}")
        path, _, query = target.partition("?")
        headers = {name.decode("ascii"): value.decode("latin-1") for name, value in event.headers}
        return Request(path, query, headers, self._peer, self._until_closed)

    async def _next_event(self) -> object:
        while (event := self._parser.next_event()) is h11.NEED_DATA:
            # With the last byte that is asked for, the parser has more than it keeps, and refuses it.
            data = await self._loop.sock_recv(self._client, MAX_REQUEST + 1 - self._received)
            self._received += len(data)
            self._parser.receive_data(data)
            await asyncio.sleep(0)  # others come in between, however fast this client sends
        return event

    async def _until_closed(self, most: int = MAX_REQUEST) -> None:
        """Return when the client has closed the connection, or has sent so many bytes, which are dropped."""
        with contextlib.suppress(OSError):
            while most > 0 and (data := await self._loop.sock_recv(self._client, MAX_REQUEST)):
                most -= len(data)
                await asyncio.sleep(0)

    async def _drop_the_rest(self) -> None:
        """Give a client that was refused the time to read why: closing with bytes unread would take the answer back."""
        with contextlib.suppress(OSError):
            self._client.shutdown(socket.SHUT_WR)
            async with asyncio.timeout(LINGER):
                await self._until_closed(MAX_DROPPED)

    async def _send(self, answer: Answer) -> None:
        headers = {**_ALWAYS, "Date": formatdate(usegmt=True), **answer.headers}
        if answer.status is not HTTPStatus.NO_CONTENT:
            headers |= {"Content-Type": answer.content_type, "Content-Length": str(sum(map(len, answer.body)))}
        head = h11.Response(
            status_code=answer.status, reason=answer.status.phrase, headers=[*headers.items()], http_version="1.1"
        )
        pieces = (self._parser.send(head), *(answer.body if self._has_body else ()))
        for piece in pieces:
            for start in range(0, len(piece), PIECE):
                async with asyncio.timeout(DEADLINE):
                    await self._loop.sock_sendall(self._client, memoryview(piece)[start : start + PIECE])
                await asyncio.sleep(0)  # as above, however fast it reads


async def _answer(request: Request, respond: Respond) -> Answer:
    try:
        return await respond(request)
    except Exception:  # a request changes nothing, so its failure harms nobody else, and ends nothing
        logger.exception("a request failed: %s", request.path)
        return line(HTTPStatus.INTERNAL_SERVER_ERROR, "internal error: the log has more")


def _source(peer: str) -> str:
    address = ip_address(peer)
    if isinstance(address, IPv4Address) or address.ipv4_mapped is not None:
        return peer
    return str(IPv6Network((int(address), 64), strict=False))
