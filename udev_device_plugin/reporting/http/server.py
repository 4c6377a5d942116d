"""Answers requests, each on a thread of its own, and a limited number at a time.

Requests that wait for a change (``/devices?newer-than=``) have a limit of their own, so that probes get an answer.
"""

import asyncio
import logging
import re
import socket
import threading
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs

from prometheus_client import make_wsgi_app

from udev_device_plugin.reporting.http import live
from udev_device_plugin.reporting.http.door import Pages

if TYPE_CHECKING:
    from udev_device_plugin.reporting.http.status import Status

logger = logging.getLogger(__name__)

REQUEST_TIMEOUT = 10.0
"""Seconds that a client may take for each read or write of its request."""

MAX_REQUESTS = 16
"""How many requests are answered at a time; the address may be open to the whole network."""

MAX_VIEWERS = 16
"""How many requests may wait for a change at a time; further clients have to poll."""

ASK_AGAIN = 5
"""Seconds until those are to ask again."""

NEWS_TIMEOUT = 15.0
"""Seconds after which a request that waits for a change is answered without one: some proxies close idle connections,
and a change of which pods hold what notifies no request."""

ANSWER_TIMEOUT = 5.0
"""Seconds within which the event loop answers unless it is stuck."""

MAX_PATH = 1024
"""Characters of a request's path and query."""

MAX_FIELDS = 10
"""Of a query."""

_PAGES = "/ (for a person), /devices (the same as JSON), /metrics, /health, /healthz and /readyz"
_NO_HEADERS: Mapping[str, str] = {}
_GENERATION = re.compile(r"[0-9a-z-]{1,64}", re.ASCII)


class Server(ThreadingHTTPServer):
    """The standard library's server without its loop, which would wake up twice a second for ever."""

    timeout = 0  # handle_request is called when a connection is there
    daemon_threads = True

    def __init__(self, listener: socket.socket, pages: Pages, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(listener.getsockname()[:2], _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.pages = pages
        self.loop = loop
        self._free = threading.BoundedSemaphore(MAX_REQUESTS)
        self._free_to_wait = threading.BoundedSemaphore(MAX_VIEWERS)
        self._taken: dict[Any, threading.BoundedSemaphore] = {}
        self._looks: set[asyncio.Task[Any]] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer one request on a thread of its own, or close the connection if there are too many."""
        if self._free.acquire(blocking=False):
            self._taken[request] = self._free
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer one request, and count it no more."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._taken.pop(request).release()

    def may_wait(self, request: Any) -> bool:
        """Count a request among those that wait, instead of among all, unless too many do."""
        if not self._free_to_wait.acquire(blocking=False):
            return False
        taken, self._taken[request] = self._taken[request], self._free_to_wait
        taken.release()
        return True

    async def look(self, newer_than: str | None) -> "Status":
        """Return the status (event loop only)."""
        task = cast("asyncio.Task[Status]", asyncio.current_task())
        self._looks.add(task)
        try:
            return await self.pages.look(newer_than)
        finally:
            self._looks.discard(task)

    def stop_waiting(self) -> None:
        """End the requests that wait for a change (event loop only)."""
        for task in self._looks:
            task.cancel()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - socketserver's signature
        """Log it for debugging."""
        # A client that closes the connection, or is too slow, is no problem; any other error needs its traceback.
        logger.debug("a request failed", exc_info=True)  # noqa: LOG014 - called while it is handled


def _newer_than(query: str) -> str | None:
    """Return the generation in a query; None if there is none, "?" if the query is malformed."""
    try:
        return parse_qs(query, max_num_fields=MAX_FIELDS).get("newer-than", [None])[-1]
    except ValueError:
        return "?"


class _Handler(BaseHTTPRequestHandler):
    """One request. ``/metrics`` is prometheus-client's own answer."""

    timeout = REQUEST_TIMEOUT
    server_version = "udev-device-plugin"
    sys_version = ""

    def do_GET(self) -> None:
        pages = self._server.pages
        path, _, query = self.path.partition("?")
        if len(self.path) > MAX_PATH:
            self._answer(HTTPStatus.REQUEST_URI_TOO_LONG, "too long\n")
        elif path == "/metrics":
            self._answer_metrics(query)
        elif path in ("/health", "/healthz"):
            self._answer_check(pages.alive())
        elif path == "/readyz":
            self._answer_check(pages.ready(), pages.notes())
        elif path == "/devices":
            self._answer_devices(query)
        elif path == "/":
            self._answer_page()
        else:
            self._answer(HTTPStatus.NOT_FOUND, f"not found: there are {_PAGES}\n")

    @property
    def _server(self) -> "Server":
        return cast("Server", self.server)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Log no requests."""

    def _answer_metrics(self, query: str) -> None:
        asked = {"REQUEST_METHOD": "GET", "PATH_INFO": "/metrics", "QUERY_STRING": query}
        for name in ("Accept", "Accept-Encoding"):
            asked[f"HTTP_{name.upper().replace('-', '_')}"] = self.headers.get(name, "")

        def begin(status: str, headers: Iterable[tuple[str, str]]) -> None:
            self.send_response(int(status.partition(" ")[0]))
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()

        for part in make_wsgi_app(self._server.pages.registry)(asked, begin):
            self.wfile.write(part)

    def _answer_check(self, reasons: Sequence[str], notes: Sequence[str] = ()) -> None:
        status = HTTPStatus.SERVICE_UNAVAILABLE if reasons else HTTPStatus.OK
        self._answer(status, "".join(f"{line}\n" for line in (*(reasons or ("ok",)), *notes)))

    def _answer_devices(self, query: str) -> None:
        newer_than = _newer_than(query)
        if newer_than is not None and not _GENERATION.fullmatch(newer_than):
            self._answer(HTTPStatus.BAD_REQUEST, "newer-than: not a generation: give the one of the last answer\n")
        elif newer_than is not None and not self._server.may_wait(self.request):
            text = f"{MAX_VIEWERS} wait for news already: ask /devices now and then\n"
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, text, headers={"Retry-After": str(ASK_AGAIN)})
        elif (status := self._look(newer_than)) is not None:
            from udev_device_plugin.reporting.http.status import to_json  # noqa: PLC0415 - at the first request for it

            # For a person who has no script, or asks with curl, over several lines.
            self._answer(HTTPStatus.OK, to_json(status, None if newer_than else 2) + "\n", "application/json")

    def _answer_page(self) -> None:
        if (status := self._look(None)) is not None:
            from udev_device_plugin.reporting.http.page import Page  # noqa: PLC0415 - at the first request for it
            from udev_device_plugin.reporting.http.status import to_json  # noqa: PLC0415

            page = Page.load()
            self._answer(HTTPStatus.OK, page.showing(to_json(status)), "text/html", page.headers)

    def _look(self, newer_than: str | None) -> "Status | None":
        """Return the status; None if the client is gone, or has got an answer without a status."""
        timeout = ANSWER_TIMEOUT if newer_than is None else NEWS_TIMEOUT
        server = self._server
        status = live.ask(server.loop, server.look(newer_than), self.connection, timeout)
        if status is None and newer_than is None:
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, "the main loop does not answer, or has ended\n")
        elif status is None:
            self._answer(HTTPStatus.NO_CONTENT, "")
        return status

    def _answer(
        self, status: HTTPStatus, text: str, kind: str = "text/plain", headers: Mapping[str, str] = _NO_HEADERS
    ) -> None:
        body = text.encode("utf-8", "backslashreplace")
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
