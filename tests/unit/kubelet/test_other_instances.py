"""How it shows that another plugin has gone: on real sockets, with a real server that ends, hangs up, or was killed."""

import asyncio
import contextlib
import os
import socket
from pathlib import Path
from typing import Self

import pytest

from udev_device_plugin.kubelet.other_instances import OtherInstances


class Server:
    """Somebody who serves on a socket, and says nothing by itself."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.callers: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_unix_server(self._take, self._path)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        while not self.callers.empty():
            self.callers.get_nowait().close()

    async def hear(self) -> asyncio.StreamWriter:
        """The next caller, who is hung up on in the end, too."""
        caller = await self.callers.get()
        await self.callers.put(caller)
        return caller

    async def _take(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self.callers.put(writer)


def leave_behind(path: str) -> None:
    """A socket that nobody listens on, as that of a process that was killed."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as made:
        made.bind(path)


@pytest.fixture
def gone() -> asyncio.Queue[str]:
    return asyncio.Queue()


@pytest.fixture
def peers(gone: asyncio.Queue[str]) -> OtherInstances:
    return OtherInstances(gone.put_nowait)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Short, wherever the tests' directory is: a unix socket's path has 107 bytes at most."""
    monkeypatch.chdir(tmp_path)
    return "one.sock"


async def next_of(gone: asyncio.Queue[str]) -> str:
    async with asyncio.timeout(10):
        return await gone.get()


async def test_one_that_ends_and_leaves_its_socket_behind_has_gone(
    path: str, peers: OtherInstances, gone: asyncio.Queue[str]
) -> None:
    async with Server(path) as server:
        peers.follow(path, is_new=False)
        await server.hear()
        assert gone.empty()
        leave_behind(path)
    assert await next_of(gone) == path


async def test_one_that_hangs_up_and_lives_is_called_again(
    path: str, peers: OtherInstances, gone: asyncio.Queue[str]
) -> None:
    async with Server(path) as server:
        peers.follow(path, is_new=False)
        for _ in range(3):
            (await server.callers.get()).close()
        await server.hear()
        assert gone.empty()
        leave_behind(path)
    assert await next_of(gone) == path


async def test_what_a_peer_says_is_not_its_end(path: str, peers: OtherInstances, gone: asyncio.Queue[str]) -> None:
    async with Server(path) as server:
        peers.follow(path, is_new=False)
        caller = await server.hear()
        caller.write(b"x" * 1_000_000)
        await caller.drain()
        assert gone.empty()
        leave_behind(path)
    assert await next_of(gone) == path


async def test_a_socket_of_one_killed_long_ago_tells_nothing(
    path: str, peers: OtherInstances, gone: asyncio.Queue[str]
) -> None:
    leave_behind(path)
    leave_behind("new.sock")
    peers.follow(path, is_new=False)
    peers.follow("new.sock", is_new=True)
    assert await next_of(gone) == "new.sock"
    assert gone.empty()


async def test_one_that_was_killed_before_it_could_be_called_has_gone(
    peers: OtherInstances, gone: asyncio.Queue[str]
) -> None:
    peers.follow("/nowhere/one.sock", is_new=True)
    assert await next_of(gone) == "/nowhere/one.sock"


async def test_who_lives_is_known_until_it_goes_or_is_not_followed_any_more(
    peers: OtherInstances, gone: asyncio.Queue[str]
) -> None:
    for path in ("/own/one-0000000a.sock", "/own/udev-device-plugin-one-0000000b.sock", "/own/other-0000000c.sock"):
        peers.follow(path, is_new=True)
    assert peers.is_any_of("one")
    peers.leave("one")
    assert not peers.is_any_of("one")
    assert await next_of(gone) == "/own/other-0000000c.sock"
    assert not peers.is_any_of("other")
    assert gone.empty()


async def test_a_server_that_binds_and_does_not_listen_yet_is_waited_for(
    path: str, peers: OtherInstances, gone: asyncio.Queue[str]
) -> None:
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as server:
        server.bind(path)
        peers.follow(path, is_new=True)
        await asyncio.sleep(0)  # a call at once is refused
        server.listen()
        server.setblocking(False)
        caller, _ = await asyncio.get_running_loop().sock_accept(server)
        os.unlink(path)
    caller.close()
    assert await next_of(gone) == path
