"""One life of the embedded kubelet: the gRPC servers on its sockets, from their start to being killed.

Decides nothing about what is asked there; ``testing.registrar`` and ``testing.lister`` do. Runs on the kubelet's loop.
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
    """A gRPC server on a socket that is not there yet, and that stays behind; for one start and one stop.

    Attributes:
        grpc: the server, for adding services to.
    """

    def __init__(self, socket: str) -> None:
        self.grpc = grpc.aio.server()
        self._socket = socket
        self._detour = tempfile.TemporaryDirectory(prefix="kubelet-")

    async def start(self) -> None:
        """Create the socket and answer on it."""
        # A gRPC server takes its socket file away when it stops, a killed kubelet does not. So it gets to
        # know the file by a path that will not be there any more.
        directory, name = os.path.split(self._socket)
        link = os.path.join(self._detour.name, "sockets")
        os.symlink(directory, link)
        self.grpc.add_insecure_port(f"unix:{link}/{name}")
        await self.grpc.start()

    async def stop(self) -> None:
        """Hang up on everyone; the socket stays, and refuses connections."""
        self._detour.cleanup()
        await self.grpc.stop(_STOP_GRACE)


class Server:
    """Serves a registrar in its directory and, where there is one, a lister on its socket; for one start and one stop.

    No live sockets may be there.
    """

    def __init__(self, directory: str, registrar: Registrar, lister: Lister | None) -> None:
        self.registrar = registrar
        registrations = SocketServer(os.path.join(directory, SOCKET))
        api_pb2_grpc.add_RegistrationServicer_to_server(registrar, registrations.grpc)
        self._servers = [registrations]
        if lister is not None:
            pod_resources = SocketServer(lister.socket)
            pod_resources_pb2_grpc.add_PodResourcesListerServicer_to_server(lister, pod_resources.grpc)
            self._servers.insert(0, pod_resources)  # first: who sees the kubelet come may ask at once

    async def start(self) -> None:
        """Create the sockets and answer on them."""
        for server in self._servers:
            await server.start()

    async def stop(self) -> None:
        """Hang up on everyone; the sockets stay, and refuse connections."""
        await asyncio.gather(*(server.stop() for server in self._servers), self.registrar.close())
