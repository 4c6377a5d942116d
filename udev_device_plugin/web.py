"""What can be asked over HTTP: metrics and health.

Floor 4. No thread waits here: the main loop sees a request coming and hands it to a thread that lives as long as the
request. So nothing wakes up while nobody asks, a loop that is stuck does not answer, and a slow client keeps nobody
waiting. Requests read, and change nothing.
"""

import asyncio
import contextlib
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.server import ThreadingHTTPServer
from typing import Any, cast

from prometheus_client import CollectorRegistry, MetricsHandler

from udev_device_plugin.config.settings import ListenAddress
from udev_device_plugin.errors import StartError

logger = logging.getLogger(__name__)

REQUEST_TIMEOUT = 10.0
"""Seconds that a client may take for each read or write of its request."""

MAX_REQUESTS = 16
"""How many requests are answered at a time; the address may be open to the whole network."""

Check = Callable[[], Sequence[str]]
"""Reasons why something is not as it should be; none: all is well. Called on a request's thread."""


@dataclass(frozen=True, slots=True)
class Pages:
    """What there is to see.

    Attributes:
        registry: for ``/metrics``.
        alive: for ``/healthz`` and, as the origin has it, ``/health``.
        ready: for ``/readyz``.
        notes: what ``/readyz`` says besides, without being unready for it.
    """

    registry: CollectorRegistry
    alive: Check
    ready: Check
    notes: Check = tuple


@contextlib.contextmanager
def serve(address: ListenAddress, pages: Pages) -> Iterator[None]:
    """Answer requests at ``address`` for as long as the context lasts.

    Raises:
        StartError: the address cannot be listened on.
    """
    loop = asyncio.get_running_loop()
    with contextlib.closing(_listen(address)) as listener:
        server = _Server(listener, pages)
        loop.add_reader(listener.fileno(), server.handle_request)
        host, port = listener.getsockname()[:2]
        logger.info("listening", extra={"address": f"[{host}]:{port}" if ":" in host else f"{host}:{port}"})
        try:
            yield
        finally:
            loop.remove_reader(listener.fileno())


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


class _Server(ThreadingHTTPServer):
    """The standard library's server without its loop, which would wake up twice a second for ever."""

    timeout = 0  # handle_request is called when somebody is there
    daemon_threads = True

    def __init__(self, listener: socket.socket, pages: Pages) -> None:
        super().__init__(listener.getsockname()[:2], _handler(pages.registry), bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.pages = pages
        self._free = threading.BoundedSemaphore(MAX_REQUESTS)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - socketserver's signature
        # Clients that hang up or dawdle are no trouble of ours; anything else deserves its traceback.
        logger.debug("a request failed", exc_info=True)  # noqa: LOG014 - called while it is handled


def _handler(registry: CollectorRegistry) -> type[MetricsHandler]:
    return cast("type[MetricsHandler]", type("_RegistryHandler", (_Handler,), {"registry": registry}))


class _Handler(MetricsHandler):
    """One request. ``/metrics`` is prometheus-client's own answer."""

    timeout = REQUEST_TIMEOUT
    server_version = "udev-device-plugin"
    sys_version = ""

    def do_GET(self) -> None:  # noqa: N802 - http.server's name
        pages = cast("_Server", self.server).pages
        path = self.path.partition("?")[0]
        if path == "/metrics":
            super().do_GET()
        elif path in ("/health", "/healthz"):
            self._answer_check(pages.alive())
        elif path == "/readyz":
            self._answer_check(pages.ready(), pages.notes())
        else:
            self._answer(HTTPStatus.NOT_FOUND, "not found: there are /metrics, /health, /healthz and /readyz\n")

    def _answer_check(self, reasons: Sequence[str], notes: Sequence[str] = ()) -> None:
        status = HTTPStatus.SERVICE_UNAVAILABLE if reasons else HTTPStatus.OK
        self._answer(status, "".join(f"{line}\n" for line in (*(reasons or ("ok",)), *notes)))

    def _answer(self, status: HTTPStatus, text: str) -> None:
        body = text.encode("utf-8", "backslashreplace")
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(body)
