"""The plugin looks at any moment: between no two steps of udevd's work is a stick taken for another one."""

import pytest

from tests.lab.host import FakeHost
from tests.lab.node import Node, Offer, every, node
from tests.lab.records import Stick
from tests.lab.sticks import serial_adapter
from tests.lab.udevd_steps import Version

TTYS = every("/dev/ttyUSB*")

each_version = pytest.mark.parametrize("version", [252, 257])


async def healthy(here: Node) -> tuple[Offer, ...]:
    return tuple(offer for offer in await here.offers() if offer.is_healthy)


def plug_all_but_the_tty(host: FakeHost, stick: Stick) -> None:
    for device in stick.devices[:-1]:
        host.plug(device)


@each_version
async def test_after_each_step_of_a_plug_a_stick_is_itself_or_not_offered_yet(
    host: FakeHost, plugin_directory: str, version: Version
) -> None:
    stick = serial_adapter()
    async with node(plugin_directory, TTYS) as here:
        host.plug(stick)
        await here.wait_for(healthy=1)
        before = await here.offers()
        host.unplug(stick)
        await here.wait_for(healthy=0, unhealthy=1)
        plug_all_but_the_tty(host, stick)
        for step in host.adding(stick.main, version):
            await here.catch_up()
            assert await healthy(here) in ((), before), f"after {step}"
        await here.wait_for(healthy=1)
        assert await here.offers() == before


@each_version
async def test_after_each_step_of_its_first_plug_a_stick_is_itself_or_not_offered_yet(
    host: FakeHost, plugin_directory: str, version: Version
) -> None:
    stick = serial_adapter()
    async with node(plugin_directory, TTYS) as here:
        plug_all_but_the_tty(host, stick)
        for step in host.adding(stick.main, version):
            await here.catch_up()
            assert [offer.devices[0].host_path for offer in await healthy(here)] in ([], [stick.by_id]), f"after {step}"
        await here.wait_for(healthy=1)
        assert here.most_listed() == 1


async def test_after_each_step_of_an_unplug_a_stick_is_unhealthy(host: FakeHost, plugin_directory: str) -> None:
    stick = serial_adapter()
    async with node(plugin_directory, TTYS) as here:
        host.plug(stick)
        await here.wait_for(healthy=1)
        for _ in host.removing(stick.main):
            await here.wait_for(healthy=0, unhealthy=1)
            await here.catch_up()
            assert await healthy(here) == ()


@each_version
async def test_a_stick_is_not_taken_for_the_one_that_had_its_number_and_went_while_udevd_was_dead(
    host: FakeHost, plugin_directory: str, version: Version
) -> None:
    former, later = serial_adapter("ttyUSB0", "OLD", "1-2"), serial_adapter("ttyUSB0", "NEW", "1-3")
    async with node(plugin_directory, TTYS) as here:
        host.plug(former)
        await here.wait_for(healthy=1)
        (before,) = await here.offers()
        for device in reversed(former.devices):
            host.vanish(device)
        await here.wait_for(healthy=0, unhealthy=1)
        plug_all_but_the_tty(host, later)
        for step in host.adding(later.main, version):
            await here.catch_up()
            assert before.id not in [offer.id for offer in await healthy(here)], f"after {step}"
        await here.wait_for(healthy=1, unhealthy=1)
        assert [offer.devices[0].host_path for offer in await healthy(here)] == [later.by_id]
