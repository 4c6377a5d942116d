"""``/metrics`` as prometheus-client spells it, in the format and the compression that the client accepts.

Event loop only; it reads the metrics at each request.
"""

import asyncio
import gzip
import logging
from collections.abc import Iterable
from http import HTTPStatus

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import choose_encoder, gzip_accepted
from prometheus_client.registry import Collector

from udev_device_plugin.reporting.http.messages import Answer, Request, line

logger = logging.getLogger(__name__)

_END = b"# EOF\n"
"""The last line of the format OpenMetrics."""


class MetricsPage:
    """Answers with all metrics of a registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._turn = asyncio.Lock()

    async def answer(self, request: Request) -> Answer:
        """Return the metrics; 400 for a header ``Accept`` that cannot be read."""
        accept = request.headers.get("accept", "")
        async with self._turn:  # however many ask at a time, all else comes in between
            try:
                body, content_type = await _encoded(self._registry, accept)
                is_readable = content_type.isascii()  # it repeats a part of the header
            except Exception:
                if not accept:
                    raise
                # prometheus-client does not say what it raises for which header, nor where.
                logger.debug("no metrics for the header Accept %r", accept, exc_info=True)
                is_readable = False
            if not is_readable:
                return line(HTTPStatus.BAD_REQUEST, "Accept: it cannot be read: leave it out, or send a valid one")
            headers = {}
            if gzip_accepted(request.headers.get("accept-encoding", "")):
                body, headers = gzip.compress(body), {"Content-Encoding": "gzip"}
        return Answer(HTTPStatus.OK, (body,), content_type, headers)


class _Metrics(Collector):
    """Metrics that have been collected."""

    def __init__(self, *metrics: Metric) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


async def _encoded(registry: Collector, accept: str) -> tuple[bytes, str]:
    """Return the metrics and their content type: each metric alone, since hundreds of resources take 30 ms."""
    encode, content_type = choose_encoder(accept)
    parts = []
    for metric in [*registry.collect()]:
        parts.append(encode(_Metrics(metric)).removesuffix(_END))
        await asyncio.sleep(0)
    return b"".join((*parts, encode(_Metrics()))), content_type
