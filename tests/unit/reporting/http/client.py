"""A client of the HTTP server that sends what it likes, and a server with a status that changes on demand."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser

import pytest

from udev_device_plugin.config.settings import ListenAddress, StatusAccess
from udev_device_plugin.reporting.http.collect import StatusCollector
from udev_device_plugin.reporting.http.messages import Respond
from udev_device_plugin.reporting.http.metrics_page import MetricsPage
from udev_device_plugin.reporting.http.routes import Check, Routes
from udev_device_plugin.reporting.http.server import serve
from udev_device_plugin.reporting.http.status import Status
from udev_device_plugin.reporting.http.status_pages import StatusPages
from udev_device_plugin.telemetry.metrics import Metrics

LOCAL = ListenAddress("127.0.0.1", 0)
PATIENCE = 20.0  # seconds; only a failing test waits that long

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    headers: Message
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


class Stage(StatusCollector):
    """A status with a generation that grows on demand, and those who wait for that."""

    def __init__(self) -> None:
        self.generation = 1
        self.waiting = 0
        self._newer = asyncio.Event()

    async def refresh(self) -> None:
        """Nothing is asked elsewhere."""

    def status(self) -> Status:
        return Status(f"run-{self.generation}", now=10.0, clock=1_000_010.0, started=0.0, host="node-1")

    async def newer_than(self, generation: str) -> None:
        self.waiting += 1
        try:
            while generation == f"run-{self.generation}":
                await self._newer.wait()
        finally:
            self.waiting -= 1

    def happen(self) -> None:
        self.generation += 1
        self._newer.set()
        self._newer = asyncio.Event()


@dataclass(frozen=True, slots=True)
class Served:
    address: Address
    metrics: Metrics
    stage: Stage

    def dropped(self, reason: str) -> float:
        """How many connections have been closed for this reason."""
        labels = {"reason": reason}
        value = self.metrics.registry.get_sample_value("udev_device_plugin_http_connections_dropped_total", labels)
        return value or 0.0


@asynccontextmanager
async def serving(
    caplog: pytest.LogCaptureFixture,
    *,
    alive: Check = tuple,
    ready: Check = tuple,
    notes: Check = tuple,
    at: ListenAddress = LOCAL,
    respond: Respond | None = None,
) -> AsyncIterator[Served]:
    """A running server, at the address that the log has."""
    metrics, stage = Metrics(), Stage()
    caplog.set_level("INFO")
    routes = Routes(MetricsPage(metrics.registry), StatusPages(stage), alive, ready, notes, StatusAccess.LOCAL)
    async with serve(at, respond or routes.answer, metrics.http_dropped):
        host, _, port = caplog.records[-1].__dict__["address"].rpartition(":")
        yield Served((host.strip("[]"), int(port)), metrics, stage)


async def exchange(address: Address, sent: bytes) -> bytes:
    """What comes back until the server closes the connection."""
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(sent)
        try:
            return await reader.read()
        finally:
            writer.close()


async def ask(
    address: Address, path: str, *, method: str = "GET", headers: Mapping[str, str] | None = None
) -> Response:
    """The answer to one request."""
    fields = {"Host": f"{address[0]}:{address[1]}", **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return parse(await exchange(address, f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1")))


def parse(received: bytes) -> Response:
    """An answer; its body has as many bytes as it says, or it is one to HEAD."""
    head, _, body = received.partition(b"\r\n\r\n")
    status_line, _, fields = head.partition(b"\r\n")
    version, status, _ = status_line.split(b" ", 2)
    assert version == b"HTTP/1.1"
    headers = BytesParser().parsebytes(fields + b"\r\n\r\n")
    assert not body or len(body) == int(headers["Content-Length"])
    return Response(int(status), headers, body)


async def get(address: Address, path: str) -> tuple[int, str]:
    """Status and body of the answer to one request."""
    response = await ask(address, path)
    return response.status, response.text


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that the loop brings about."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0)
