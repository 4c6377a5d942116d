"""Drivers and mounts that do not answer keep nothing else waiting: no plug of others, not the start, not the end."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator

import pytest

from tests.lab.host import FakeHost
from tests.lab.listing import list_devices
from tests.lab.node import SERIAL, Node, every, node
from tests.lab.sticks import serial_adapter
from tests.world.hanging import HungStick, has_fuse, hung_mount

TTYS = every("/dev/ttyUSB*")
HUNG = 5  # more than there are threads for looks
PROMPT = 2.0  # seconds


@pytest.fixture
def hung_share() -> Iterator[str]:
    """A directory below which a file system hangs."""
    if not has_fuse():
        pytest.skip("this kernel has no FUSE")
    directory = tempfile.mkdtemp(prefix="hung-", dir="/run")
    os.mkdir(f"{directory}/share")
    with hung_mount(f"{directory}/share"):
        yield f"{directory}/share"
    shutil.rmtree(directory)


def plug_hung(host: FakeHost) -> list[HungStick]:
    """Five sticks, whose serial numbers cannot be read."""
    return [
        HungStick.plug(host, serial_adapter(f"ttyUSB{number}", f"H{number}", f"1-{number + 1}"))
        for number in range(HUNG)
    ]


async def all_are_stuck(here: Node, hung: list[HungStick]) -> None:
    for one in hung:
        await here.plugin.wait_for_message(f"{one.sys_path}: cannot be read now: a driver or a mount does not answer")


async def others_come_and_go(host: FakeHost, here: Node) -> None:
    """Plug and unplug what does not hang: all of it is told."""
    for number in range(5):
        other = serial_adapter(f"ttyUSB{100 + number}", f"O{number}", f"2-{number + 1}")
        host.plug(other)
        await here.wait_for(healthy=1, unhealthy=number)
        assert await here.paths() == [other.devnode]
        host.unplug(other)
        await here.wait_for(healthy=0, unhealthy=number + 1)


async def test_five_probes_that_hang_keep_no_other_stick_from_coming_and_going(
    host: FakeHost, plugin_directory: str
) -> None:
    async with node(plugin_directory, TTYS) as here:
        hung = plug_hung(host)
        await others_come_and_go(host, here)
        assert here.most_listed() == 5, "nothing is said of the hung ones"
        await all_are_stuck(here, hung)
        other = serial_adapter("ttyUSB9", "Z", "2-9")
        host.plug(other)
        await here.wait_for(healthy=1, unhealthy=5)


async def test_sticks_are_offered_once_their_probe_is_over(host: FakeHost, plugin_directory: str) -> None:
    async with node(plugin_directory, every("/dev/serial/by-id/*", "/dev/ttyUSB*")) as here:
        hung = plug_hung(host)
        await all_are_stuck(here, hung)
        assert here.lists() == 1
        for count, one in enumerate(hung, start=1):
            one.answer()
            await here.wait_for(healthy=count)
        assert await here.paths() == sorted(one.stick.by_id for one in hung)
        assert here.most_listed() == HUNG


async def test_the_first_registration_is_not_held_up_by_what_hangs(
    host: FakeHost, hung_share: str, plugin_directory: str
) -> None:
    hung = plug_hung(host)
    other = serial_adapter("ttyUSB9", "Z", "2-9")
    host.plug(other)
    async with node(plugin_directory, TTYS, every(f"{hung_share}/*", name="share")) as here:
        first = next(message for message in here.kubelet.history if message.resource == SERIAL)
        assert len(first.devices) == 1
        assert await here.paths() == [other.devnode]
        assert await here.paths("squat.ai/share") == []
        for one in hung:
            one.answer()
        await here.wait_for(healthy=1 + HUNG)


async def test_a_mount_that_hangs_keeps_nothing_else_waiting(
    host: FakeHost, hung_share: str, plugin_directory: str
) -> None:
    async with node(plugin_directory, TTYS, every(f"{hung_share}/*", name="share")) as here:
        await here.plugin.wait_for_message(f"{hung_share}/*: cannot be read now: a driver or a mount does not answer")
        await others_come_and_go(host, here)
        await here.catch_up()


async def test_what_is_known_of_a_stick_stays_while_it_hangs(host: FakeHost, plugin_directory: str) -> None:
    async with node(plugin_directory, TTYS) as here:
        stick = serial_adapter()
        host.plug(stick)
        await here.wait_for(healthy=1)
        before = await here.offers()
        hung = HungStick(stick)
        host.send("change", stick.main)
        await all_are_stuck(here, [hung])
        assert await here.offers() == before
        host.unplug(stick)
        await here.wait_for(healthy=0, unhealthy=1)


async def test_sigterm_waits_for_nothing_that_hangs(host: FakeHost, hung_share: str, plugin_directory: str) -> None:
    async with node(plugin_directory, TTYS, every(f"{hung_share}/*", name="share")) as here:
        await all_are_stuck(here, plug_hung(host))
        started = time.monotonic()
        assert await here.plugin.terminate() == 0
        assert time.monotonic() - started < PROMPT


def test_what_hangs_is_left_out_of_a_listing_and_named(host: FakeHost, hung_share: str) -> None:
    host.plug(serial_adapter("ttyUSB90", "A", "2-1"))
    (hung, *_) = plug_hung(host)
    listed = list_devices(TTYS, every(f"{hung_share}/*", name="share"))
    assert listed.code == 0
    assert [device["members"][0]["node"] for device in listed.resource("serial")["devices"]] == ["/dev/ttyUSB90"]
    for subject in (hung.sys_path, f"{hung_share}/*"):
        assert f"{subject}: cannot be read now: a driver or a mount does not answer" in listed.errors


async def test_forty_sticks_that_udevd_has_not_got_to_do_not_hold_up_the_first_registration(
    host: FakeHost, plugin_directory: str
) -> None:
    for number in range(40):
        for device in serial_adapter(f"ttyUSB{number}", f"S{number}", f"1-{number + 1}"):
            host.appear(device)
    other = serial_adapter("ttyUSB99", "Z", "2-9")
    host.plug(other)
    async with node(plugin_directory, TTYS) as here:
        first = next(message for message in here.kubelet.history if message.resource == SERIAL)
        assert len(first.devices) == 1
        await here.wait_for(healthy=41)
