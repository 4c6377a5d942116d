"""Names of nodes and links in udev's database and events that no node can have: they cost their device, and no other.

Only root can write there; but rules are written by many, and drivers name nodes after what strangers plug in.
"""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.lab.host import FakeHost
from tests.lab.node import SERIAL, every, node
from tests.lab.records import FakeDevice, Stick
from tests.lab.sticks import serial_adapter

BY_RULE = json.dumps({"name": "serial", "groups": [{"udev": ['SUBSYSTEM=="tty"']}]})
NODES = (
    "/dev/../etc/passwd",
    "/dev/./odd",
    "/dev//odd",
    "/etc/passwd",
    "odd",
    "/dev/",
    "/dev",
    "/dev/a/../../b",
    "/dev/" + "x" * 4097,
)
LINKS = ("../etc/passwd", "./odd", "/odd", "a/../../b", "..", "x" * 4097, "serial/by-id/../../../etc")


def with_name(stick: Stick, name: str) -> Stick:
    """A stick whose node has another name in udev's database and events."""
    *parents, main = stick.devices
    return Stick((*parents, replace(main, properties={**main.properties, "DEVNAME": name})))


def claim(host: FakeHost, device: FakeDevice, link: str) -> None:
    """Have a device claim one more link in udev's database."""
    entry = Path("/run/udev/data") / device.database_name
    new = entry.with_name("new")
    new.write_text(f"S:{link}\n{entry.read_text()}")
    new.rename(entry)
    host.send("change", device, {"DEVLINKS": f"/dev/{link}"})


@pytest.mark.parametrize("spec", [BY_RULE, every("/dev/ttyUSB*")], ids=["by a rule", "by a path"])
@pytest.mark.parametrize("when", ["at the start", "later"])
async def test_names_of_nodes_that_none_can_have_cost_no_other_device(
    spec: str, when: str, host: FakeHost, plugin_directory: str
) -> None:
    odd = [
        with_name(serial_adapter(f"ttyUSB{number}", f"odd{number}", f"1-{number}"), name)
        for number, name in enumerate(NODES, 1)
    ]
    for stick in odd if when == "at the start" else ():
        host.plug(stick)
    async with node(plugin_directory, spec) as here:
        for stick in odd if when == "later" else ():
            host.plug(stick)
        good = serial_adapter("ttyUSB0", "good", "1-20")
        host.plug(good)
        await here.kubelet.wait_until(lambda kubelet: len(kubelet.resource(SERIAL).healthy) > 0)
        await here.catch_up()
        given = {device.host_path for offer in await here.offers() for device in offer.devices}
        assert good.by_id in given
        assert all(path.startswith(("/dev/", plugin_directory)) and ".." not in path for path in given)
        for stick in odd:
            host.unplug(stick)
        assert await here.plugin.terminate() == 0
        assert not here.plugin.errors


@pytest.mark.parametrize("link", LINKS, ids=[link[:30] for link in LINKS])
async def test_links_that_none_can_be_cost_no_device(link: str, host: FakeHost, plugin_directory: str) -> None:
    async with node(plugin_directory, BY_RULE) as here:
        odd = serial_adapter("ttyUSB1", "odd", "1-1")
        host.plug(odd)
        await here.wait_for(healthy=1)
        claim(host, odd.main, link)
        host.plug(serial_adapter("ttyUSB0", "good", "1-20"))
        await here.wait_for(healthy=2)
        await here.catch_up()
        assert await here.plugin.terminate() == 0
        assert not here.plugin.errors
