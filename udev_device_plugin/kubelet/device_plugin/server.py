"""The unix socket that one resource is served on.

Event loop only. Sockets carry a random part in their name, so that an old server that goes away can
never take a new one's socket with it, and instances of a rolling update keep apart.
"""

import asyncio
import contextlib
import logging
import os
import re
import socket
import stat
from collections.abc import AsyncIterator
from functools import lru_cache

import grpc

from udev_device_plugin.errors import StartError
from udev_device_plugin.kubelet.api.v1beta1 import api_pb2_grpc
from udev_device_plugin.selectors.paths.glob import Glob

logger = logging.getLogger(__name__)

MAX_SOCKET_PATH = 107
"""Bytes of a unix socket's path (unix(7): ``sun_path`` and its NUL are 108)."""

GRACE = 0.2
"""Seconds that calls get to end by themselves. With 0, grpc.aio cancels them noisily when the loop ends soon after."""

_PREFIX = "udev-device-plugin-"
_SUFFIX = ".sock"
_RANDOM_BYTES = 4
_OURS = re.compile(re.escape(_PREFIX) + r"[a-z0-9-]*" + re.escape(_SUFFIX))


def socket_name(directory: str, resource: str) -> str:
    """A new file name for the resource's socket, short enough for the directory.

    Raises:
        StartError: the directory's own path is too long.
    """
    unique = f"-{os.urandom(_RANDOM_BYTES).hex()}{_SUFFIX}"
    room = MAX_SOCKET_PATH - len(os.fsencode(os.path.join(directory, _PREFIX + unique)))
    if room < 0:
        raise StartError(
            f"--plugin-directory: {directory!r} is too long: a unix socket's path has at most {MAX_SOCKET_PATH} bytes,"
            f" {-room} too few for the sockets in it: choose a shorter path (a symbolic link will do)"
        )
    slug = re.sub(r"[^a-z0-9]+", "-", resource.rsplit("/", 1)[-1].lower())
    return _PREFIX + slug[:room].strip("-") + unique


def siblings(path: str) -> Glob:
    """What the sockets of a resource are named, of which ``path`` is one."""
    digits = 2 * _RANDOM_BYTES
    return _named_after(path[: -digits - len(_SUFFIX)], digits)


@lru_cache(maxsize=256)
def _named_after(fixed: str, digits: int) -> Glob:
    """A resource's, at each of its registrations: they come all at once, when the kubelet has restarted."""
    return Glob.parse(Glob.of(fixed).text + "[0-9a-f]" * digits + _SUFFIX)


@contextlib.asynccontextmanager
async def serve(servicer: api_pb2_grpc.DevicePluginServicer, path: str) -> AsyncIterator[None]:
    """Serve on the socket ``path`` for as long as the context lasts; afterwards the server is fully stopped.

    Raises:
        OSError: the socket cannot be bound.
    """
    server = grpc.aio.server()
    api_pb2_grpc.add_DevicePluginServicer_to_server(servicer, server)
    try:
        server.add_insecure_port(f"unix:{path}")
    except RuntimeError as error:  # grpc's word for everything that goes wrong here
        raise OSError(f"{os.path.dirname(path)}: no socket can be bound there: {_why_unbindable(path)}") from error
    await server.start()
    try:
        yield
    finally:
        await asyncio.shield(server.stop(GRACE))
        with contextlib.suppress(OSError):  # grpc removes it itself; unless the directory was replaced
            os.unlink(path)


def remove_stale(directory: str) -> None:
    """Remove the sockets that a killed instance of ours left behind; those of a living one, and all others, stay."""
    with contextlib.suppress(FileNotFoundError), os.scandir(directory) as entries:
        for entry in entries:
            if _OURS.fullmatch(entry.name) and _is_dead_socket(entry.path):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(entry.path)
                logger.info("removed the socket of an earlier run", extra={"path": entry.path})


def _is_dead_socket(path: str) -> bool:
    """Whether it is a socket that nobody listens on."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as probe:
        try:
            if not stat.S_ISSOCK(os.lstat(path).st_mode):
                return False
            probe.connect(path)
        except ConnectionRefusedError:
            return True
        except OSError:  # gone, or its queue is full: then somebody lives
            return False
    return False


def _why_unbindable(path: str) -> str:
    """The reason that grpc does not give."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.bind(path)
        except OSError as error:
            return f"{error.strerror}: the plugin directory must be there, and writable by uid 0"
    os.unlink(path)
    return "grpc gives no reason, and now it would go"
