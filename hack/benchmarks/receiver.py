"""A program: the least kubelet that says when lists arrive. `python -m hack.benchmarks.receiver DIRECTORY`.

It accepts every registration, and reads the streams from their sockets itself (HTTP/2, as far as gRPC needs it for one
call): what it tells is when the kernel handed it the last byte of a list, before any library has had its share. Each
line is `SECONDS RESOURCE BYTES DEVICES HEALTHY NEWLY-HEALTHY NO-LONGER-HEALTHY`, the last two as IDs with commas.
"""

import asyncio
import contextlib
import os
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator

import grpc

from udev_device_plugin.kubelet.api.v1beta1 import api_pb2, api_pb2_grpc

READY = "ready"

_DATA, _HEADERS, _SETTINGS, _PING, _GOAWAY, _WINDOW_UPDATE = 0, 1, 4, 6, 7, 8
_END_STREAM, _END_HEADERS, _ACK = 1, 4, 1
_MOST = (1 << 31) - 1
_HEADER_FIELDS = {
    ":method": "POST",
    ":scheme": "http",
    ":path": "/v1beta1.DevicePlugin/ListAndWatch",
    ":authority": "localhost",
    "te": "trailers",
    "content-type": "application/grpc",
}


async def serve(directory: str) -> None:
    """Serve until killed."""
    server = grpc.aio.server()
    api_pb2_grpc.add_RegistrationServicer_to_server(_Registrar(directory), server)
    server.add_insecure_port(f"unix:{directory}/kubelet.sock")
    await server.start()
    print(READY, flush=True)
    await server.wait_for_termination()


class _Registrar(api_pb2_grpc.RegistrationServicer):
    def __init__(self, directory: str) -> None:
        self._directory = directory

    async def Register(  # noqa: N802 - the contract's name
        self, request: api_pb2.RegisterRequest, _context: grpc.aio.ServicerContext
    ) -> api_pb2.Empty:
        path = f"{self._directory}/{request.endpoint}"
        threading.Thread(target=_follow, args=(request.resource_name, path), daemon=True).start()
        return api_pb2.Empty()


def _follow(resource: str, path: str) -> None:
    """Tell of each list until the stream ends."""
    healthy: frozenset[str] = frozenset()
    with contextlib.suppress(OSError), _called(path) as connection:
        for arrived, message in _messages(connection):
            devices = api_pb2.ListAndWatchResponse.FromString(message).devices
            before, healthy = healthy, frozenset(one.ID for one in devices if one.health == "Healthy")
            new, lost = ",".join(sorted(healthy - before)) or "-", ",".join(sorted(before - healthy)) or "-"
            line = f"{arrived:.6f} {resource} {len(message)} {len(devices)} {len(healthy)} {new} {lost}\n"
            os.write(1, line.encode())


@contextlib.contextmanager
def _called(path: str) -> Iterator[socket.socket]:
    """A connection on which `ListAndWatch` was called."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(path)
        literals = ((b"\0", _text(name), _text(value)) for name, value in _HEADER_FIELDS.items())
        connection.sendall(
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
            + _frame(_SETTINGS, 0, 0, struct.pack(">HI", 4, _MOST))  # a stream's window
            + _frame(_WINDOW_UPDATE, 0, 0, struct.pack(">I", _MOST - 65535))
            + _frame(_HEADERS, _END_HEADERS, 1, b"".join(part for literal in literals for part in literal))
            + _frame(_DATA, _END_STREAM, 1, bytes(5))  # an empty message
        )
        yield connection


def _messages(connection: socket.socket) -> Iterator[tuple[float, bytes]]:
    """When each message was complete, and its bytes."""
    raw, data = bytearray(), bytearray()
    while chunk := connection.recv(1 << 20):
        arrived = time.monotonic()
        raw += chunk
        while len(raw) >= 9 and len(raw) >= (end := 9 + int.from_bytes(raw[:3], "big")):
            kind, flags, payload = raw[3], raw[4], bytes(raw[9:end])
            del raw[:end]
            if kind == _DATA:
                data += payload
            elif kind == _GOAWAY:
                return
            elif kind in (_SETTINGS, _PING) and not flags & _ACK:
                connection.sendall(_frame(kind, _ACK, 0, payload if kind == _PING else b""))
        while len(data) >= 5 and len(data) >= (end := 5 + int.from_bytes(data[1:5], "big")):
            yield arrived, bytes(data[5:end])
            del data[:end]


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + struct.pack(">I", stream) + payload


def _text(text: str) -> bytes:
    """A text in a header field, as it is (HPACK); ours are shorter than 127 bytes."""
    return bytes((len(text),)) + text.encode()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
