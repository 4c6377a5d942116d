"""Links in /dev that lead out of it: looked at by other threads than the rest of /dev, and reported all the same."""

import os
import shutil
import tempfile
from collections.abc import Iterator

import pytest

from tests.lab.host import FakeHost
from tests.lab.node import node, together

SHARE = "squat.ai/share"
pytestmark = pytest.mark.usefixtures("host")

SPEC = together({"path": "/dev/share*", "type": "Mount"}, name="share")


@pytest.fixture
def folder() -> Iterator[str]:
    """A directory outside of /dev."""
    path = tempfile.mkdtemp(prefix="folder-", dir="/run")
    yield path
    shutil.rmtree(path)


async def test_it_is_in_the_first_list(folder: str, plugin_directory: str) -> None:
    os.symlink(folder, "/dev/share0")
    async with node(plugin_directory, SPEC) as here:
        first = next(message for message in here.kubelet.history if message.resource == SHARE)
        assert [device.is_healthy for device in first.devices] == [True]


async def test_its_end_comes_and_goes(folder: str, plugin_directory: str) -> None:
    async with node(plugin_directory, SPEC) as here:
        os.symlink(f"{folder}/end", "/dev/share0")
        os.mkdir(f"{folder}/end")
        await here.wait_for(healthy=1, resource=SHARE)
        os.rmdir(f"{folder}/end")
        await here.wait_for(healthy=0, unhealthy=1, resource=SHARE)


async def test_it_goes(folder: str, plugin_directory: str) -> None:
    os.symlink(folder, "/dev/share0")
    async with node(plugin_directory, SPEC) as here:
        await here.wait_for(healthy=1, resource=SHARE)
        os.unlink("/dev/share0")
        await here.wait_for(healthy=0, unhealthy=1, resource=SHARE)


async def test_what_goes_when_udevs_events_are_lost_is_told(host: FakeHost, folder: str, plugin_directory: str) -> None:
    os.mkdir(f"{folder}/end")
    os.symlink(f"{folder}/end", "/dev/share0")
    async with node(plugin_directory, SPEC) as here:
        await here.wait_for(healthy=1, resource=SHARE)
        with here.plugin.suspended():
            host.overflow()
            os.rmdir(f"{folder}/end")
        await here.wait_for(healthy=0, unhealthy=1, resource=SHARE)


async def test_one_that_leads_nowhere_in_the_place_of_what_was_there_is_nothing(
    folder: str, plugin_directory: str
) -> None:
    os.mkdir("/dev/share0")
    async with node(plugin_directory, SPEC) as here:
        await here.wait_for(healthy=1, resource=SHARE)
        with here.plugin.suspended():
            os.rmdir("/dev/share0")
            os.symlink(f"{folder}/missing", "/dev/share0")
        await here.wait_for(healthy=0, unhealthy=1, resource=SHARE)
