"""Devices by what they are: whole sticks (`usb`), and whatever a udev rule matches (`udev`)."""

import json
import os
import re
from dataclasses import replace

import pytest

from tests.lab.host import FakeHost
from tests.lab.listing import list_devices
from tests.lab.node import SERIAL, node
from tests.lab.records import FakeDevice, Stick
from tests.lab.sticks import CP2102, ch340, modem, serial_adapter
from udev_device_plugin.testing.records import ContainerStartError, Mount

MODEM: dict[str, object] = {"vendor": "2c7c", "product": "0125", "nodes": {"tty": 4, "usbmisc": 1}}


def usb(*entries: dict[str, object], name: str = "serial") -> str:
    return json.dumps({"name": name, "groups": [{"usb": entries}]})


def udev(*matches: str, name: str = "serial", **options: object) -> str:
    return json.dumps({"name": name, "groups": [{"udev": [{"match": match, **options} for match in matches]}]})


def nodes(stick: Stick) -> list[FakeDevice]:
    """A stick's devices with a node, without its raw one."""
    return [device for device in stick if device.node and device.subsystem != "usb"]


async def test_a_stick_is_its_raw_node_if_nothing_else_is_asked_for(host: FakeHost, plugin_directory: str) -> None:
    async with node(plugin_directory, usb({"vendor": "10c4", "product": "ea60", "serial": "0001"})) as here:
        for stick in (
            serial_adapter("ttyUSB0", "0002", "1-1", product=CP2102),
            serial_adapter("ttyUSB1", "0001", "1-2"),
            serial_adapter("ttyUSB2", "0001", "1-3", product=CP2102),
        ):
            host.plug(stick)
        await here.wait_for(healthy=1)
        await here.catch_up()
        (offer,) = await here.offers()
        assert offer.nodes == ("/dev/bus/usb/001/004",), "by a link of ours, as udev has none"
        (device,) = offer.devices
        assert device.permissions == "rw"


async def test_a_raw_node_is_given_beside_the_bus_so_that_libusb_finds_it_under_its_number_of_the_moment(
    host: FakeHost, plugin_directory: str
) -> None:
    entry: dict[str, object] = {"vendor": "10c4", "product": "ea60"}
    entries: dict[str, dict[str, object]] = {
        "plain": entry,
        "asked": {**entry, "bus": True, "nodes": {"tty": 1, "usb": 1}},
        "bare": {**entry, "bus": False},
        "elsewhere": {**entry, "mountPath": "/dev/stick/"},
        "named": {**entry, "nodes": {"usb": 1}},
    }
    for number in (0, 1):
        host.plug(serial_adapter(f"ttyUSB{number}", f"000{number}", f"1-{number + 1}", product=CP2102))
    specs = [usb(entry, name=name) for name, entry in entries.items()]
    async with node(plugin_directory, *specs) as here:
        bus = (Mount("/dev/bus/usb", "/dev/bus/usb", read_only=True),)
        given = {}
        for name in entries:
            first, second = await here.offers(f"squat.ai/{name}")
            assert first.mounts == second.mounts
            assert not {*first.paths} & {*second.paths}
            given[name] = [re.sub("serial-0000.*", "…", path) for path in first.paths], first.mounts
        assert given == {
            "plain": (["/dev/udev-device-plugin/usb-10c4-ea60-…"], bus),
            "asked": (["/dev/ttyUSB0", "/dev/udev-device-plugin/usb-10c4-ea60-…"], bus),
            "bare": (["/dev/bus/usb/001/002"], ()),
            "elsewhere": (["/dev/stick/002"], ()),
            "named": (["/dev/bus/usb/001/002"], ()),
        }
        both = (await here.kubelet.allocate("squat.ai/plain", count=2)).response
        assert (both.mounts, len(both.devices)) == (bus, 2), "the bus once"
        assert both.envs["UDEV_RESOURCE_SQUAT_AI_PLAIN"].split(",") == [one.container_path for one in both.devices]
    listed = list_devices(*specs[:3])
    remark = "a container gets /dev/bus/usb, too, read-only: libusb opens the node there"
    remarked = {name: remark in listed.selector(name)["matches"][-1]["remarks"] for name in ("plain", "asked", "bare")}
    assert remarked == {"plain": True, "asked": True, "bare": False}


async def test_a_modem_is_offered_once_it_is_complete_and_is_unhealthy_when_one_node_goes(
    host: FakeHost, plugin_directory: str
) -> None:
    stick = modem()
    *others, last = nodes(stick)
    async with node(plugin_directory, usb(MODEM)) as here:
        host.plug(Stick(tuple(device for device in stick if device is not last)))
        await here.catch_up()
        assert await here.offers() == ()
        host.plug(last)
        await here.wait_for(healthy=1)
        (offer,) = await here.offers()
        assert offer.paths == ("/dev/ttyUSB0", "/dev/ttyUSB1", "/dev/ttyUSB2", "/dev/ttyUSB3", "/dev/cdc-wdm0")
        pod = await here.kubelet.allocate(SERIAL)
        assert pod.response.envs["UDEV_RESOURCE_SQUAT_AI_SERIAL"] == ",".join(offer.paths)
        host.unplug(others[1])
        await here.wait_for(healthy=0, unhealthy=1)
        with pytest.raises(ContainerStartError, match="usb:2c7c:0125:serial=0123456789 is unplugged since"):
            await here.kubelet.start_container(pod)
        host.plug(others[1])
        await here.wait_for(healthy=1)
        await here.start(pod)
        assert here.most_listed() == 1


async def test_two_identical_modems_are_two_devices(host: FakeHost, plugin_directory: str) -> None:
    async with node(plugin_directory, usb(MODEM)) as here:
        host.plug(modem(0, None, "1-5"))
        host.plug(modem(4, None, "1-6", wdm=1))
        await here.wait_for(healthy=2)
        first, second = await here.offers()
        assert not {*first.paths} & {*second.paths}
        assert len(first.paths) == len(second.paths) == 5


@pytest.mark.parametrize("serial", ["0123456789", None], ids=["by serial number", "by port"])
async def test_a_stick_that_was_enumerated_anew_is_the_same_by_the_same_paths(
    host: FakeHost, plugin_directory: str, serial: str | None
) -> None:
    async with node(plugin_directory, usb(MODEM)) as here:
        before = modem(0, serial)
        host.plug(before)
        await here.wait_for(healthy=1)
        pod = await here.kubelet.allocate(SERIAL)
        host.unplug(before)
        await here.wait_for(healthy=0, unhealthy=1)
        host.plug(modem(8, serial, "1-5" if serial is None else "1-7", wdm=3))
        await here.wait_for(healthy=1)
        (offer,) = await here.offers()
        assert offer.id in pod.ids
        await here.start(pod)
        found = [os.path.realpath(device.host_path) for device in pod.response.devices]
        assert found == [*(f"/dev/ttyUSB{number}" for number in range(8, 12)), "/dev/cdc-wdm3"]


async def test_without_numbers_a_stick_is_what_it_shows_until_it_is_quiet(
    host: FakeHost, plugin_directory: str
) -> None:
    async with node(plugin_directory, usb({**MODEM, "nodes": ["tty"]})) as here:
        stick = modem()
        ttys = nodes(stick)[:4]
        host.plug(Stick(tuple(device for device in stick if device not in ttys)))
        for tty in ttys:
            host.plug(tty)
        await here.wait_for(healthy=1)
        (offer,) = await here.offers()
        assert offer.paths == tuple(tty.node.path for tty in ttys if tty.node)
        host.unplug(ttys[3])
        await here.wait_for(healthy=0, unhealthy=1)
        host.plug(ttys[3])
        await here.wait_for(healthy=1)


async def test_a_stick_that_is_there_at_the_start_is_offered_by_the_first_list(
    host: FakeHost, plugin_directory: str
) -> None:
    host.plug(modem())
    async with node(plugin_directory, usb({**MODEM, "nodes": ["tty"]})) as here:
        assert next(len(message.devices) for message in here.kubelet.history if message.resource == SERIAL) == 1


async def test_serial_numbers_that_differ_in_their_last_character_are_two(
    host: FakeHost, plugin_directory: str
) -> None:
    async with node(plugin_directory, usb({"vendor": "1a86", "product": "7523", "nodes": {"tty": 1}})) as here:
        for number, last in enumerate("ab"):
            stick, *others = ch340(f"ttyUSB{number}", f"1-{number + 1}")
            serial = "漢" * 125 + last  # as long as a USB string can be: 376 bytes
            host.plug(Stick((replace(stick, attributes={**stick.attributes, "serial": serial}), *others)))
        await here.wait_for(healthy=2)
        status, page = await here.plugin.get("/devices")
        assert status == 200
        found = {json.dumps(device["identity"]) for one in json.loads(page)["resources"] for device in one["devices"]}
        assert sum(":serial=" in identity for identity in found) == 2


async def test_a_clone_of_a_stick_is_known_by_its_port(host: FakeHost, plugin_directory: str) -> None:
    entry: dict[str, object] = {"vendor": "0403", "product": "6001", "nodes": {"tty": 1}}
    async with node(plugin_directory, usb(entry)) as here:
        first, clone = serial_adapter("ttyUSB0", "0001", "1-1"), serial_adapter("ttyUSB1", "0001", "1-2")
        host.plug(first)
        await here.wait_for(healthy=1)
        (before,) = await here.offers()
        host.plug(clone)
        await here.wait_for(healthy=2)
        ends = {offer.id: os.path.realpath(offer.devices[0].host_path) for offer in await here.offers()}
        assert ends[before.id] == "/dev/ttyUSB0"
        assert sorted(ends.values()) == ["/dev/ttyUSB0", "/dev/ttyUSB1"]


async def test_a_rule_selects_nodes_by_what_udev_knows_of_them(host: FakeHost, plugin_directory: str) -> None:
    rule = 'SUBSYSTEM=="tty", ATTRS{idVendor}=="10c4", ATTRS{idProduct}=="ea60"'
    async with node(plugin_directory, udev(rule, mountPath="/dev/lidar")) as here:
        lidar = serial_adapter("ttyUSB1", "L1", "1-2", product=CP2102)
        host.plug(serial_adapter("ttyUSB0", "A", "1-1"))
        host.plug(lidar)
        await here.wait_for(healthy=1)
        await here.catch_up()
        (offer,) = await here.offers()
        assert (offer.paths, offer.devices[0].host_path) == (("/dev/lidar",), lidar.by_id)
        host.unplug(lidar)
        await here.wait_for(healthy=0, unhealthy=1)
        host.plug(serial_adapter("ttyUSB5", "L1", "1-3", product=CP2102))
        await here.wait_for(healthy=1)
        assert (await here.offers())[0].id == offer.id


async def test_a_device_that_changes_so_that_its_rule_matches_is_offered(host: FakeHost, plugin_directory: str) -> None:
    async with node(plugin_directory, udev('SUBSYSTEM=="tty", ENV{ID_ROLE}=="console"')) as here:
        *others, tty = serial_adapter()
        host.plug(Stick((*others, tty)))
        await here.catch_up()
        assert await here.offers() == ()
        host.change(replace(tty, properties={**tty.properties, "ID_ROLE": "console"}))
        await here.wait_for(healthy=1)
        host.change(tty)
        await here.wait_for(healthy=0, unhealthy=1)


async def test_one_node_is_one_device_however_many_selectors_reach_it(host: FakeHost, plugin_directory: str) -> None:
    spec = json.dumps(
        {
            "name": "serial",
            "groups": [
                {"udev": [{"match": 'SUBSYSTEM=="tty", ENV{ID_BUS}=="usb"', "mountPath": "/dev/by-rule"}]},
                {"usb": [{"vendor": "0403", "product": "6001", "nodes": ["tty"]}]},
                {"paths": [{"path": "/dev/ttyUSB*"}]},
            ],
        }
    )
    async with node(plugin_directory, spec) as here:
        host.plug(serial_adapter())
        await here.wait_for(healthy=1)
        await here.catch_up()
        (offer,) = await here.offers()
        assert offer.paths == ("/dev/by-rule",)


async def test_sticks_and_rules_are_found_where_udevs_events_do_not_arrive(
    host: FakeHost, plugin_directory: str
) -> None:
    rule = udev('SUBSYSTEM=="tty", ATTRS{idVendor}=="1a86"', name="rule")
    async with node(plugin_directory, usb(MODEM), rule) as here:
        stick = modem()
        for thing in (stick, ch340("ttyUSB9", "1-1")):
            host.plug(thing, silent=True)
        await here.wait_for(healthy=1)
        await here.wait_for(healthy=1, resource="squat.ai/rule")
        host.unplug(stick, silent=True)
        await here.wait_for(healthy=0, unhealthy=1)
