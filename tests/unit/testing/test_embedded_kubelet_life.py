"""The embedded kubelet's starts and stops, and what they do to its directory: as on a node."""

import asyncio
import os
import socket
import tempfile
from contextlib import suppress
from pathlib import Path

import grpc
import pytest

from tests.lab.fake_plugin import SERIAL, FakePlugin, served
from udev_device_plugin.testing.directory import CHECKPOINT, SOCKET, Wipe
from udev_device_plugin.testing.kubelet import Kubelet


@pytest.mark.parametrize(
    ("wipe", "left"),
    [
        (Wipe.ALL_FILES, {CHECKPOINT, "directory", SOCKET}),
        (Wipe.SOCKETS, {CHECKPOINT, "directory", SOCKET, "file", "link"}),
    ],
)
async def test_a_start_clears_the_directory_before_it_creates_the_socket(
    tmp_path: Path, wipe: Wipe, left: set[str]
) -> None:
    (tmp_path / "directory").mkdir()
    (tmp_path / "directory" / "file").touch()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    (tmp_path / CHECKPOINT).write_text("{}")
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(f"{tmp_path}/stale.sock")

    async with Kubelet(tmp_path, wipe=wipe):
        assert set(os.listdir(tmp_path)) == left
    assert os.listdir(tmp_path / "directory") == ["file"]


async def test_a_stopped_kubelet_leaves_its_socket_behind_which_refuses_connections(
    kubelet: Kubelet, plugin: FakePlugin, tmp_path: Path
) -> None:
    await plugin.register()
    await kubelet.wait_for_devices(SERIAL, healthy=1)
    await kubelet.stop()
    await plugin.stream_ended.wait()

    assert (tmp_path / SOCKET).is_socket()
    with socket.socket(socket.AF_UNIX) as client, pytest.raises(ConnectionRefusedError):
        client.connect(f"{tmp_path}/{SOCKET}")


async def test_a_restarted_kubelet_knows_the_resource_s_name_but_no_devices(
    kubelet: Kubelet, plugin: FakePlugin
) -> None:
    await plugin.register()
    await kubelet.wait_for_devices(SERIAL, healthy=1)
    held = await kubelet.allocate(SERIAL)
    await kubelet.restart()
    view = kubelet.resource(SERIAL)

    assert (kubelet.resources, view.capacity, view.registrations, kubelet.history) == ((SERIAL,), 0, 0, ())
    assert view.allocated == held.ids


async def test_every_list_and_every_allocation_replaces_the_checkpoint(
    kubelet: Kubelet, plugin: FakePlugin, tmp_path: Path
) -> None:
    await plugin.register()
    await kubelet.wait_for_devices(SERIAL, healthy=1)
    (tmp_path / "after the list").hardlink_to(tmp_path / CHECKPOINT)
    await kubelet.allocate(SERIAL)

    assert not (tmp_path / CHECKPOINT).samefile(tmp_path / "after the list")
    assert set(os.listdir(tmp_path)) == {CHECKPOINT, SOCKET, plugin.endpoint, "after the list"}


async def test_restarts_leave_no_tasks_files_or_directories_behind(tmp_path: Path) -> None:
    kubelet = Kubelet(tmp_path / "plugins", dial_timeout=0.5, seed=1, pod_resources_socket=tmp_path / "pods" / SOCKET)
    await live(kubelet)
    before = left_behind()
    for _ in range(20):
        await live(kubelet)

    async with asyncio.timeout(10):
        while left_behind() > before:
            await asyncio.sleep(0.01)


async def live(kubelet: Kubelet) -> None:
    """From a restart to a stop, with a stream that ends, one that does not, and a registration that fails."""
    await kubelet.restart()
    async with served(FakePlugin(kubelet.directory)) as plugin:
        await plugin.register()
        await kubelet.wait_for_devices(SERIAL, healthy=1)
        plugin.end_stream()
        await kubelet.wait_for_devices(SERIAL, healthy=0)
        await plugin.register()
        await kubelet.wait_for_devices(SERIAL, healthy=1)
        missing = asyncio.create_task(FakePlugin(kubelet.directory, endpoint="missing.sock").register())
        await kubelet.wait_until(lambda kubelet: kubelet.resource(SERIAL).attempts == 3)
        await kubelet.stop()
        with suppress(grpc.aio.AioRpcError):
            await missing


def left_behind() -> int:
    detours = [name for name in os.listdir(tempfile.gettempdir()) if name.startswith("kubelet-")]
    return len(asyncio.all_tasks()) + len(os.listdir("/proc/self/fd")) + len(detours)
