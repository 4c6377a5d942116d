"""What can be asked over HTTP, and what cannot harm it, from a real socket."""

import asyncio
import gzip
import logging
import os
import resource
import socket
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from http import HTTPStatus
from typing import Any

import pytest
from hypothesis import given, strategies as st
from prometheus_client.exposition import choose_encoder

from tests.unit.reporting.http.client import LOCAL, Served, ask, exchange, get, parse, serving, until
from udev_device_plugin.config.settings import ListenAddress
from udev_device_plugin.errors import StartError
from udev_device_plugin.reporting.http import connection, server
from udev_device_plugin.reporting.http.connection import MAX_REQUEST, MAX_TARGET, Connection
from udev_device_plugin.reporting.http.messages import Answer, Request, line
from udev_device_plugin.reporting.http.server import MAX_CONNECTIONS
from udev_device_plugin.reporting.http.status_pages import MAX_VIEWERS

READS_VERSIONS = "escaping" in choose_encoder("application/openmetrics-text;version=1.0.0")[1]
"""Whether this prometheus-client looks at more of the header Accept than the format's name."""

LONG = b"GET /long HTTP/1.1\r\nHost: a\r\n\r\n"

ALL_PATHS = ["/", "/devices", "/metrics", "/health", "/healthz", "/readyz", "/nothing"]


async def test_metrics_are_shown(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(caplog) as served:
        served.metrics.allocations.labels("squat.ai/serial").inc(3)
        status, text = await get(served.address, "/metrics")
        assert status == 200
        assert 'generic_device_plugin_allocations_total{resource="squat.ai/serial"} 3.0' in text
        assert "process_resident_memory_bytes" in text


async def test_metrics_come_compressed_and_in_the_format_that_is_asked_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    name = "udev_device_plugin_overflows_total"
    async with serving(caplog) as served:
        compressed = await ask(served.address, "/metrics", headers={"Accept-Encoding": "gzip"})
        assert compressed.headers["Content-Encoding"] == "gzip"
        assert f"{name} 0.0".encode() in gzip.decompress(compressed.body)
        open_metrics = await ask(served.address, "/metrics", headers={"Accept": "application/openmetrics-text"})
        assert open_metrics.headers["Content-Type"].startswith("application/openmetrics-text")
        assert f"{name} 0.0" in open_metrics.text
        assert open_metrics.text.endswith("\n# EOF\n")
        assert open_metrics.text.count("# EOF") == 1


@pytest.mark.parametrize(
    "accept",
    [
        "application/openmetrics-text;version=x",
        "text/plain;version=x.y",
        "application/openmetrics-text;version=1.1.\xe9",
    ],
)
async def test_a_broken_accept_is_the_clients_fault(caplog: pytest.LogCaptureFixture, accept: str) -> None:
    async with serving(caplog) as served:
        refused = await ask(served.address, "/metrics", headers={"Accept": accept})
        if READS_VERSIONS:
            assert (refused.status, refused.text.partition(":")[0]) == (400, "Accept")
        else:
            assert refused.status == 200
        assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize("path", ["/health", "/healthz", "/readyz", "/readyz?verbose"])
async def test_all_is_well(caplog: pytest.LogCaptureFixture, path: str) -> None:
    async with serving(caplog) as served:
        assert await get(served.address, path) == (200, "ok\n")


async def test_what_is_wrong_is_said(caplog: pytest.LogCaptureFixture) -> None:
    def dead() -> Sequence[str]:
        return ["udev: the thread that listens is not running"]

    def missing() -> Sequence[str]:
        return ["squat.ai/a: no kubelet answers", "squat.ai/b: no kubelet answers"]

    def notes() -> Sequence[str]:
        return ["configuration not reloaded: …"]

    async with serving(caplog, alive=dead, ready=missing, notes=notes) as served:
        assert await get(served.address, "/health") == (503, "udev: the thread that listens is not running\n")
        assert await get(served.address, "/healthz") == (503, "udev: the thread that listens is not running\n")
        assert await get(served.address, "/readyz") == (
            503,
            "squat.ai/a: no kubelet answers\nsquat.ai/b: no kubelet answers\nconfiguration not reloaded: …\n",
        )


async def test_what_is_not_there_is_404_and_says_what_is(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(caplog) as served:
        status, text = await get(served.address, "/nothing")
        assert status == 404
        assert "/metrics" in text


@pytest.mark.parametrize("path", ALL_PATHS)
async def test_head_has_the_same_headers_and_no_body(caplog: pytest.LogCaptureFixture, path: str) -> None:
    async with serving(caplog) as served:
        get_, head = [await ask(served.address, path, method=method) for method in ("GET", "HEAD")]
        assert (head.status, head.body) == (get_.status, b"")
        assert set(head.headers.keys()) == set(get_.headers.keys())
        if path != "/metrics":  # which has the time in it
            assert head.headers["Content-Length"] == str(len(get_.body))


async def test_the_page_and_its_data_have_strict_headers(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(caplog) as served:
        for path, kind in (("/", "text/html"), ("/?x=<script>", "text/html"), ("/devices", "application/json")):
            response = await ask(served.address, path)
            assert response.status == 200
            assert response.headers["Content-Type"] == f"{kind}; charset=utf-8"
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Cache-Control"] == "no-store"
            assert response.headers["Connection"] == "close"
            assert "Access-Control-Allow-Origin" not in response.headers
            assert "node-1" in response.text
            assert "?x=" not in response.text
        assert "default-src 'none'" in (await ask(served.address, "/")).headers["Content-Security-Policy"]


async def test_every_address_means_ipv4_and_ipv6(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(caplog, at=ListenAddress("", 0)) as served:
        port = served.address[1]
        assert (await get(("127.0.0.1", port), "/health"))[0] == 200
        if socket.has_dualstack_ipv6():
            assert (await get(("::1", port), "/health"))[0] == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_a_taken_address_is_one_clear_error(caplog: pytest.LogCaptureFixture, host: str) -> None:
    async with serving(caplog, at=ListenAddress(host, 0)) as served:
        port = served.address[1]
        with pytest.raises(StartError, match=rf"--listen: {host}:{port}: .* in use"):
            async with serving(caplog, at=ListenAddress(host, port)):
                pass


async def test_an_address_that_nothing_can_listen_at_is_one_clear_error(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(StartError, match=r"--listen: 192\.0\.2\.9:1: cannot listen there: .*: choose another"):
        async with serving(caplog, at=ListenAddress("192.0.2.9", 1)):
            pass
    with without_descriptors(), pytest.raises(StartError, match="Too many open files"):
        async with serving(caplog):
            pass


REFUSED = {
    "no HTTP": (b"hello\r\n\r\n", 400),
    "TLS": (bytes.fromhex("16030100c8010000c40303") + bytes(200), 400),
    "nothing but an end": (b"\r\n\r\n", 400),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 405),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two hosts": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    "NUL in a header": (b"GET / HTTP/1.1\r\nHost: a\r\nA: \0\r\n\r\n", 400),
    "a space before the colon": (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
    "two lengths": (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
    "an unknown coding": (b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\n\r\n", 501),
    "a body": (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", 413),
    "a body that never comes": (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", 413),
    "a body in chunks": (b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", 413),
    "a long path": (b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n" % (b"x" * MAX_TARGET), 414),
    "a longer path": (b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n" % (b"x" * MAX_REQUEST), 431),
    "long headers": (b"GET / HTTP/1.1\r\nHost: a\r\nA: %b\r\n\r\n" % (b"x" * MAX_REQUEST), 431),
    "long headers without an end": (b"GET / HTTP/1.1\r\nHost: a\r\nA: %b" % (b"x" * MAX_REQUEST), 431),
    "many headers": (b"GET / HTTP/1.1\r\nHost: a\r\n%b\r\n" % (b"A: b\r\n" * (MAX_REQUEST // 6)), 431),
    **{
        method: (b"%b /devices HTTP/1.1\r\nHost: a\r\n\r\n" % method.encode(), 405)
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get", "ODD")
    },
}


@pytest.mark.parametrize(("sent", "status"), REFUSED.values(), ids=REFUSED.keys())
async def test_an_odd_request_is_refused_with_one_line_and_harms_nobody(
    caplog: pytest.LogCaptureFixture, sent: bytes, status: int
) -> None:
    async with serving(caplog) as served:
        refused = parse(await exchange(served.address, sent))
        assert refused.status == status
        assert refused.text.count("\n") == 1
        assert await get(served.address, "/healthz") == (200, "ok\n")
        assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_as_many_headers_as_may_be_are_read(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(caplog) as served:
        head, end = b"GET /healthz HTTP/1.1\r\nHost: a\r\nA: ", b"\r\n\r\n"
        sent = head + b"x" * (MAX_REQUEST - len(head) - len(end)) + end
        assert parse(await exchange(served.address, sent)).text == "ok\n"


@pytest.mark.parametrize(
    "sent", [b"GET /healthz HTTP/1.0\r\n\r\n", b"GET /healthz HTTP/1.1\r\nHost:\r\n\r\nGET / HTTP/1.1"]
)
async def test_old_clients_and_hasty_ones_get_one_answer(caplog: pytest.LogCaptureFixture, sent: bytes) -> None:
    async with serving(caplog) as served:
        assert parse(await exchange(served.address, sent)).text == "ok\n"


async def test_a_client_that_has_said_all_and_closes_its_side_is_answered(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(caplog) as served:
        reader, writer = await asyncio.open_connection(*served.address)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        writer.write_eof()
        assert parse(await reader.read()).text == "ok\n"
        writer.close()


@given(st.lists(st.binary(max_size=200) | st.sampled_from([b"GET ", b"/", b" HTTP/1.1\r\n", b"Host: a\r\n", b"\r\n"])))
def test_whatever_is_sent_has_an_answer_or_an_end(sent: list[bytes]) -> None:
    async def respond(_: Request) -> Answer:
        return line(HTTPStatus.OK, "answered")

    async def serve() -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            theirs.sendall(b"".join(sent))
            theirs.shutdown(socket.SHUT_WR)
            try:
                await Connection(ours, "127.0.0.1").serve(respond)
            except ConnectionResetError:
                assert not b"".join(sent)
            else:
                assert theirs.recv(1 << 16).startswith(b"HTTP/1.1 ")

    asyncio.run(serve())


async def test_requests_need_no_thread(caplog: pytest.LogCaptureFixture) -> None:
    before = set(threading.enumerate())
    async with serving(caplog) as served:
        waiting = asyncio.create_task(get(served.address, "/devices?newer-than=run-1"))
        await until(lambda: served.stage.waiting == 1)
        for path in ALL_PATHS:
            await get(served.address, path)
        assert set(threading.enumerate()) == before
        served.stage.happen()
        await waiting


async def silent(served: Served, count: int, sent: bytes = b"", *, source: str = "127.0.0.1") -> list[socket.socket]:
    """So many clients that have connected, and are not going to send (more)."""
    loop, clients = asyncio.get_running_loop(), []
    for _ in range(count):
        client = socket.socket()
        client.setblocking(False)
        client.bind((source, 0))
        await loop.sock_connect(client, served.address)
        await loop.sock_sendall(client, sent)
        clients.append(client)
    return clients


async def is_closed(client: socket.socket) -> bool:
    """Wait until the server has closed the connection; what it had sent is read."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(10):
            while await loop.sock_recv(client, 1 << 16):
                pass
    except ConnectionResetError:
        pass
    client.close()
    return True


async def test_clients_that_say_nothing_keep_nobody_waiting(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(caplog) as served:
        clients = await silent(served, MAX_CONNECTIONS // 2) + await silent(served, 10, b"GET / HTTP/1.1\r\nHo")
        assert await get(served.address, "/health") == (200, "ok\n")
        for client in clients:
            client.close()


@pytest.mark.parametrize("sent", [b"", b"GET / HTT", b"GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n"])
async def test_a_request_that_does_not_come_in_time_is_not_waited_for(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(connection, "DEADLINE", 0.02)
    async with serving(caplog) as served:
        (client,) = await silent(served, 1, sent)
        assert await is_closed(client)
        await until(lambda: served.dropped("deadline") == 1)


async def test_a_byte_now_and_then_does_not_put_the_deadline_off(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "DEADLINE", 0.05)
    async with serving(caplog) as served:
        (client,) = await silent(served, 1)
        closed = asyncio.create_task(is_closed(client))
        while not closed.done():
            with suppress(OSError):
                client.send(b"G")
            await asyncio.sleep(0.001)
        assert await closed
        assert served.dropped("deadline") == 1


async def big(_: Request) -> Answer:
    return Answer(HTTPStatus.OK, (bytes(1 << 20), bytes(4 << 20)))


async def test_a_client_that_does_not_read_is_not_waited_for(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "DEADLINE", 0.05)
    async with serving(caplog, respond=big) as served:
        (client,) = await silent(served, 1, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await until(lambda: served.dropped("deadline") == 1)
        assert await is_closed(client)


async def test_a_client_that_reads_gets_all_of_a_long_answer(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(caplog, respond=big) as served:
        assert len((await ask(served.address, "/")).body) == 5 << 20


async def test_an_answer_may_take_longer_than_its_client(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def respond(_: Request) -> Answer:
        await asyncio.sleep(0.05)
        return line(HTTPStatus.OK, "at last")

    monkeypatch.setattr(connection, "DEADLINE", 0.02)
    async with serving(caplog, respond=respond) as served:
        assert await get(served.address, "/") == (200, "at last\n")


async def test_of_too_many_the_oldest_incomplete_one_goes(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(caplog) as served:
        clients = await silent(served, MAX_CONNECTIONS)
        assert await get(served.address, "/healthz") == (200, "ok\n")
        assert await is_closed(clients[0])
        assert await get(served.address, "/healthz") == (200, "ok\n")
        clients[MAX_CONNECTIONS // 2].sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await asyncio.get_running_loop().sock_recv(clients[MAX_CONNECTIONS // 2], 1 << 16)).endswith(b"ok\n")
        assert served.dropped("limit") >= 1
        warnings = [record.message for record in caplog.records if record.levelname == "WARNING"]
        assert len(warnings) == 1
        assert warnings[0].startswith(f"--listen: {MAX_CONNECTIONS} connections are open")
        for client in clients:
            client.close()


async def test_an_address_with_many_connections_takes_no_place_from_others(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(caplog) as served:
        (slow,) = await silent(served, 1, b"GET /healthz HTTP/1.1\r\n")
        many = await silent(served, 2 * MAX_CONNECTIONS, source="127.0.0.2")
        slow.sendall(b"Host: a\r\n\r\n")
        assert (await asyncio.get_running_loop().sock_recv(slow, 1 << 16)).endswith(b"ok\n")
        assert await is_closed(many[0])
        for client in (slow, *many):
            client.close()


@pytest.mark.parametrize(
    ("one", "other", "are_one"),
    [
        ("10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("::ffff:10.0.0.1", "::ffff:10.0.0.2", False),
        ("2001:db8::1", "2001:db8::2:3:4:5", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
    ],
)
def test_of_ipv6_a_whole_network_is_one_client(one: str, other: str, are_one: bool) -> None:
    assert (connection._source(one) == connection._source(other)) is are_one


async def test_those_that_wait_for_a_change_are_not_the_ones_that_go(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(caplog) as served:
        waiting = [asyncio.create_task(get(served.address, "/devices?newer-than=run-1")) for _ in range(MAX_VIEWERS)]
        await until(lambda: served.stage.waiting == MAX_VIEWERS)
        clients = await silent(served, 2 * MAX_CONNECTIONS)
        assert await get(served.address, "/healthz") == (200, "ok\n")
        assert served.stage.waiting == MAX_VIEWERS
        served.stage.happen()
        assert all(status == 200 for status, _ in await asyncio.gather(*waiting))
        for client in clients:
            client.close()


@asynccontextmanager
async def answering_for_ever(caplog: pytest.LogCaptureFixture) -> AsyncIterator[Served]:
    """A server that has as many connections as it may, and no answer yet for any of them."""
    answering = 0

    async def respond(request: Request) -> Answer:
        nonlocal answering
        if request.path == "/long":
            answering += 1
            await asyncio.Event().wait()
        return line(HTTPStatus.OK, "ok")

    async with serving(caplog, respond=respond) as served:
        clients = await silent(served, MAX_CONNECTIONS, LONG, source="127.0.0.2")
        await until(lambda: answering == MAX_CONNECTIONS)
        yield served
        for client in clients:
            client.close()


async def test_where_all_are_being_answered_the_newest_is_answered_too(caplog: pytest.LogCaptureFixture) -> None:
    async with answering_for_ever(caplog) as served:
        assert await get(served.address, "/healthz") == (200, "ok\n")


async def test_an_address_whose_requests_take_long_takes_no_place_from_others(caplog: pytest.LogCaptureFixture) -> None:
    async with answering_for_ever(caplog) as served:
        (slow,) = await silent(served, 1, b"GET /healthz HTTP/1.1\r\n")
        more = await silent(served, MAX_CONNECTIONS, LONG, source="127.0.0.2")
        slow.sendall(b"Host: a\r\n\r\n")
        assert (await asyncio.get_running_loop().sock_recv(slow, 1 << 16)).endswith(b"ok\n")
        for client in (slow, *more):
            client.close()


async def test_of_a_flood_a_batch_is_accepted_at_a_time(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "BATCH_PAUSE", 3600.0)

    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    async with serving(caplog) as served:
        clients = [socket.create_connection(served.address) for _ in range(2 * server.BATCH)]  # the kernel has them
        before = descriptors()
        await until(lambda: descriptors() > before)
        for _ in range(50):
            await asyncio.sleep(0)
        assert descriptors() == before + server.BATCH
        for client in clients:
            client.close()


async def test_after_a_flood_the_rest_is_accepted(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(caplog) as served:
        clients = [socket.create_connection(served.address) for _ in range(3 * server.BATCH)]
        assert await get(served.address, "/healthz") == (200, "ok\n")
        for client in clients:
            client.close()


@contextmanager
def without_descriptors() -> Iterator[None]:
    """This process keeps those that it has, and gets no other meanwhile."""
    lowest = os.dup(0)
    os.close(lowest)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_a_connection_that_cannot_be_accepted_waits_and_is_said_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "ACCEPT_AGAIN", 0.01)
    failures: list[object] = []
    attempts: list[object] = []
    loop = asyncio.get_running_loop()
    accept = loop.sock_accept

    async def counted(listener: socket.socket) -> tuple[socket.socket, Any]:
        attempts.append(listener)
        return await accept(listener)

    monkeypatch.setattr(loop, "sock_accept", counted)
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))

    def warnings() -> list[str]:
        return [record.message for record in caplog.records if record.levelname == "WARNING"]

    async with serving(caplog) as served:
        client = socket.socket()
        client.setblocking(False)
        with without_descriptors():
            await asyncio.get_running_loop().sock_connect(client, served.address)
            await until(lambda: bool(warnings()))
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            await until(lambda: len(attempts) > 3)
        assert await is_closed(client)
        assert await get(served.address, "/healthz") == (200, "ok\n")
    (warning,) = warnings()
    assert warning.startswith("--listen: a connection cannot be accepted: Too many open files: ")
    assert not failures


async def test_an_answer_that_fails_is_said_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def respond(request: Request) -> Answer:
        if request.path == "/bug":
            raise RuntimeError("what nobody has thought of")
        return line(HTTPStatus.OK, "ok")

    async with serving(caplog, respond=respond) as served:
        assert (await get(served.address, "/bug"))[0] == 500
        assert "what nobody has thought of" in caplog.text
        assert await get(served.address, "/healthz") == (200, "ok\n")


async def test_all_connections_are_closed_in_the_end(caplog: pytest.LogCaptureFixture) -> None:
    before = len(os.listdir("/proc/self/fd"))
    async with serving(caplog) as served:
        clients = [
            *await silent(served, 3),
            *await silent(served, 3, b"GET / HT"),
            *await silent(served, 3, b"GET /devices?newer-than=run-1 HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        ]
        await until(lambda: served.stage.waiting == 3)
    assert served.stage.waiting == 0
    for client in clients:
        assert await is_closed(client)
    assert len(os.listdir("/proc/self/fd")) == before
    with pytest.raises(ConnectionRefusedError):
        await get(served.address, "/healthz")


async def test_one_server_after_another_has_the_same_port(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(caplog) as served:
        clients = await silent(served, 3)
        await get(served.address, "/healthz")
    async with serving(caplog, at=ListenAddress(LOCAL.host, served.address[1])) as again:
        assert await get(again.address, "/healthz") == (200, "ok\n")
    for client in clients:
        client.close()
