"""A plugin whose descriptors are used up: it says of nothing that it is gone, of nothing that it is another device."""

import asyncio
import os
import resource
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.lab.host import FakeHost
from tests.lab.node import Node, every, node, together, wait_for_metric
from tests.lab.plugin import PluginProcess
from tests.lab.sticks import serial_adapter

STICKS = every("/dev/serial/by-id/*", "/dev/ttyUSB*")
FEW = 8  # fewer descriptors than the plugin has, more than it polls
EVENTS = "udev_device_plugin_uevents_total"


@pytest.fixture
def folder() -> Iterator[str]:
    """A directory of files outside of /dev."""
    path = tempfile.mkdtemp(prefix="folder-", dir="/run")
    yield path
    shutil.rmtree(path)


@contextmanager
def without_descriptors(plugin: PluginProcess) -> Iterator[None]:
    """It keeps those that it has, and gets no other meanwhile."""
    assert plugin.cost().descriptors > FEW
    soft, hard = resource.prlimit(plugin.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(plugin.pid, resource.RLIMIT_NOFILE, (FEW, hard))
    try:
        yield
    finally:
        resource.prlimit(plugin.pid, resource.RLIMIT_NOFILE, (soft, hard))


async def it_says_so(here: Node, subject: str) -> None:
    line = await here.plugin.wait_for_log(lambda line: line.message.startswith(f"{subject}: could not be looked at"))
    assert line.fields["level"] == "error"


async def test_a_stick_that_cannot_be_looked_at_stays_what_it_is(host: FakeHost, plugin_directory: str) -> None:
    async with node(plugin_directory, STICKS) as here:
        stick = serial_adapter()
        host.plug(stick)
        await here.wait_for(healthy=1)
        await here.catch_up()
        before, lists = await here.offers(), here.lists()
        with without_descriptors(here.plugin):
            host.send("change", stick.main)
            await it_says_so(here, stick.devices[0].sys_path)
        await here.plugin.wait_for_message(f"{stick.devices[0].sys_path}: could be looked at now")
        await here.catch_up()
        assert await here.offers() == before
        assert here.lists() == lists


async def test_a_stick_that_comes_meanwhile_is_offered_once_and_by_its_link(
    host: FakeHost, plugin_directory: str
) -> None:
    async with node(plugin_directory, STICKS) as here:
        host.plug(serial_adapter("ttyUSB0", "A", "1-1"))
        await here.wait_for(healthy=1)
        (before,) = await here.offers()
        come = serial_adapter("ttyUSB1", "B", "1-2")
        with without_descriptors(here.plugin):
            host.plug(come)
            await it_says_so(here, come.devices[0].sys_path)
        await here.wait_for(healthy=2)
        await here.catch_up()
        assert before in await here.offers()
        assert come.by_id in await here.paths()
        assert here.most_listed() == 2


async def test_a_stick_that_goes_meanwhile_is_said_to_be_gone(host: FakeHost, plugin_directory: str) -> None:
    async with node(plugin_directory, STICKS) as here:
        kept, lost = serial_adapter("ttyUSB0", "A", "1-1"), serial_adapter("ttyUSB1", "B", "1-2")
        for stick in (kept, lost):
            host.plug(stick)
        await here.wait_for(healthy=2)
        with without_descriptors(here.plugin):
            host.send("change", kept.main)
            await it_says_so(here, kept.devices[0].sys_path)
            host.unplug(lost)
            await here.wait_for(healthy=1, unhealthy=1)
        assert await here.paths() == [kept.by_id]


async def test_what_is_outside_of_dev_is_not_said_to_be_gone(folder: str, plugin_directory: str) -> None:
    share = together({"path": f"{folder}/*", "type": "Mount"}, name="share")
    os.mkdir(f"{folder}/a")
    async with node(plugin_directory, share) as here:
        await here.wait_for(healthy=1, resource="squat.ai/share")
        (before,) = await here.offers("squat.ai/share")
        with without_descriptors(here.plugin):
            os.mkdir(f"{folder}/b")
            await it_says_so(here, f"{folder}/*")
        await here.wait_for(healthy=2, resource="squat.ai/share")
        assert before in await here.offers("squat.ai/share")
        assert not any(
            not device.is_healthy
            for message in here.kubelet.history
            if message.resource == "squat.ai/share"
            for device in message.devices
        )


@pytest.mark.usefixtures("host")
async def test_a_directory_that_comes_meanwhile_is_looked_at_later(plugin_directory: str) -> None:
    async with node(plugin_directory, every("/dev/odd/*/node*", name="odd")) as here:
        with without_descriptors(here.plugin):
            os.makedirs("/dev/odd/a")
            os.mknod("/dev/odd/a/node0", stat.S_IFCHR | 0o600, os.makedev(1, 3))
            await here.plugin.wait_for_log(lambda line: line.message.startswith("/dev: could not be looked at"))
        await here.wait_for(healthy=1, resource="squat.ai/odd")


async def test_a_look_at_everything_without_descriptors_is_tried_again(host: FakeHost, plugin_directory: str) -> None:
    async with node(plugin_directory, STICKS) as here:
        stick = serial_adapter()
        host.plug(stick)
        await here.wait_for(healthy=1)
        before = await here.offers()
        with without_descriptors(here.plugin):
            with here.plugin.suspended():
                host.overflow()
            await here.plugin.wait_for_log(lambda line: line.message.endswith("; trying again"))
        await wait_for_metric(here.plugin, "udev_device_plugin_rescans_total", 2, source="udev")
        host.plug(serial_adapter("ttyUSB1", "B", "1-3"))
        await here.wait_for(healthy=2)
        assert before[0] in await here.offers()


async def test_whoever_asks_over_http_is_answered_later(host: FakeHost, plugin_directory: str) -> None:
    async with node(plugin_directory, STICKS) as here:
        address = await here.plugin.address()
        with without_descriptors(here.plugin):
            asking = [asyncio.create_task(here.plugin.get("/healthz")) for _ in range(3)]
            warning = await here.plugin.wait_for_log(lambda line: "cannot be accepted" in line.message)
            assert "Too many open files" in warning.message
            host.plug(serial_adapter())
            await it_says_so(here, serial_adapter().devices[0].sys_path)
        assert await asyncio.gather(*asking) == [(200, "ok\n")] * 3
        await here.wait_for(healthy=1)
        assert await here.plugin.address() == address
