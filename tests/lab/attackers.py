"""Clients that harm an HTTP server as much as they can, as a process: `python -m tests.lab.attackers NAME HOST:PORT`.

It says "begun" when all of them are at it, and goes on until it is killed. Loopback only, from an address of its own: a
kubelet that probes has another one too.
"""

import asyncio
import contextlib
import os
import re
import socket
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

GET = b"GET %b HTTP/1.1\r\nHost: localhost\r\n\r\n"
HEAD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
SOURCE = "127.0.0.2"
AGAIN = 0.02  # seconds until a client comes back that was refused


class Client:
    """One connection."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket()
        self._socket.setblocking(False)

    async def connect(self, buffer: int = 0) -> None:
        self._socket.bind((SOURCE, 0))
        if buffer:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        await self._loop.sock_connect(self._socket, self._address)

    async def send(self, data: bytes) -> None:
        await self._loop.sock_sendall(self._socket, data)

    async def receive(self) -> bytes:
        """All until the server closes the connection."""
        parts = []
        while part := await self._loop.sock_recv(self._socket, 1 << 16):
            parts.append(part)
        return b"".join(parts)

    def close(self) -> None:
        self._socket.close()


async def say_nothing(client: Client) -> None:
    await client.connect()
    await client.receive()


async def say_a_byte_now_and_then(client: Client) -> None:
    await client.connect()
    await client.send(HEAD + b"A: ")
    while True:
        await client.send(b"b")
        await asyncio.sleep(0.25)


async def send_large_headers(client: Client) -> None:
    await client.connect()
    await client.send(HEAD)
    for number in range(96):
        await client.send(b"A%d: %b\r\n" % (number, b"b" * 62500))


async def send_many_headers(client: Client) -> None:
    await client.connect()
    await client.send(HEAD + b"a:b\r\n" * 3200)
    await client.receive()


async def send_a_body_without_end(client: Client) -> None:
    await client.connect()
    await client.send(b"POST /devices HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        await client.send(b"1000\r\n%b\r\n" % bytes(0x1000))


async def send_noise(client: Client) -> None:
    await client.connect()
    await client.send(os.urandom(1 << 14))
    await client.receive()


async def hang_up(client: Client) -> None:
    await client.connect()


def read(path: bytes) -> "Attacker":
    async def ask(client: Client) -> None:
        await client.connect()
        await client.send(GET % path)
        await client.receive()

    return ask


def do_not_read(path: bytes) -> "Attacker":
    async def ask(client: Client) -> None:
        await client.connect(buffer=2048)
        await client.send(GET % path)
        await asyncio.sleep(60)

    return ask


async def wait_for_changes(client: Client) -> None:
    await client.connect()
    await client.send(GET % b"/devices?limit=1")
    generation = re.search(rb'"generation": "([^"]+)"', await client.receive())
    client.close()
    again = Client(client._address)
    await again.connect()
    with contextlib.closing(again):
        await again.send(GET % b"/devices?newer-than=%b" % (generation[1] if generation else b"none"))
        await again.receive()


Attacker = Callable[[Client], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Attack:
    """So many clients at a time, each of which begins again when it has ended."""

    clients: int
    attacker: Attacker


ATTACKS = {
    "clients that say nothing": Attack(300, say_nothing),
    "clients that send a byte now and then": Attack(300, say_a_byte_now_and_then),
    "headers of 6 MB": Attack(16, send_large_headers),
    "3,200 headers": Attack(16, send_many_headers),
    "bodies without end": Attack(16, send_a_body_without_end),
    "noise": Attack(16, send_noise),
    "connections that are closed at once": Attack(64, hang_up),
    "readers of /devices": Attack(16, read(b"/devices")),
    "readers of the page": Attack(16, read(b"/")),
    "readers of parts": Attack(16, read(b"/devices?limit=1000")),
    "clients that do not read /devices": Attack(300, do_not_read(b"/devices")),
    "clients that wait for changes": Attack(100, wait_for_changes),
    "readers of /metrics": Attack(300, read(b"/metrics")),
    "probes without a pause": Attack(16, read(b"/healthz")),
}


async def attack(attack: Attack, address: tuple[str, int]) -> None:
    """Attack until killed."""
    begun = 0

    async def again_and_again() -> None:
        nonlocal begun
        is_first = True
        while True:
            client = Client(address)
            task = asyncio.ensure_future(attack.attacker(client))
            if is_first:
                await asyncio.wait({task}, timeout=0.05)
                is_first = False
                begun += 1
                if begun == attack.clients:
                    sys.stdout.write("begun\n")
                    sys.stdout.flush()
            try:
                await task
            except OSError:
                await asyncio.sleep(AGAIN)
            finally:
                client.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(attack.clients):
            group.create_task(again_and_again())


if __name__ == "__main__":
    name, (host, _, port) = sys.argv[1], sys.argv[2].rpartition(":")
    asyncio.run(attack(ATTACKS[name], (host, int(port))))
