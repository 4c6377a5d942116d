"""The plugin on a made-up host: what its specs make of nodes, links, directories, sockets and files."""

import os
import shutil
import socket
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.lab.host import FakeHost
from tests.lab.node import SERIAL, every, node, offers, together
from tests.lab.records import FakeDevice, FakeNode, Stick
from tests.lab.sticks import camera, ch340, serial_adapter, sound_card
from tests.lab.sysfs import make_node

MEM = os.makedev(1, 1)  # a number that no device of the made-up host has


@pytest.fixture
def folder() -> Iterator[str]:
    """An empty directory that udev has nothing to do with."""
    path = tempfile.mkdtemp(prefix="folder-", dir="/run")
    yield path
    shutil.rmtree(path)


def mknod(path: str, number: int = MEM) -> None:
    os.mknod(path, stat.S_IFCHR | 0o660, number)


@contextmanager
def mounted(source: str, path: str) -> Iterator[None]:
    """What is at a path is another thing meanwhile, and its directory does not know."""
    subprocess.run(["mount", "--bind", source, path], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", path], check=True)


async def test_a_link_by_id_is_what_the_container_is_given(host: FakeHost, plugin_directory: str) -> None:
    stick = serial_adapter()
    host.plug(stick)
    async with node(plugin_directory, every("/dev/serial/by-id/*")) as here:
        (offer,) = await here.offers()
        assert offer.paths == (stick.by_id,)
        assert os.path.realpath(offer.devices[0].host_path) == stick.devnode
        assert offer.devices[0].permissions == "mrw"


async def test_a_node_that_three_globs_reach_is_one_device(host: FakeHost, plugin_directory: str) -> None:
    spec = every("/dev/serial/by-path/*", "/dev/serial/by-id/*", "/dev/ttyUSB*")
    async with node(plugin_directory, spec) as here:
        first, second = serial_adapter("ttyUSB0", "A", "1-1"), serial_adapter("ttyUSB1", "B", "1-2")
        for stick in (first, second):
            host.plug(stick)
        await here.wait_for(healthy=2)
        await here.catch_up()
        assert await here.paths() == sorted([first.by_path, second.by_path])
        assert here.most_listed() == 2


async def test_twins_are_two_devices_wherever_their_common_link_leads(host: FakeHost, plugin_directory: str) -> None:
    async with node(plugin_directory, every("/dev/serial/by-id/*", "/dev/ttyUSB*")) as here:
        first, second = ch340("ttyUSB0", "1-1"), ch340("ttyUSB1", "1-2")
        host.plug(first)
        await here.wait_for(healthy=1)
        host.plug(second)  # the link leads to this one now
        await here.wait_for(healthy=2)
        await here.catch_up()
        nodes = {os.path.realpath(offer.devices[0].host_path) for offer in await here.offers() if offer.is_healthy}
        assert nodes == {first.devnode, second.devnode}
        host.unplug(second)  # and back again
        await here.wait_for(healthy=1, unhealthy=1)
        (path,) = await here.paths()
        assert os.path.realpath(path) == first.devnode


async def test_a_twin_that_comes_later_neither_renames_nor_shakes_the_first(
    host: FakeHost, plugin_directory: str
) -> None:
    async with node(plugin_directory, every("/dev/serial/by-id/*", "/dev/ttyUSB*")) as here:
        host.plug(ch340("ttyUSB0", "1-1"))
        await here.wait_for(healthy=1)
        (before,) = await here.offers()
        second = ch340("ttyUSB1", "1-2")
        host.plug(second)
        await here.wait_for(healthy=2)
        host.unplug(second)
        await here.wait_for(healthy=1, unhealthy=1)
        await here.catch_up()
        assert [offer.id for offer in await here.offers() if offer.is_healthy] == [before.id]
        health = [d.is_healthy for message in here.kubelet.history for d in message.devices if d.id == before.id]
        assert all(health)


async def test_twins_told_apart_by_path_do_not_touch_each_other(host: FakeHost, plugin_directory: str) -> None:
    async with node(plugin_directory, every("/dev/serial/by-path/*")) as here:
        first, second = ch340("ttyUSB0", "1-1"), ch340("ttyUSB1", "1-2")
        host.plug(first)
        await here.wait_for(healthy=1)
        (before,) = await here.offers()
        host.plug(second)
        await here.wait_for(healthy=2)
        host.unplug(second)
        await here.wait_for(healthy=1, unhealthy=1)
        assert before in await here.offers()
        health = [d.is_healthy for message in here.kubelet.history for d in message.devices if d.id == before.id]
        assert all(health)


async def test_a_camera_with_two_nodes_is_offered_as_the_globs_say(host: FakeHost, plugin_directory: str) -> None:
    specs = every("/dev/video*", name="nodes"), every("/dev/v4l/by-id/*-video-index0", name="cameras")
    async with node(plugin_directory, *specs) as here:
        stick = camera()
        host.plug(stick)
        await here.wait_for(healthy=2, resource="squat.ai/nodes")
        await here.wait_for(healthy=1, resource="squat.ai/cameras")
        (offer,) = await here.offers("squat.ai/cameras")
        assert os.path.realpath(offer.devices[0].host_path) == "/dev/video0"
        host.unplug(stick)
        await here.wait_for(healthy=0, unhealthy=2, resource="squat.ai/nodes")
        await here.wait_for(healthy=0, unhealthy=1, resource="squat.ai/cameras")


async def test_a_directory_of_nodes_is_one_device_for_as_long_as_it_is_there(
    host: FakeHost, plugin_directory: str
) -> None:
    async with node(plugin_directory, together("/dev/snd", name="sound")) as here:
        card = sound_card()
        host.plug(card)
        await here.wait_for(healthy=1, resource="squat.ai/sound")
        assert await here.paths("squat.ai/sound") == ["/dev/snd"]
        host.unplug(card)
        await here.wait_for(healthy=0, unhealthy=1, resource="squat.ai/sound")


@pytest.mark.usefixtures("host")
async def test_a_node_that_udev_knows_nothing_of_is_offered_at_once(folder: str, plugin_directory: str) -> None:
    async with node(plugin_directory, every(f"{folder}/mem*")) as here:
        mknod(f"{folder}/mem0")
        await here.wait_for(healthy=1)
        assert await here.paths() == [f"{folder}/mem0"]
        os.unlink(f"{folder}/mem0")
        await here.wait_for(healthy=0, unhealthy=1)
        assert not any("has not announced it" in line.message for line in here.plugin.log)


@pytest.mark.usefixtures("host")
async def test_a_path_in_a_directory_that_does_not_exist_yet_is_found_when_it_comes(
    folder: str, plugin_directory: str
) -> None:
    path = f"{folder}/a/b/mem0"
    async with node(plugin_directory, every(path)) as here:
        for _ in range(2):  # and once more, after all of it was gone
            os.makedirs(os.path.dirname(path))
            mknod(path)
            await here.wait_for(healthy=1)
            assert await here.paths() == [path]
            shutil.rmtree(f"{folder}/a")
            await here.wait_for(healthy=0, unhealthy=1)


@pytest.mark.usefixtures("host")
@pytest.mark.parametrize("path", ["/dev/modem", "/run/links-of-somebody/modem"])
async def test_a_link_that_somebody_made_to_a_node_of_another_name_is_offered(
    path: str, host: FakeHost, plugin_directory: str
) -> None:
    host.plug(Stick((FakeDevice("/devices/platform/serial8250/tty/ttyS0", "tty", node=FakeNode("ttyS0", 4, 64)),)))
    async with node(plugin_directory, every(path)) as here:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.symlink("/dev/ttyS0", path)
        await here.wait_for(healthy=1)
        os.unlink(path)
        await here.wait_for(healthy=0, unhealthy=1)


async def test_a_link_follows_what_it_leads_to(folder: str, plugin_directory: str) -> None:
    async with node(plugin_directory, every(f"{folder}/link")) as here:
        os.symlink(f"{folder}/mem0", f"{folder}/link")
        await here.catch_up()
        assert here.lists() == 1, "it leads nowhere yet"
        mknod(f"{folder}/mem0")
        await here.wait_for(healthy=1)
        os.unlink(f"{folder}/mem0")
        await here.wait_for(healthy=0, unhealthy=1)


@pytest.mark.usefixtures("host")
async def test_a_glob_for_devices_passes_over_files_directories_and_sockets(folder: str, plugin_directory: str) -> None:
    async with node(plugin_directory, every(f"{folder}/*")) as here:
        os.mkdir(f"{folder}/directory")
        os.close(os.open(f"{folder}/file", os.O_CREAT, 0o600))
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(f"{folder}/socket")
        mknod(f"{folder}/node")
        await here.wait_for(healthy=1)
        await here.catch_up()
        assert await here.paths() == [f"{folder}/node"]


@pytest.mark.usefixtures("host")
async def test_a_socket_and_a_file_can_be_mounted(folder: str, plugin_directory: str) -> None:
    spec = together(
        {"path": f"{folder}/socket", "type": "Mount"},
        {"path": f"{folder}/file", "type": "Mount", "readOnly": True, "mountPath": "/etc/lab.conf"},
    )
    async with node(plugin_directory, spec) as here:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(f"{folder}/socket")
        await here.catch_up()
        assert here.lists() == 1, "the file is missing"
        os.close(os.open(f"{folder}/file", os.O_CREAT, 0o600))
        await here.wait_for(healthy=1)
        (offer,) = await here.offers()
        assert offer.devices == ()
        assert [(mount.host_path, mount.container_path, mount.read_only) for mount in offer.mounts] == [
            (f"{folder}/socket", f"{folder}/socket", False),
            (f"{folder}/file", "/etc/lab.conf", True),
        ]


async def test_two_globs_are_zipped_and_stay_together(host: FakeHost, plugin_directory: str) -> None:
    capture = together("/dev/video[02468]", "/dev/snd/controlC*")
    async with node(plugin_directory, capture) as here:
        cards = [sound_card(0, "1-1"), sound_card(1, "1-2")]
        cameras = [camera(0, "A", "1-3"), camera(2, "B", "1-4"), camera(4, "C", "1-5")]
        for stick in (*cards, *cameras):
            host.plug(stick)
        await here.wait_for(healthy=2)
        await here.catch_up()
        assert sorted(offer.paths for offer in await here.offers()) == [
            ("/dev/video0", "/dev/snd/controlC0"),
            ("/dev/video2", "/dev/snd/controlC1"),
        ]
        host.unplug(cards[0])
        await here.wait_for(healthy=1, unhealthy=1)
        await here.catch_up()
        (healthy,) = [offer.paths for offer in await here.offers() if offer.is_healthy]
        assert healthy == ("/dev/video2", "/dev/snd/controlC1"), "the widowed camera finds no new partner"
        host.plug(cards[0])
        await here.wait_for(healthy=2)


@pytest.mark.usefixtures("host")
async def test_a_group_that_names_a_node_by_number_and_link_is_one_device_that_hands_it_over_by_both(
    host: FakeHost, plugin_directory: str
) -> None:
    stick = serial_adapter()
    host.plug(stick)
    async with node(plugin_directory, together("/dev/ttyUSB*", {"path": "/dev/serial/by-id/*"})) as here:
        await here.wait_for(healthy=1)
        pod = await here.kubelet.allocate(SERIAL)
        assert pod.response.envs["UDEV_RESOURCE_SQUAT_AI_SERIAL"] == f"{stick.devnode},{stick.by_id}"
        assert {os.path.realpath(device.host_path) for device in pod.response.devices} == {stick.devnode}
        host.unplug(stick)
        await here.wait_for(healthy=0, unhealthy=1)
        host.plug(serial_adapter("ttyUSB3"))
        await here.wait_for(healthy=1)
        await here.start(pod)
        assert {os.path.realpath(device.host_path) for device in pod.response.devices} == {"/dev/ttyUSB3"}


async def test_limit_lets_one_match_serve_several_devices(folder: str, plugin_directory: str) -> None:
    for number in range(3):
        mknod(f"{folder}/each{number}", os.makedev(1, 20 + number))
    mknod(f"{folder}/shared")
    spec = together(f"{folder}/each*", {"path": f"{folder}/shared", "limit": 2})
    async with node(plugin_directory, spec) as here:
        assert sorted(offer.paths for offer in await here.offers()) == [
            (f"{folder}/each0", f"{folder}/shared"),
            (f"{folder}/each1", f"{folder}/shared"),
        ]


@pytest.mark.usefixtures("host")
async def test_an_optional_path_is_given_where_it_is_there(folder: str, plugin_directory: str) -> None:
    mknod(f"{folder}/main")
    spec = together(f"{folder}/main", {"path": f"{folder}/extra", "optional": True})
    async with node(plugin_directory, spec) as here:
        (before,) = await here.offers()
        assert before.paths == (f"{folder}/main",)
        mknod(f"{folder}/extra", os.makedev(1, 20))
        await here.catch_up()
        (after,) = await here.offers()
        assert after.paths == (f"{folder}/main", f"{folder}/extra")
        assert after.id == before.id
        os.unlink(f"{folder}/extra")
        await here.catch_up()
        assert await here.offers() == (before,)
        assert here.lists() == 1, "the kubelet sees no difference, and is not told"


@pytest.mark.usefixtures("host")
async def test_count_offers_a_device_several_times(folder: str, plugin_directory: str) -> None:
    mknod(f"{folder}/mem0")
    async with node(plugin_directory, every(f"{folder}/mem*", count=3)) as here:
        three = await here.offers()
        assert len({offer.id for offer in three}) == 3
        assert {offer.paths for offer in three} == {(f"{folder}/mem0",)}
        all_of_it = await here.kubelet.allocate(SERIAL, 3)
        assert len(all_of_it.response.devices) == 1, "the same node is handed over once"
        os.unlink(f"{folder}/mem0")
        await here.wait_for(healthy=0, unhealthy=3)


async def test_mount_path_and_permissions_are_those_of_the_spec(host: FakeHost, plugin_directory: str) -> None:
    host.plug(serial_adapter())
    spec = together({"path": "/dev/ttyUSB*", "mountPath": "/dev/lidar", "permissions": "rw"})
    async with node(plugin_directory, spec) as here:
        (offer,) = await here.offers()
        assert [(device.container_path, device.permissions) for device in offer.devices] == [("/dev/lidar", "rw")]


@pytest.mark.usefixtures("host")
async def test_a_silent_change_that_even_inotify_cannot_see_is_found_by_a_rescan(
    folder: str, plugin_directory: str
) -> None:
    mknod(f"{folder}/hidden")
    os.close(os.open(f"{folder}/lidar", os.O_CREAT, 0o600))
    async with node(plugin_directory, every(f"{folder}/lidar"), arguments=["--rescan-interval=100ms"]) as here:
        assert await here.offers() == ()
        with mounted(f"{folder}/hidden", f"{folder}/lidar"):
            await here.wait_for(healthy=1)
        await here.wait_for(healthy=0, unhealthy=1)


@pytest.mark.usefixtures("host")
async def test_block_nodes_are_devices_too(plugin_directory: str) -> None:
    async with node(plugin_directory, every("/dev/sd[a-z]", name="disks")) as here:
        make_node(FakeNode("sda", 8, 0, kind="b"))
        await here.wait_for(healthy=1, resource="squat.ai/disks")
        assert await here.paths("squat.ai/disks") == ["/dev/sda"]


@pytest.mark.usefixtures("host")
async def test_a_node_that_is_replaced_by_another_number_stays_one_device(folder: str, plugin_directory: str) -> None:
    mknod(f"{folder}/mem0")
    async with node(plugin_directory, every(f"{folder}/mem0")) as here:
        before = await offers(here.kubelet)
        mknod(f"{folder}/.new", os.makedev(1, 20))
        os.rename(f"{folder}/.new", f"{folder}/mem0")
        await here.catch_up()
        assert await here.offers() == before
        assert here.lists() == 1
