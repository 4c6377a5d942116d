"""What can be asked over HTTP, from a real socket."""

import asyncio
import gzip
import http.client
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from email.message import Message

import pytest
from prometheus_client import CollectorRegistry, Counter

from udev_device_plugin.config.settings import ListenAddress
from udev_device_plugin.errors import StartError
from udev_device_plugin.reporting import http as web
from udev_device_plugin.reporting.http import door, server
from udev_device_plugin.reporting.http.server import Server
from udev_device_plugin.reporting.http.status import Status

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


async def test_metrics_come_compressed_selected_and_in_the_format_that_is_asked_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def ask(path: str, headers: Mapping[str, str]) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection(address[0], address[1], timeout=10)
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return response, body

    with serving(caplog) as address:
        response, body = await asyncio.to_thread(ask, "/metrics", {"Accept-Encoding": "gzip"})
        assert response.headers["Content-Encoding"] == "gzip"
        assert b"udev_device_plugin_things_total 3.0" in gzip.decompress(body)
        response, body = await asyncio.to_thread(ask, "/metrics", {"Accept": "application/openmetrics-text"})
        assert response.headers["Content-Type"].startswith("application/openmetrics-text")
        assert body.endswith(b"# EOF\n")
        response, body = await asyncio.to_thread(ask, "/metrics?name[]=none", {})
        assert (response.status, body.strip()) == (200, b"")


async def test_who_knocks_while_the_door_is_closed_for_good_is_nobodys_trouble(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_work, may_go_on = threading.Event(), threading.Event()

    def take_long() -> type[Server]:
        at_work.set()
        may_go_on.wait(10)
        return Server

    monkeypatch.setattr(door, "_server_class", take_long)
    with serving(caplog) as address:
        knocking = socket.create_connection(address)
        await asyncio.to_thread(at_work.wait, 10)
    may_go_on.set()
    await _until(lambda: not any(thread.name == "web" for thread in threading.enumerate()))
    knocking.settimeout(10)
    with suppress(ConnectionResetError):
        assert knocking.recv(1) == b""
    knocking.close()


async def test_a_client_that_says_nothing_keeps_nobody_waiting(caplog: pytest.LogCaptureFixture) -> None:
    with serving(caplog) as address, socket.create_connection(address):
        assert await get(address, "/health") == (200, "ok\n")


async def test_more_clients_than_are_served_at_a_time_are_turned_away(caplog: pytest.LogCaptureFixture) -> None:
    with serving(caplog) as address:
        silent = [socket.create_connection(address) for _ in range(server.MAX_REQUESTS)]
        await _until(lambda: _request_threads() == server.MAX_REQUESTS)
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


class Stage:
    """What there is to see, and those who wait to see something newer."""

    def __init__(self) -> None:
        self.generation = 1
        self.waiting = 0
        self.news = asyncio.Event()

    async def look(self, newer_than: str | None) -> Status:
        self.waiting += 1
        try:
            while newer_than == f"run-{self.generation}":
                await self.news.wait()
        finally:
            self.waiting -= 1
        return Status(f"run-{self.generation}", now=10.0, clock=1_000_010.0, started=0.0)

    def happen(self) -> None:
        self.generation += 1
        self.news.set()
        self.news = asyncio.Event()


async def test_the_page_and_its_data_have_strict_headers(caplog: pytest.LogCaptureFixture) -> None:
    def ask(address: tuple[str, int], path: str) -> tuple[int, Message, str]:
        connection = http.client.HTTPConnection(*address, timeout=10)
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.headers, response.read().decode()

    with serving(caplog) as address:
        for path, kind in (("/", "text/html"), ("/?x=<script>", "text/html"), ("/devices", "application/json")):
            status, headers, text = await asyncio.to_thread(ask, address, path)
            assert status == 200
            assert headers["Content-Type"] == f"{kind}; charset=utf-8"
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Cache-Control"] == "no-store"
            assert "Access-Control-Allow-Origin" not in headers
            assert "node-1" in text
            assert "?x=" not in text
        assert "default-src 'none'" in (await asyncio.to_thread(ask, address, "/"))[1]["Content-Security-Policy"]


async def test_who_waits_for_news_gets_them_when_they_come(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()
    with serving(caplog, look=stage.look) as address:
        assert json.loads((await get(address, "/devices?newer-than=run-0"))[1])["generation"] == "run-1"
        waiting = [asyncio.create_task(get(address, "/devices?newer-than=run-1")) for _ in range(3)]
        await _until(lambda: stage.waiting == 3)
        stage.happen()
        for status, text in await asyncio.gather(*waiting):
            assert status == 200
            assert json.loads(text)["generation"] == "run-2"


async def test_who_waits_long_is_answered_without_news(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "NEWS_TIMEOUT", 0.05)
    stage = Stage()
    with serving(caplog, look=stage.look) as address:
        assert await get(address, "/devices?newer-than=run-1") == (204, "")
        await _until(lambda: stage.waiting == 0)


async def test_viewers_beyond_the_limit_are_asked_to_come_back_and_take_no_place_from_probes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stage = Stage()
    with serving(caplog, look=stage.look) as address:
        waiting = [asyncio.create_task(_get_on_a_thread(address)) for _ in range(server.MAX_VIEWERS)]
        await _until(lambda: stage.waiting == server.MAX_VIEWERS)
        connection = http.client.HTTPConnection(*address, timeout=10)
        await asyncio.to_thread(connection.request, "GET", "/devices?newer-than=run-1")
        refused = await asyncio.to_thread(connection.getresponse)
        assert refused.status == 503
        assert int(refused.headers["Retry-After"]) > 0
        connection.close()
        assert (await get(address, "/devices"))[0] == 200
        for _ in range(2 * server.MAX_REQUESTS):
            assert await get(address, "/healthz") == (200, "ok\n")
        stage.happen()
        assert all(status == 200 for status, _ in await asyncio.gather(*waiting))
        again = asyncio.create_task(get(address, "/devices?newer-than=run-2"))
        await _until(lambda: stage.waiting == 1)
        stage.happen()
        assert (await again)[0] == 200


async def _get_on_a_thread(address: tuple[str, int]) -> tuple[int, str]:
    """As `get`, on a thread of its own: the loop's own are fewer than viewers may be."""
    answer: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()
    loop = asyncio.get_running_loop()

    def ask() -> None:
        connection = http.client.HTTPConnection(*address, timeout=20)
        connection.request("GET", "/devices?newer-than=run-1")
        response = connection.getresponse()
        told = response.status, response.read().decode()
        connection.close()
        loop.call_soon_threadsafe(answer.set_result, told)

    threading.Thread(target=ask, daemon=True).start()
    return await answer


async def test_a_viewer_that_hangs_up_is_not_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()
    with serving(caplog, look=stage.look) as address:
        before = len(os.listdir("/proc/self/fd"))
        viewer = socket.create_connection(address)
        viewer.sendall(b"GET /devices?newer-than=run-1 HTTP/1.1\r\nHost: here\r\n\r\n")
        await _until(lambda: stage.waiting == 1)
        viewer.close()
        await _until(lambda: stage.waiting == 0 and _request_threads() == 0)
        assert len(os.listdir("/proc/self/fd")) == before


async def test_viewers_are_let_go_at_the_end(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()
    with serving(caplog, look=stage.look) as address:
        viewer = socket.create_connection(address)
        viewer.sendall(b"GET /devices?newer-than=run-1 HTTP/1.1\r\nHost: here\r\n\r\n")
        await _until(lambda: stage.waiting == 1)
    await _until(lambda: stage.waiting == 0 and _request_threads() == 0)
    viewer.close()


@pytest.mark.parametrize("query", ["newer-than=", "newer-than=" + "a" * 100, "newer-than=%3Cb%3E", "newer-than=%00"])
async def test_a_generation_that_never_was_is_refused(caplog: pytest.LogCaptureFixture, query: str) -> None:
    with serving(caplog) as address:
        status, text = await get(address, f"/devices?{query}")
        assert status == (200 if query == "newer-than=" else 400), text


async def test_odd_requests_are_refused_and_harm_nobody(caplog: pytest.LogCaptureFixture) -> None:
    with serving(caplog) as address:
        assert (await get(address, "/" + "x" * 5000))[0] == 414
        assert (await get(address, "/devices?" + "&".join("a=1" for _ in range(100))))[0] == 400
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            connection = http.client.HTTPConnection(*address, timeout=10)
            await asyncio.to_thread(connection.request, method, "/devices")
            assert (await asyncio.to_thread(connection.getresponse)).status == 501
            connection.close()
        assert await get(address, "/healthz") == (200, "ok\n")
