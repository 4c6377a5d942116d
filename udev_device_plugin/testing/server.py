"""One life of the embedded kubelet: the gRPC server on ``kubelet.sock``, from its start to being killed.

Decides nothing about registrations; ``testing.registrar`` does. Runs on the kubelet's loop.
"""

import asyncio
import os
import tempfile

import grpc

from udev_device_plugin.kubelet.v1beta1 import api_pb2_grpc
from udev_device_plugin.testing.directory import SOCKET
from udev_device_plugin.testing.registrar import Registrar

_STOP_GRACE = 0.2  # seconds; with 0, gRPC prints tracebacks when the loop ends right after


class Server:
    """Serves a registrar in a directory that has no live ``kubelet.sock``; for one start and one stop."""

    def __init__(self, directory: str, registrar: Registrar) -> None:
        self.registrar = registrar
        self._directory = directory
        self._detour = tempfile.TemporaryDirectory(prefix="kubelet-")
        self._server = grpc.aio.server()
        api_pb2_grpc.add_RegistrationServicer_to_server(registrar, self._server)

    async def start(self) -> None:
        """Create ``kubelet.sock`` and answer on it."""
        # A gRPC server takes its socket file away when it stops, a killed kubelet does not. So it gets to
        # know the file by a path that will not be there any more.
        link = os.path.join(self._detour.name, "plugins")
        os.symlink(self._directory, link)
        self._server.add_insecure_port(f"unix:{link}/{SOCKET}")
        await self._server.start()

    async def stop(self) -> None:
        """Hang up on everyone; ``kubelet.sock`` stays, and refuses connections."""
        self._detour.cleanup()
        await asyncio.gather(self._server.stop(_STOP_GRACE), self.registrar.close())
