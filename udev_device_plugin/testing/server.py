"""One run of the embedded kubelet: the gRPC servers on its sockets, which end as if they were killed.

The kubelet's event loop only. ``testing.registrar`` and ``testing.lister`` answer the calls.
"""

import asyncio
import os
import tempfile

import grpc

from udev_device_plugin.kubelet.api.podresources.v1 import api_pb2_grpc as pod_resources_pb2_grpc
from udev_device_plugin.kubelet.api.v1beta1 import api_pb2_grpc
from udev_device_plugin.testing.directory import SOCKET
from udev_device_plugin.testing.lister import Lister
from udev_device_plugin.testing.registrar import Registrar

_STOP_GRACE = 0.2  # seconds; with 0, gRPC prints tracebacks when the loop ends right after


class SocketServer:
    """A gRPC server that creates its socket and leaves it behind; for one start and one stop.

    Attributes:
        grpc: the server, for adding services to.
    """

    def __init__(self, socket: str) -> None:
        self.grpc = grpc.aio.server()
        self._socket = socket
        self._link_directory = tempfile.TemporaryDirectory(prefix="kubelet-")

    async def start(self) -> None:
        """Create the socket and answer on it."""
        # A gRPC server removes its socket file when it stops, a killed kubelet does not. So the server has a path of
        # the file that does not exist any more when it stops.
        directory, name = os.path.split(self._socket)
        link = os.path.join(self._link_directory.name, "sockets")
        os.symlink(directory, link)
        self.grpc.add_insecure_port(f"unix:{link}/{name}")
        await self.grpc.start()

    async def stop(self) -> None:
        """Close all connections; the socket stays, and refuses new ones."""
        self._link_directory.cleanup()
        await self.grpc.stop(_STOP_GRACE)


class Server:
    """Serves a registrar in its directory and, if there is one, a lister on its socket; for one start and one stop.

    No other process may listen on these sockets.
    """

    def __init__(self, directory: str, registrar: Registrar, lister: Lister | None) -> None:
        self.registrar = registrar
        registrations = SocketServer(os.path.join(directory, SOCKET))
        api_pb2_grpc.add_RegistrationServicer_to_server(registrar, registrations.grpc)
        self._servers = [registrations]
        if lister is not None:
            pod_resources = SocketServer(lister.socket)
            pod_resources_pb2_grpc.add_PodResourcesListerServicer_to_server(lister, pod_resources.grpc)
            self._servers.insert(0, pod_resources)  # first: a plugin that sees the kubelet's socket may call at once

    async def start(self) -> None:
        """Create the sockets and answer on them."""
        for server in self._servers:
            await server.start()

    async def stop(self) -> None:
        """Close all connections; the sockets stay, and refuse new ones."""
        await asyncio.gather(*(server.stop() for server in self._servers), self.registrar.close())
