"""HID interfaces (`hid`): scanners, scales and the like, each known by its USB device and its interface."""

import json
import os
from dataclasses import replace

import pytest

from tests.lab.host import FakeHost
from tests.lab.listing import list_devices
from tests.lab.node import SERIAL, node
from tests.lab.records import Stick
from tests.lab.sticks import serial_adapter
from tests.world.more_sticks import KEYBOARD, keyboard, scanner
from udev_device_plugin.testing.records import ContainerStartError

SCANNER: dict[str, object] = {"vendor": "05e0", "product": "1200"}
SCANS: dict[str, object] = {**SCANNER, "usagePage": "8c"}


def hid(*entries: dict[str, object], name: str = "serial", **options: object) -> str:
    return json.dumps({"name": name, "groups": [{"hid": entries, **options}]})


async def test_each_interface_is_a_device_or_the_one_of_a_usage_page(host: FakeHost, plugin_directory: str) -> None:
    specs = (hid(SCANNER), hid(SCANS, name="scans"))
    host.plug(keyboard(2))
    async with node(plugin_directory, *specs) as here:
        host.plug(scanner())
        await here.wait_for(healthy=2)
        await here.wait_for(healthy=1, resource="squat.ai/scans")
        await here.catch_up()
        assert await here.paths() == ["/dev/hidraw0", "/dev/hidraw1"]
        (offer,) = await here.offers("squat.ai/scans")
        (device,) = offer.devices
        assert (device.container_path, device.permissions) == ("/dev/hidraw1", "rw")
        assert os.path.realpath(device.host_path) == "/dev/hidraw1", "by a link of ours, as udev has none"


async def test_it_is_the_same_in_another_port_and_under_another_number(host: FakeHost, plugin_directory: str) -> None:
    async with node(plugin_directory, hid({**SCANS, "mountPath": "/dev/scanner"})) as here:
        host.plug(scanner())
        await here.wait_for(healthy=1)
        (before,) = await here.offers()
        pod = await here.kubelet.allocate(SERIAL)
        host.unplug(scanner())
        await here.wait_for(healthy=0, unhealthy=1)
        with pytest.raises(ContainerStartError, match="usb:05e0:1200:serial=S1:"):
            await here.kubelet.start_container(pod)
        host.plug(scanner(14, port="1-6.2"))
        await here.wait_for(healthy=1)
        await here.start(pod)
        here.kubelet.release(pod)
        assert await here.offers() == (before,)
        assert before.paths == ("/dev/scanner",)
        assert os.path.realpath(before.devices[0].host_path) == "/dev/hidraw15"


async def test_clones_are_known_by_their_ports_and_by_their_interfaces(host: FakeHost, plugin_directory: str) -> None:
    async with node(plugin_directory, hid(SCANNER)) as here:
        host.plug(scanner(0, None, "1-1"))
        host.plug(scanner(2, None, "1-2"))
        await here.wait_for(healthy=4)
        ids = {offer.paths: offer.id for offer in await here.offers()}
        assert len(set(ids.values())) == 4
        host.unplug(scanner(0, None, "1-1"))
        host.unplug(scanner(2, None, "1-2"))
        await here.wait_for(healthy=0, unhealthy=4)
        host.plug(scanner(0, None, "1-2"))  # their numbers are swapped now
        host.plug(scanner(2, None, "1-1"))
        await here.wait_for(healthy=4)
        swapped = {0: "/dev/hidraw2", 1: "/dev/hidraw3", 2: "/dev/hidraw0", 3: "/dev/hidraw1"}
        assert {offer.paths: offer.id for offer in await here.offers()} == {
            (swapped[number],): ids[(f"/dev/hidraw{number}",)] for number in range(4)
        }


async def test_entries_side_by_side_mean_or_and_the_first_decides(host: FakeHost, plugin_directory: str) -> None:
    entries: tuple[dict[str, object], ...] = (
        {**SCANS, "mountPath": "/dev/scanner"},
        SCANNER,
        {"vendor": KEYBOARD.vendor, "product": KEYBOARD.product},
    )
    async with node(plugin_directory, hid(*entries, count=2)) as here:
        host.plug(scanner())
        host.plug(keyboard(2))
        await here.wait_for(healthy=8)
        assert sorted({*await here.paths()}) == ["/dev/hidraw0", "/dev/hidraw2", "/dev/hidraw3", "/dev/scanner"]


def test_what_is_not_offered_says_why(host: FakeHost) -> None:
    host.plug(scanner())
    host.plug(scanner(2, "S2", "1-5"))
    bare, *others = serial_adapter("ttyUSB0", "S3", "1-6")
    ids = {"idVendor": "05e0", "idProduct": "1200"}
    host.plug(Stick((replace(bare, attributes={**bare.attributes, **ids}), *others)))
    entries = ({**SCANS, "serial": "S1"}, {**SCANNER, "product": "1300"}, {**SCANNER, "vendor": "05e1"})
    listed = list_devices(hid(*entries, name="scans"))
    assert [match["node"] for match in listed.selector("scans", 0)["matches"]] == ["/dev/hidraw1"]
    assert listed.selector("scans", 0)["kind"] == "hid"
    assert listed.selector("scans", 0)["selector"] == "hid 05e0:1200 with serial number S1 and usage page 008c"
    assert listed.why_not("scans", 0) == {
        "/dev/hidraw0": "usage page is 0001, wanted 008c",
        "/dev/hidraw2": "serial is S2, wanted S1",
        "/dev/hidraw3": "serial is S2, wanted S1",
    }
    assert listed.why_not("scans", 1) == {f"/dev/hidraw{number}": "product is 1200, wanted 1300" for number in range(4)}
    assert listed.selector("scans", 1)["remark"] == "no HID interface matches"
    assert listed.selector("scans", 2)["remark"] == "no HID interface of the vendor 05e1 is plugged"
    misses = list_devices(hid({**SCANNER, "serial": "S3"}, name="scans")).why_not("scans")
    without_node = "it has no hidraw node: no HID interface, or none with a driver of HID's"
    assert next(iter(misses.items())) == ("1-6 (05e0:1200)", without_node)
