"""The plugin on a made-up host: events that are incomplete, malformed or full of odd bytes hurt nobody.

Only root can send them; but drivers name devices after what strangers plug in, and the host's udevd may be newer than
the libudev that reads its events.
"""

from collections.abc import Mapping

import pytest

from tests.lab.host import FakeHost
from tests.lab.netlink import Injector, datagram
from tests.lab.node import Node, every, metric, node, wait_for_metric
from tests.lab.sticks import serial_adapter

TTYS = every("/dev/ttyUSB*")
UEVENTS = "udev_device_plugin_uevents_total"
DEVICE = {"SUBSYSTEM": "tty", "DEVPATH": "/devices/virtual/tty/odd"}
NODE = {**DEVICE, "DEVNAME": "/dev/odd", "MAJOR": "188", "MINOR": "99"}

INCOMPLETE: tuple[Mapping[str, str], ...] = (
    {"ACTION": "add", **DEVICE},
    {"ACTION": "remove", **DEVICE},
    {"ACTION": "add", **DEVICE, "DEVNAME": "/dev/odd"},
    {"ACTION": "add", **DEVICE, "MAJOR": "188", "MINOR": "99"},
    {"ACTION": "add", **DEVICE, "MAJOR": "188", "DEVNAME": "/dev/odd"},
    {"ACTION": "move", **NODE},
    {"ACTION": "move", **NODE, "DEVPATH_OLD": "/devices/nowhere"},
    {"ACTION": "move", **NODE, "DEVPATH_OLD": ""},
    {**NODE},
    {"ACTION": "add"},
    {"ACTION": "add", "SUBSYSTEM": "tty", "DEVNAME": "/dev/odd", "MAJOR": "188", "MINOR": "99"},
)
WRONG: tuple[Mapping[str, str], ...] = (
    {"ACTION": "", **NODE},
    {"ACTION": "explode", **NODE},  # what an action that libudev does not know yet looks like
    {"ACTION": "add", **NODE, "MAJOR": "none"},
    {"ACTION": "add", **NODE, "MAJOR": "99999999999999999999"},
    {"ACTION": "add", **NODE, "DEVNAME": "no/absolute/path"},
    {"ACTION": "add", **NODE, "DEVNAME": "/dev/new\nline\tand \x1b[31mcolour"},
    {"ACTION": "add", **NODE, "DEVLINKS": "relative /dev//double/ /dev/../etc /etc/passwd /dev/ttyUSB*"},
    {"ACTION": "add", "DEVPATH": "/devices/../../etc", "SUBSYSTEM": "tty"},
    {"ACTION": "add", "DEVPATH": "/", "SUBSYSTEM": "tty"},
    {"ACTION": "add", **NODE, "LONG": "x" * 100_000},
)
NO_EVENTS = {
    "zero": b"\0",
    "magic alone": b"libudev\0",
    "wrong header": b"libudev\0" + b"\xff" * 100,
    "the kernel's form": b"add@/devices/virtual/tty/odd\0ACTION=add\0DEVPATH=/devices/virtual/tty/odd\0",
    "long rubbish": b"\xff" * 9000,
}


async def expect_unhurt(host: FakeHost, here: Node) -> None:
    """The next stick arrives by its events too, and nobody started anew."""
    host.plug(serial_adapter())
    await here.wait_for(healthy=1)
    await wait_for_metric(here.plugin, UEVENTS, 3, action="bind")
    assert await metric(here.plugin, "udev_device_plugin_rescans_total", source="udev") == 1
    assert (await here.plugin.get("/healthz"))[0] == 200
    assert not here.plugin.errors


@pytest.mark.parametrize("events", [INCOMPLETE, WRONG], ids=["incomplete", "wrong"])
async def test_events_that_make_no_sense_do_no_harm(
    host: FakeHost, plugin_directory: str, events: tuple[Mapping[str, str], ...]
) -> None:
    async with node(plugin_directory, TTYS) as here:
        for properties in events:
            host.send_properties(properties)
        await expect_unhurt(host, here)


@pytest.mark.parametrize("action", ["add", "remove", "move", "change"])
async def test_names_that_are_not_utf_8_do_no_harm(
    host: FakeHost, injector: Injector, plugin_directory: str, action: str
) -> None:
    properties = {"SEQNUM": "1", "USEC_INITIALIZED": "1", "ACTION": action, **NODE, "DEVPATH_OLD": "/devices/old"}
    async with node(plugin_directory, TTYS) as here:
        for key in ("DEVNAME", "DEVLINKS", "DEVPATH", "DEVPATH_OLD", "SUBSYSTEM", "ID_SERIAL", "DRIVER"):
            message = datagram({**properties, key: properties.get(key, "/dev/link") + "??"})
            injector.send_raw(message.replace(b"??", b"\xff\xfe"))
        await expect_unhurt(host, here)


async def test_datagrams_that_are_no_events_do_no_harm(
    host: FakeHost, injector: Injector, plugin_directory: str
) -> None:
    whole = datagram({"SEQNUM": "1", "USEC_INITIALIZED": "1", "ACTION": "add", **NODE})
    async with node(plugin_directory, TTYS) as here:
        for message in NO_EVENTS.values():
            injector.send_raw(message)
        for length in range(1, len(whole)):
            injector.send_raw(whole[:length])
        await expect_unhurt(host, here)


async def test_an_event_that_lies_about_a_stick_does_not_change_it(host: FakeHost, plugin_directory: str) -> None:
    async with node(plugin_directory, TTYS) as here:
        stick = serial_adapter("ttyUSB1", "B", "1-2")
        host.plug(stick)
        await here.wait_for(healthy=1)
        before = await here.offers()
        host.send("add", stick.main, {"DEVNAME": "/dev/ttyUSB7", "MINOR": "7", "DEVLINKS": "/dev/ttyUSB8"})
        await wait_for_metric(here.plugin, UEVENTS, 5, action="add")
        await here.catch_up()
        assert await here.offers() == before
