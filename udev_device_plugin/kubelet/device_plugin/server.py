"""The unix sockets that resources are served on, and the gRPC servers there.

Event loop only. A socket's name has a random part, so that an old server that stops never removes a new one's socket,
and instances of a rolling update have sockets of their own.
"""

import asyncio
import contextlib
import logging
import os
import re
import socket
import stat
from collections.abc import AsyncIterator

import grpc

from udev_device_plugin.errors import StartError
from udev_device_plugin.kubelet.api.v1beta1 import api_pb2_grpc
from udev_device_plugin.selectors.paths.glob import Glob

logger = logging.getLogger(__name__)

MAX_SOCKET_PATH = 107
"""Bytes of a unix socket's path (unix(7): ``sun_path`` and its NUL are 108)."""

GRACE = 0.2
"""Seconds for calls to end by themselves. With 0, grpc.aio prints tracebacks when the loop ends soon after."""

_PREFIX = "udev-device-plugin-"
_SUFFIX = ".sock"
_RANDOM_BYTES = 4
_OURS = re.compile(re.escape(_PREFIX) + r"[a-z0-9-]*" + re.escape(_SUFFIX))


def socket_name(directory: str, resource: str) -> str:
    """Return a new file name for a resource's socket, short enough for the directory.

    Raises:
        StartError: the directory's own path is too long.
    """
    unique = f"-{os.urandom(_RANDOM_BYTES).hex()}{_SUFFIX}"
    free = MAX_SOCKET_PATH - len(os.fsencode(os.path.join(directory, _PREFIX + unique)))
    if free < 0:
        raise StartError(
            f"--plugin-directory: {directory!r} is too long: a unix socket's path has at most {MAX_SOCKET_PATH} bytes,"
            f" {-free} too few for the sockets in it: choose a shorter path (a symbolic link will do)"
        )
    slug = re.sub(r"[^a-z0-9]+", "-", resource.rsplit("/", 1)[-1].lower())
    return _PREFIX + slug[:free].strip("-") + unique


def sockets_of_same_resource(path: str) -> Glob:
    """Return the pattern of all sockets, also other instances', of the resource that is served on ``path``."""
    digits = 2 * _RANDOM_BYTES
    fixed = path[: -digits - len(_SUFFIX)]
    return Glob.parse(Glob.of(fixed).text + "[0-9a-f]" * digits + _SUFFIX)


@contextlib.asynccontextmanager
async def serve(servicer: api_pb2_grpc.DevicePluginServicer, path: str) -> AsyncIterator[None]:
    """Serve on the socket ``path`` until the context ends, and stop the server fully.

    Raises:
        OSError: the socket cannot be bound.
    """
    server = grpc.aio.server()
    api_pb2_grpc.add_DevicePluginServicer_to_server(servicer, server)
    try:
        server.add_insecure_port(f"unix:{path}")
    except RuntimeError as error:  # grpc raises it for everything that goes wrong here
        raise OSError(f"{os.path.dirname(path)}: no socket can be bound there: {_why_unbindable(path)}") from error
    await server.start()
    try:
        yield
    finally:
        await asyncio.shield(server.stop(GRACE))
        with contextlib.suppress(OSError):  # grpc removes it itself; unless the directory was replaced
            os.unlink(path)


def remove_stale(directory: str) -> None:
    """Remove the sockets of killed instances of this plugin; those of running ones, and all others, stay."""
    with contextlib.suppress(FileNotFoundError), os.scandir(directory) as entries:
        for entry in entries:
            if _OURS.fullmatch(entry.name) and _is_dead_socket(entry.path):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(entry.path)
                logger.info("removed the socket of an earlier run", extra={"path": entry.path})


def _is_dead_socket(path: str) -> bool:
    """Whether it is a socket that no process listens on."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as probe:
        try:
            if not stat.S_ISSOCK(os.lstat(path).st_mode):
                return False
            probe.connect(path)
        except ConnectionRefusedError:
            return True
        except OSError:  # it is gone, or the queue of a running process is full
            return False
    return False


def _why_unbindable(path: str) -> str:
    """Return the reason that grpc does not give."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.bind(path)
        except OSError as error:
            return f"{error.strerror}: the plugin directory must be there, and writable by uid 0"
    os.unlink(path)
    return "grpc gives no reason, and now it would go"
