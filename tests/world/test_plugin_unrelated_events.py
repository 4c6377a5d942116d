"""The plugin on a made-up host on which much happens that is no business of its own: passed over, never too much."""

import json
from dataclasses import replace

from tests.lab.host import FakeHost
from tests.lab.node import every, node, wait_for_metric
from tests.lab.records import FakeDevice, FakeNode
from tests.lab.sticks import serial_adapter

UEVENTS = "udev_device_plugin_uevents_total"
TTYS = every("/dev/ttyUSB*")
USB_TTYS = json.dumps({"name": "serial", "groups": [{"udev": [{"match": 'SUBSYSTEM=="tty", ENV{ID_BUS}=="usb"'}]}]})

DISK = FakeDevice(
    "/devices/virtual/block/dm-3", "block", node=FakeNode("dm-3", 253, 3, "b"), links=("disk/by-id/dm-name-data",)
)
MODEM = FakeDevice("/devices/virtual/tty/ttyX0", "tty", node=FakeNode("ttyX0", 230, 1))


async def test_events_of_all_subsystems_arrive_whatever_is_asked_for(host: FakeHost, plugin_directory: str) -> None:
    host.plug(DISK, silent=True)
    async with node(plugin_directory, TTYS) as here:
        host.storm(DISK, 100)
        await wait_for_metric(here.plugin, UEVENTS, 100, action="change")


async def test_a_device_that_nobody_asks_for_counts_once_it_claims_the_link_of_another(
    host: FakeHost, plugin_directory: str
) -> None:
    stick = serial_adapter("ttyUSB0", "A", "1-1")
    async with node(plugin_directory, TTYS) as here:
        host.plug(stick)
        host.plug(MODEM)
        await here.wait_for(healthy=1)
        (before,) = await here.offers()
        assert [device.host_path for device in before.devices] == [stick.by_id]
        host.storm(MODEM, 3)
        host.change(replace(MODEM, links=stick.main.links))
        await wait_for_metric(here.plugin, UEVENTS, 4, action="change")
        await here.catch_up()
        (after,) = await here.offers()
        assert after.id == before.id
        assert [device.host_path for device in after.devices] != [stick.by_id], "it leads to another device now"


async def test_a_device_that_was_passed_over_is_offered_once_it_is_one_that_is_asked_for(
    host: FakeHost, plugin_directory: str
) -> None:
    modem = replace(MODEM, node=FakeNode("ttyX1", 230, 2), devpath="/devices/virtual/tty/ttyX1")
    async with node(plugin_directory, USB_TTYS) as here:
        host.plug(modem)
        host.storm(modem, 3)
        await wait_for_metric(here.plugin, UEVENTS, 3, action="change")
        host.change(replace(modem, properties={"ID_BUS": "usb"}))
        await here.wait_for(healthy=1)
        host.change(modem)
        await here.wait_for(healthy=0, unhealthy=1)
