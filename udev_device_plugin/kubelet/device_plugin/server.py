"""The unix sockets that resources are served on, and the gRPC servers there.

Event loop only. A server goes on over the kubelet's restarts: its socket is in a directory of our own below the plugin
directory, which no kubelet clears (kubelet 1.30 to 1.36). A socket's name has a random part, so that an old server that
stops never removes a new one's socket, and instances of a rolling update have sockets of their own.
"""

import asyncio
import contextlib
import logging
import os
import re
import socket
import stat
from collections.abc import Iterator
from itertools import islice

import grpc

from udev_device_plugin.errors import StartError
from udev_device_plugin.filesystem.own_directory import MAX_ENTRIES, NAME, SOCKET, OwnDirectory
from udev_device_plugin.kubelet.api.v1beta1 import api_pb2_grpc
from udev_device_plugin.selectors.paths.glob import Glob

logger = logging.getLogger(__name__)

MAX_SOCKET_PATH = 107
"""Bytes of a unix socket's path (unix(7): ``sun_path`` and its NUL are 108)."""

GRACE = 0.2
"""Seconds for calls to end by themselves. With 0, grpc.aio prints tracebacks when the loop ends soon after."""

_SUFFIX = ".sock"
_RANDOM_BYTES = 4

MAX_STALE = 1000
"""Sockets of earlier runs that one start removes: 60 ms' worth."""

_FORMER_PREFIX = f"{NAME}-"
"""Of the names of sockets in the plugin directory itself, where earlier releases have them."""


def socket_name(directory: str, resource: str) -> str:
    """Return a new path for a resource's socket, below the plugin directory, if that has a path short enough for it.

    Raises:
        StartError: the directory's own path is too long.
    """
    unique = f"-{os.urandom(_RANDOM_BYTES).hex()}{_SUFFIX}"
    free = MAX_SOCKET_PATH - len(os.fsencode(os.path.join(directory, NAME, unique)))
    if free < 0:
        raise StartError(
            f"--plugin-directory: {directory!r} is too long: a unix socket's path has at most {MAX_SOCKET_PATH} bytes,"
            f" {-free} too few for the sockets in it: choose a shorter path (a symbolic link will do)"
        )
    slug = re.sub(r"[^a-z0-9]+", "-", resource.rsplit("/", 1)[-1].lower())
    return os.path.join(NAME, slug[:free].strip("-") + unique)


def socket_globs(plugin_directory: str) -> tuple[Glob, Glob]:
    """Return what matches the sockets of all resources, and of all instances of this plugin."""
    suffix = "[0-9a-f]" * 2 * _RANDOM_BYTES + _SUFFIX
    own, former = (os.path.join(plugin_directory, name) for name in (f"{NAME}/", _FORMER_PREFIX))
    return Glob.parse(f"{Glob.of(own).text}*-{suffix}"), Glob.parse(f"{Glob.of(former).text}*-{suffix}")


def resource_of_socket(path: str) -> str:
    """Return what the names of all sockets of one resource have in common, also those of other instances."""
    directory, name = os.path.split(path)
    slug = name[: -len("-") - 2 * _RANDOM_BYTES - len(_SUFFIX)]
    return slug if os.path.basename(directory) == NAME else slug.removeprefix(_FORMER_PREFIX)


class ResourceServer:
    """The gRPC server of one resource: on one socket, or on another one when that has been removed.

    Attributes:
        endpoint: the socket's path below the plugin directory; "" before the first start.
    """

    def __init__(self, directory: OwnDirectory, resource: str, servicer: api_pb2_grpc.DevicePluginServicer) -> None:
        self.endpoint = ""
        self._directory = directory
        self._resource = resource
        self._servicer = servicer
        self._server: grpc.aio.Server | None = None

    @property
    def path(self) -> str:
        """The socket's path."""
        return os.path.join(self._directory.plugin_directory, self.endpoint)

    async def ensure(self) -> None:
        """Serve, if that is not the case already.

        Raises:
            OSError: the socket cannot be bound.
        """
        if self._server is not None and self._directory.has(os.path.basename(self.endpoint), SOCKET):
            return
        await self.stop()
        is_first = not self.endpoint
        self.endpoint = socket_name(self._directory.plugin_directory, self._resource)
        path = self._directory.path_of_descriptor(os.path.basename(self.endpoint), make=True)
        _require_bindable(path, self._directory.path)
        server = grpc.aio.server()
        api_pb2_grpc.add_DevicePluginServicer_to_server(self._servicer, server)
        try:
            server.add_insecure_port(f"unix:{path}")
        except RuntimeError as error:  # grpc raises it for everything that goes wrong here, without a reason
            raise OSError(f"{self._directory.path}: no socket can be bound there: {error}") from error
        self._server = server
        starting = asyncio.ensure_future(server.start())
        try:
            await asyncio.shield(starting)
        except BaseException:  # also a cancellation: its socket is there already
            await asyncio.wait({starting})  # grpc cannot stop a server that is about to start
            await self.stop()
            raise
        if not is_first:
            self._directory.made_again.set()

    async def stop(self) -> None:
        """Stop serving fully."""
        server, self._server = self._server, None
        if server is None:
            return
        await asyncio.shield(server.stop(GRACE))
        with contextlib.suppress(OSError):  # grpc removes it itself; unless the directory was replaced
            self._directory.remove(os.path.basename(self.endpoint), SOCKET)


def remove_stale(directory: OwnDirectory) -> None:
    """Remove the sockets of killed instances of this plugin; those of running ones, and all others, stay.

    At most ``MAX_STALE`` are removed, so that a start does not take long; a later one removes more.
    """
    removed = 0
    try:
        for path in islice(_stale(directory), MAX_STALE):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            removed += 1
    except OSError as error:  # what keeps it from being used keeps it from serving, too, which is said
        logger.debug("sockets of earlier runs stay: %s", error)
    if removed:
        logger.info(
            "removed the sockets of earlier runs", extra={"path": directory.plugin_directory, "sockets": removed}
        )


def _stale(directory: OwnDirectory) -> Iterator[str]:
    """Yield their paths: those in the plugin's own directory, and where earlier releases have them."""
    yield from filter(_is_dead_socket, map(directory.path_of_descriptor, directory.names(SOCKET)))
    with contextlib.suppress(FileNotFoundError), os.scandir(directory.plugin_directory) as entries:
        for entry in islice(entries, MAX_ENTRIES):
            is_ours = entry.name.startswith(_FORMER_PREFIX) and SOCKET.names.fullmatch(entry.name)
            if is_ours and _is_dead_socket(entry.path):
                yield entry.path


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


def _require_bindable(path: str, directory: str) -> None:
    """Raise why no socket can be bound to a path.

    For each attempt that fails, grpc writes a line of its own and keeps 3 KiB, and it gives no reason.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.bind(path)
        except OSError as error:
            raise OSError(
                f"{directory}: no socket can be bound there: {error.strerror}: the plugin directory must be there, and"
                " writable by uid 0"
            ) from error
    os.unlink(path)
