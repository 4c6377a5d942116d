"""What udev's database does to devices that are plugged: it may be emptied, hold odd bytes, or know a number twice."""

import json
import os
from dataclasses import replace

import pytest

from tests.lab import sysfs
from tests.lab.host import FakeHost
from tests.lab.node import SERIAL, Node, every, node, resource_of, wait_for_metric
from tests.lab.plugin import PATIENCE
from tests.lab.records import FakeNode, Stick
from tests.lab.sticks import ch340, serial_adapter
from tests.lab.udevd_steps import DATABASE

TTYS = every("/dev/ttyUSB*")
LINKS = every("/dev/serial/by-id/*")
RULE = json.dumps({"name": "rule", "groups": [{"udev": [{"match": 'SUBSYSTEM=="tty", ENV{ID_SERIAL_SHORT}=="A1B2"'}]}]})
WHOLE = json.dumps({"name": "whole", "groups": [{"usb": [{"vendor": "0403", "product": "6001", "nodes": {"tty": 1}}]}]})
RESCANS = "udev_device_plugin_rescans_total"
ODD = "caf\udce9"
"""Not UTF-8, as `surrogateescape` spells it: é in Latin-1."""


def empty_the_database() -> None:
    """As `rm /run/udev/data/*` does."""
    for entry in list(os.scandir(DATABASE)):
        os.unlink(entry.path)


async def look_again(host: FakeHost, here: Node) -> None:
    """udevd has been started anew, and everything is looked at."""
    host.hide_udevd()
    host.show_udevd()
    await wait_for_metric(here.plugin, RESCANS, 2, source="udev")
    await here.catch_up()


# Emptied.


@pytest.mark.parametrize("spec", [TTYS, LINKS, RULE, WHOLE], ids=["paths", "links", "rule", "usb"])
async def test_what_is_plugged_stays_as_it_is_when_the_database_is_emptied(
    host: FakeHost, plugin_directory: str, spec: str
) -> None:
    resource = resource_of(spec)
    async with node(plugin_directory, spec, arguments=["--removal-grace-period=0"]) as here:
        host.plug(serial_adapter())
        await here.wait_for(healthy=1, resource=resource)
        (before,) = await here.offers(resource)
        empty_the_database()
        await look_again(host, here)
        (now,) = await here.offers(resource)
        assert (now.id, now.is_healthy) == (before.id, True)
        assert now.devices == before.devices


async def test_an_event_about_what_the_database_has_lost_takes_nothing_away(
    host: FakeHost, plugin_directory: str
) -> None:
    stick = serial_adapter()
    async with node(plugin_directory, TTYS, RULE, arguments=["--removal-grace-period=0"]) as here:
        host.plug(stick)
        resources = [resource_of(spec) for spec in (TTYS, RULE)]
        for resource in resources:
            await here.wait_for(healthy=1, resource=resource)
        before = [await here.offers(resource) for resource in resources]
        empty_the_database()
        host.send("change", stick.main)
        await wait_for_metric(here.plugin, "udev_device_plugin_uevents_total", 1, action="change")
        await here.catch_up()
        assert [await here.offers(resource) for resource in resources] == before


async def test_what_is_plugged_after_the_database_was_emptied_is_known_by_its_own_entry(
    host: FakeHost, plugin_directory: str
) -> None:
    async with node(plugin_directory, TTYS) as here:
        host.plug(serial_adapter("ttyUSB0", "A", "1-2"))
        await here.wait_for(healthy=1)
        empty_the_database()
        later = serial_adapter("ttyUSB1", "B", "1-3")
        host.plug(later)
        await here.wait_for(healthy=2)
        handed_out = {offer.devices[0].host_path for offer in await here.offers()}
        assert later.by_id in handed_out


# Odd bytes.


@pytest.mark.parametrize("silent", [False, True], ids=["told by udev", "told by nobody"])
async def test_a_property_that_is_not_utf_8_costs_only_itself(
    host: FakeHost, plugin_directory: str, silent: bool
) -> None:
    *parents, tty = serial_adapter()
    stick = Stick((*parents, replace(tty, properties={"ID_ODD": ODD, **tty.properties})))
    async with node(plugin_directory, TTYS, RULE, WHOLE) as here:
        host.plug(stick, silent=silent)
        for resource in map(resource_of, (TTYS, RULE, WHOLE)):
            await here.wait_for(healthy=1, resource=resource)
            (offer,) = await here.offers(resource)
            assert offer.devices[0].host_path == stick.by_id
        assert not here.plugin.errors


@pytest.mark.parametrize("silent", [False, True], ids=["told by udev", "told by nobody"])
@pytest.mark.parametrize("what", ["serial number", "link"])
async def test_a_serial_number_or_a_link_that_is_not_utf_8_does_not_cost_its_device(
    host: FakeHost, plugin_directory: str, silent: bool, what: str
) -> None:
    *parents, tty = serial_adapter()
    if what == "link":
        odd = replace(tty, links=(f"serial/by-id/usb-{ODD}", *tty.links))
    else:
        odd = replace(tty, properties={**tty.properties, "ID_SERIAL_SHORT": ODD})
    async with node(plugin_directory, TTYS, WHOLE) as here:
        host.plug(Stick((*parents, odd)), silent=silent)
        for resource in map(resource_of, (TTYS, WHOLE)):
            await here.wait_for(healthy=1, resource=resource)
            (offer,) = await here.offers(resource)
            assert os.path.realpath(offer.devices[0].host_path) == "/dev/ttyUSB0"
        assert not here.plugin.errors


async def test_a_property_that_is_not_utf_8_is_no_reason_to_start_anew(host: FakeHost, plugin_directory: str) -> None:
    *parents, tty = serial_adapter()
    async with node(plugin_directory, TTYS) as here:
        host.plug(Stick((*parents, tty)))
        await here.wait_for(healthy=1)
        before = await here.offers()
        host.change(replace(tty, properties={**tty.properties, "ID_ODD": ODD}))
        host.plug(ch340("ttyUSB1", "1-3"))
        await here.wait_for(healthy=2)
        await here.catch_up()
        assert set(before) <= set(await here.offers())


# A number twice.


async def test_a_second_node_for_a_number_on_offer_is_no_second_device(host: FakeHost, plugin_directory: str) -> None:
    stick = serial_adapter()
    async with node(plugin_directory, TTYS) as here:
        host.plug(stick)
        await here.wait_for(healthy=1)
        before = await here.offers()
        sysfs.make_node(FakeNode("ttyUSB0-mine", 188, 0))
        await here.catch_up()
        assert await here.offers() == before
        for device in serial_adapter("ttyUSB1", "B", "1-3"):
            host.appear(device)
        await here.kubelet.wait_until(lambda kubelet: len(kubelet.resource(SERIAL).healthy) > 1, timeout=PATIENCE)
        await here.catch_up()  # as long as this one was held back, nothing that came before it is
        assert await here.paths() == ["/dev/ttyUSB0", "/dev/ttyUSB1"]
        host.change(stick.main)
        await look_again(host, here)
        assert await here.paths() == ["/dev/ttyUSB0", "/dev/ttyUSB1"]
        assert before[0] in await here.offers()
        assert here.most_listed() == 2


async def test_a_second_node_for_a_number_is_there_from_the_start(host: FakeHost, plugin_directory: str) -> None:
    stick = serial_adapter("ttyUSB5")
    host.plug(stick)
    sysfs.make_node(FakeNode("ttyUSB0-mine", 188, 5))  # the first one in every order
    async with node(plugin_directory, TTYS) as here:
        await here.wait_for(healthy=1)
        await here.catch_up()
        assert await here.paths() == [stick.devnode]
        os.unlink("/dev/ttyUSB0-mine")
        await here.catch_up()
        assert await here.paths() == [stick.devnode]
