"""Listens for HTTP connections from the start, and imports the server at the first one.

Event loop only. ``server`` imports the standard library's HTTP and mail packages, which takes longer than a
registration: a thread does that.
"""

import asyncio
import contextlib
import logging
import os
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry

from udev_device_plugin.config.settings import ListenAddress
from udev_device_plugin.errors import StartError

if TYPE_CHECKING:
    from udev_device_plugin.reporting.http.server import Server
    from udev_device_plugin.reporting.http.status import Status

logger = logging.getLogger(__name__)

Check = Callable[[], Sequence[str]]
"""Returns what is wrong; nothing if all is well. Called on a request's thread."""

Look = Callable[[str | None], "Coroutine[Any, Any, Status]"]
"""Returns the status, on the event loop; if it gets a generation, as soon as the present one is another."""


@dataclass(frozen=True, slots=True)
class Pages:
    """Where the answers come from.

    Attributes:
        registry: for ``/metrics``.
        alive: for ``/healthz`` and, as in the generic device plugin, ``/health``.
        ready: for ``/readyz``.
        look: for ``/`` and ``/devices``.
        notes: what ``/readyz`` adds without being unready.
    """

    registry: CollectorRegistry
    alive: Check
    ready: Check
    look: Look
    notes: Check = tuple


@contextlib.contextmanager
def serve(address: ListenAddress, pages: Pages) -> Iterator[None]:
    """Answer requests at ``address`` until the context ends.

    Raises:
        StartError: the address cannot be listened on.
    """
    with contextlib.closing(_listen(address)) as listener:
        host, port = listener.getsockname()[:2]
        logger.info("listening", extra={"address": f"[{host}]:{port}" if ":" in host else f"{host}:{port}"})
        with contextlib.closing(_Door(listener, pages)):
            yield


class _Door:
    """Has the event loop call it at the first connection, and the server at the later ones."""

    def __init__(self, listener: socket.socket, pages: Pages) -> None:
        self._listener = listener
        self._pages = pages
        self._loop = asyncio.get_running_loop()
        self._server: Server | None = None
        self._is_closed = False
        self._loop.add_reader(listener.fileno(), self._knocked)

    def close(self) -> None:
        """Accept no more connections."""
        self._is_closed = True
        self._loop.remove_reader(self._listener.fileno())
        if self._server is not None:
            self._server.stop_waiting()

    def _knocked(self) -> None:
        self._loop.remove_reader(self._listener.fileno())
        threading.Thread(target=self._load, name="web", daemon=True).start()

    def _load(self) -> None:
        server = _server_class()
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            self._loop.call_soon_threadsafe(self._attend, server)

    def _attend(self, server: "type[Server]") -> None:
        if not self._is_closed:
            self._server = server(self._listener, self._pages, self._loop)
            self._loop.add_reader(self._listener.fileno(), self._server.handle_request)


def _server_class() -> "type[Server]":
    from udev_device_plugin.reporting.http.server import Server  # noqa: PLC0415 - at the first request

    return Server


def _listen(address: ListenAddress) -> socket.socket:
    where = (address.host, address.port)
    try:
        if not address.host and socket.has_dualstack_ipv6():
            return socket.create_server(where, family=socket.AF_INET6, dualstack_ipv6=True)
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        return socket.create_server(where, family=family)
    except OSError as error:
        raise StartError(
            f"--listen: {address.host}:{address.port}: cannot listen there: {os.strerror(error.errno or 0)}:"
            ' choose another address, or "" for none'
        ) from error
