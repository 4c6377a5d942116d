"""A resource's server that is stopped while it starts. How it serves: test_resource_plugin."""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from udev_device_plugin.filesystem.own_directory import SOCKET, OwnDirectory
from udev_device_plugin.kubelet.api.v1beta1 import api_pb2_grpc
from udev_device_plugin.kubelet.device_plugin.server import ResourceServer


@pytest.fixture
def directory() -> Iterator[OwnDirectory]:
    """Below a short path: a unix socket's has 107 bytes at most."""
    with tempfile.TemporaryDirectory(prefix="dp") as path, closing(OwnDirectory(path)) as directory:
        yield directory


async def test_a_start_that_is_cancelled_at_any_step_leaves_no_socket_behind(directory: OwnDirectory) -> None:
    for steps in range(20):
        server = ResourceServer(directory, "squat.ai/serial", api_pb2_grpc.DevicePluginServicer())
        starting = asyncio.create_task(server.ensure())
        for _ in range(steps):
            await asyncio.sleep(0)
        starting.cancel()
        with suppress(asyncio.CancelledError):
            await starting
        await server.stop()
        assert directory.names(SOCKET) == []
