"""What can be asked over HTTP, from a real socket."""

import asyncio
import http.client
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
from prometheus_client import CollectorRegistry, Counter

from udev_device_plugin import web
from udev_device_plugin.config.settings import ListenAddress
from udev_device_plugin.errors import StartError
from udev_device_plugin.web.status import Status

LOCAL = ListenAddress("127.0.0.1", 0)


async def nothing_to_see(newer_than: str | None) -> Status:
    """Nothing ever happens."""
    if newer_than == "run-1":
        await asyncio.Event().wait()
    return Status("run-1", now=10.0, clock=1_000_010.0, started=0.0, host="node-1")


@contextmanager
def serving(
    caplog: pytest.LogCaptureFixture,
    alive: web.Check = tuple,
    ready: web.Check = tuple,
    at: ListenAddress = LOCAL,
    look: web.Look | None = None,
) -> Iterator[tuple[str, int]]:
    """A running server's address, as the log tells it."""
    registry = CollectorRegistry()
    Counter("udev_device_plugin_things", "Things.", registry=registry).inc(3)
    caplog.set_level("INFO")
    with web.serve(at, web.Pages(registry, alive, ready, look or nothing_to_see)):
        host, _, port = caplog.records[-1].__dict__["address"].rpartition(":")
        yield host.strip("[]"), int(port)


async def get(address: tuple[str, int], path: str) -> tuple[int, str]:
    def ask() -> tuple[int, str]:
        connection = http.client.HTTPConnection(*address, timeout=10)
        connection.request("GET", path)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return response.status, text

    return await asyncio.to_thread(ask)


async def test_metrics_are_shown(caplog: pytest.LogCaptureFixture) -> None:
    with serving(caplog) as address:
        status, text = await get(address, "/metrics")
        assert status == 200
        assert "udev_device_plugin_things_total 3.0" in text


@pytest.mark.parametrize("path", ["/health", "/healthz", "/readyz", "/readyz?verbose"])
async def test_all_is_well(caplog: pytest.LogCaptureFixture, path: str) -> None:
    with serving(caplog) as address:
        assert await get(address, path) == (200, "ok\n")


async def test_what_is_wrong_is_said(caplog: pytest.LogCaptureFixture) -> None:
    def dead() -> Sequence[str]:
        return ["udev: the thread that listens is not running"]

    def missing() -> Sequence[str]:
        return ["squat.ai/a: no kubelet answers", "squat.ai/b: no kubelet answers"]

    with serving(caplog, dead, missing) as address:
        assert await get(address, "/health") == (503, "udev: the thread that listens is not running\n")
        assert await get(address, "/healthz") == (503, "udev: the thread that listens is not running\n")
        assert await get(address, "/readyz") == (
            503,
            "squat.ai/a: no kubelet answers\nsquat.ai/b: no kubelet answers\n",
        )


async def test_what_is_not_there_is_404(caplog: pytest.LogCaptureFixture) -> None:
    with serving(caplog) as address:
        assert (await get(address, "/nothing"))[0] == 404


async def test_no_thread_waits_while_nobody_asks(caplog: pytest.LogCaptureFixture) -> None:
    before = set(threading.enumerate())
    with serving(caplog):
        assert set(threading.enumerate()) == before


async def test_a_client_that_says_nothing_keeps_nobody_waiting(caplog: pytest.LogCaptureFixture) -> None:
    with serving(caplog) as address, socket.create_connection(address):
        assert await get(address, "/health") == (200, "ok\n")


async def test_more_clients_than_are_served_at_a_time_are_turned_away(caplog: pytest.LogCaptureFixture) -> None:
    with serving(caplog) as address:
        silent = [socket.create_connection(address) for _ in range(web.MAX_REQUESTS)]
        await _until(lambda: _request_threads() == web.MAX_REQUESTS)
        with pytest.raises((http.client.HTTPException, ConnectionError)):
            await get(address, "/health")
        for connection in silent:
            connection.close()
        await _until(lambda: _request_threads() == 0)
        assert await get(address, "/health") == (200, "ok\n")


def _request_threads() -> int:
    return sum("process_request_thread" in thread.name for thread in threading.enumerate())


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0)


async def test_every_address_means_ipv4_and_ipv6(caplog: pytest.LogCaptureFixture) -> None:
    with serving(caplog, at=ListenAddress("", 0)) as (_, port):
        assert (await get(("127.0.0.1", port), "/health"))[0] == 200
        if socket.has_dualstack_ipv6():
            assert (await get(("::1", port), "/health"))[0] == 200


async def test_a_taken_address_is_one_clear_error(caplog: pytest.LogCaptureFixture) -> None:
    with (
        serving(caplog) as (host, port),
        pytest.raises(StartError, match=rf"--listen: {host}:{port}: .* in use"),
        serving(caplog, at=ListenAddress(host, port)),
    ):
        pass
