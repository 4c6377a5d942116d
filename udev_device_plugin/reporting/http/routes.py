"""Which path has which answer.

Event loop only. Requests change nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from udev_device_plugin.config.settings import StatusAccess
from udev_device_plugin.reporting.http.access import refusal
from udev_device_plugin.reporting.http.messages import Answer, Request, line, lines
from udev_device_plugin.reporting.http.metrics_page import MetricsPage
from udev_device_plugin.reporting.http.status_pages import StatusPages

Check = Callable[[], Sequence[str]]
"""Returns what is wrong; nothing if all is well."""

_PATHS = "/ (for a person), /devices (the same as JSON), /metrics, /health, /healthz and /readyz"


@dataclass(frozen=True, slots=True)
class Routes:
    """Answers requests.

    Attributes:
        metrics: for ``/metrics``.
        status: for ``/`` and ``/devices``.
        alive: for ``/healthz`` and, as in the generic device plugin, ``/health``.
        ready: for ``/readyz``.
        notes: what ``/readyz`` adds without being unready.
        access: who may see the status, and the notes, which repeat the configuration.
    """

    metrics: MetricsPage
    status: StatusPages
    alive: Check
    ready: Check
    notes: Check
    access: StatusAccess

    async def answer(self, request: Request) -> Answer:
        """Return the answer to a request."""
        path = request.path
        refused = refusal(self.access, request.peer, request.headers.get("host", ""))
        if path == "/metrics":
            return await self.metrics.answer(request)
        if path in ("/health", "/healthz"):
            return _check(self.alive())
        if path == "/readyz":
            return _check(self.ready(), self.notes() if refused is None else ())
        if path not in ("/", "/devices"):
            return line(HTTPStatus.NOT_FOUND, f"not found: there are {_PATHS}")
        if refused is not None:
            return line(HTTPStatus.FORBIDDEN, refused)
        return await (self.status.page() if path == "/" else self.status.devices(request))


def _check(reasons: Sequence[str], notes: Sequence[str] = ()) -> Answer:
    status = HTTPStatus.SERVICE_UNAVAILABLE if reasons else HTTPStatus.OK
    return lines(status, (*(reasons or ("ok",)), *notes))
