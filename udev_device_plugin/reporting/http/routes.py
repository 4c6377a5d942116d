"""Which path has which answer.

Event loop only. Requests change nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from prometheus_client import CollectorRegistry

from udev_device_plugin.config.settings import StatusAccess
from udev_device_plugin.reporting.http.access import refusal
from udev_device_plugin.reporting.http.messages import Answer, Request, line, lines
from udev_device_plugin.reporting.http.metrics_page import MetricsPage
from udev_device_plugin.reporting.http.status_pages import StatusPages, StatusSource

Check = Callable[[], Sequence[str]]
"""Returns what is wrong; nothing if all is well."""

_PATHS = "/ (for a person), /devices (the same as JSON), /metrics, /health, /healthz and /readyz"


@dataclass(frozen=True, slots=True)
class Pages:
    """Where the answers come from.

    Attributes:
        registry: for ``/metrics``.
        alive: for ``/healthz`` and, as in the generic device plugin, ``/health``.
        ready: for ``/readyz``.
        notes: what ``/readyz`` adds without being unready.
        status: for ``/`` and ``/devices``.
        access: who may see those, and the notes, which repeat the configuration.
    """

    registry: CollectorRegistry
    alive: Check
    ready: Check
    notes: Check
    status: StatusSource
    access: StatusAccess


class Routes:
    """Answers requests."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._metrics = MetricsPage(pages.registry)
        self._status = StatusPages(pages.status)

    async def answer(self, request: Request) -> Answer:
        """Return the answer to a request."""
        path, pages = request.path, self._pages
        refused = refusal(pages.access, request.peer, request.headers.get("host", ""))
        if path == "/metrics":
            return await self._metrics.answer(request)
        if path in ("/health", "/healthz"):
            return _check(pages.alive())
        if path == "/readyz":
            return _check(pages.ready(), pages.notes() if refused is None else ())
        if path not in ("/", "/devices"):
            return line(HTTPStatus.NOT_FOUND, f"not found: there are {_PATHS}")
        if refused is not None:
            return line(HTTPStatus.FORBIDDEN, refused)
        return await (self._status.page() if path == "/" else self._status.devices(request))


def _check(reasons: Sequence[str], notes: Sequence[str] = ()) -> Answer:
    status = HTTPStatus.SERVICE_UNAVAILABLE if reasons else HTTPStatus.OK
    return lines(status, (*(reasons or ("ok",)), *notes))
