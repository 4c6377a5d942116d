"""What a spec excludes is never offered, however it is selected, and in every spelling of a spec."""

import json
import os
from typing import Any

import pytest

from tests.lab.host import FakeHost
from tests.lab.listing import list_devices
from tests.lab.node import SERIAL, node, wait_until_listed
from tests.lab.plugin import PluginProcess
from tests.lab.sticks import CP2102, FT232R, ch340, modem, serial_adapter
from tests.world.more_sticks import keyboard, scanner
from udev_device_plugin.testing.kubelet import Kubelet

CONSOLE = serial_adapter("ttyUSB0", "CONSOLE", "1-1")
OTHERS = (serial_adapter("ttyUSB1", "A1B2", "1-2"), serial_adapter("ttyUSB2", "0001", "1-3", product=CP2102))
USB = {"vendor": FT232R.vendor, "product": FT232R.product}
TTYS = {"type": "serial", "paths": ["/dev/ttyUSB*"]}

EXCLUSIONS: dict[str, dict[str, Any]] = {
    "its path": {"path": "/dev/ttyUSB0"},
    "a glob of its links": {"path": "/dev/serial/by-id/*CONSOLE*"},
    "its stick": {"usb": {**USB, "serial": "CONSOLE"}},
    "a rule": {"udev": 'SUBSYSTEM=="tty", ATTRS{serial}=="CONSOLE"'},
}

SPELLINGS: dict[str, dict[str, Any]] = {
    "globs": TTYS,
    "literal paths": {"type": "serial", "paths": ["/dev/ttyUSB0", "/dev/ttyUSB1", "/dev/ttyUSB2"]},
    "links": {"type": "serial", "paths": ["/dev/serial/by-id/*"]},
    "groups": {"name": "serial", "groups": [{"paths": ["/dev/ttyUSB*"]}]},
    "sticks": {
        "name": "serial",
        "groups": [
            {"usb": [{**USB, "nodes": ["tty"]}, {"vendor": CP2102.vendor, "product": CP2102.product, "nodes": ["tty"]}]}
        ],
    },
    "rules": {"name": "serial", "groups": [{"udev": ['SUBSYSTEM=="tty", ENV{ID_BUS}=="usb"']}]},
}


def excluding(spec: dict[str, Any], *exclusions: dict[str, Any]) -> str:
    return json.dumps({**spec, "exclude": exclusions})


def named(spec: dict[str, Any], name: str) -> dict[str, Any]:
    return {**spec, "type" if "type" in spec else "name": name}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_it_is_not_offered(host: FakeHost, spelling: dict[str, Any]) -> None:
    for stick in (CONSOLE, *OTHERS):
        host.plug(stick)
    without = [excluding(named(spelling, f"no{n}"), exclusion) for n, exclusion in enumerate(EXCLUSIONS.values())]
    listed = list_devices(json.dumps(spelling), *without)

    def nodes(name: str) -> list[str]:
        return sorted(device["members"][0]["node"] for device in listed.resource(name)["devices"])

    assert nodes("serial") == ["/dev/ttyUSB0", "/dev/ttyUSB1", "/dev/ttyUSB2"]
    for name in ("no0", "no1", "no2", "no3"):
        assert nodes(name) == ["/dev/ttyUSB1", "/dev/ttyUSB2"]
    assert listed.output.count("is excluded by") >= len(EXCLUSIONS)


async def test_it_is_not_offered_for_a_moment_either(host: FakeHost, plugin_directory: str) -> None:
    specs = [
        excluding({**TTYS, "type": name, "paths": [path]}, exclusion)
        for path in ("/dev/ttyUSB0", "/dev/ttyUSB*")
        for name, exclusion in (
            (f"by-{kind}{'-literal' * ('*' not in path)}", exclusion)
            for kind, exclusion in zip(("path", "link", "usb", "udev"), EXCLUSIONS.values(), strict=True)
        )
    ]
    async with node(plugin_directory, *specs, json.dumps(TTYS)) as here:
        for _ in range(3):
            host.plug(CONSOLE)
            await here.wait_for(healthy=1)
            host.unplug(CONSOLE)
            await here.wait_for(healthy=0, unhealthy=1)
        await here.catch_up()
        listed = {message.resource for message in here.kubelet.history if message.devices}
        assert listed == {SERIAL, "squat.ai/landmarks"}


async def test_what_takes_its_place_is_not_offered_before_it_is_known_to_be_another(
    host: FakeHost, plugin_directory: str
) -> None:
    literal = {"type": "serial", "paths": ["/dev/ttyUSB0"]}
    async with node(plugin_directory, excluding(literal, EXCLUSIONS["its stick"])) as here:
        other = serial_adapter("ttyUSB0", "OTHER", "1-4")
        host.plug(other)
        await here.wait_for(healthy=1)
        lists = len(here.kubelet.history)
        with here.plugin.suspended():
            host.unplug(other)
            host.plug(CONSOLE)
        await here.wait_for(healthy=0, unhealthy=1)
        await here.catch_up()
        later = [message for message in here.kubelet.history[lists:] if message.resource == SERIAL]
        assert not any(device.is_healthy for message in later for device in message.devices)


async def test_what_a_link_or_a_property_may_exclude_is_not_offered_before_udevd_is_done_with_it(
    host: FakeHost, plugin_directory: str
) -> None:
    host.hide_udevd()
    rule = {"udev": 'ENV{ID_SERIAL_SHORT}=="CONSOLE"'}
    exclusions = {"link": EXCLUSIONS["a glob of its links"], "rule": rule}
    specs = [excluding({**TTYS, "type": name}, one) for name, one in exclusions.items()]
    async with node(plugin_directory, *specs, json.dumps(TTYS)) as here:
        for stick in (CONSOLE, OTHERS[0]):
            for device in stick:
                host.appear(device)
        await here.wait_for(healthy=2)
        await here.catch_up()
        assert not any(here.kubelet.resource(f"squat.ai/{name}").devices for name in exclusions)
        for stick in (CONSOLE, OTHERS[0]):
            for device in stick:
                host.finish(device, silent=True)
        for name in exclusions:
            await here.kubelet.wait_for_devices(f"squat.ai/{name}", healthy=1)
        later = [one for one in here.kubelet.history if one.resource in {f"squat.ai/{name}" for name in exclusions}]
        assert max(len(one.devices) for one in later) == 1


def test_a_node_that_only_udev_could_say_is_excluded_says_so(host: FakeHost) -> None:
    host.hide_udevd()
    for device in CONSOLE:
        host.appear(device)
    listed = list_devices(excluding(TTYS, EXCLUSIONS["a glob of its links"]))
    assert listed.why_not("serial") == {
        "/dev/ttyUSB0": "may be excluded by a link or a property that udevd has not announced: offered once it has"
    }


@pytest.mark.parametrize("kind", ["usb", "hid"])
def test_by_stick_or_hid_interface_every_node_of_the_usb_device_is_excluded(host: FakeHost, kind: str) -> None:
    host.plug(scanner())
    host.plug(keyboard(4))
    every = {"type": "all", "paths": ["/dev/hidraw*", "/dev/input/event*", "/dev/bus/usb/*/*"]}
    device: dict[str, Any] = {"vendor": "05e0", "product": "1200"}
    exclusion = {kind: {**device, "usagePage": "8c"} if kind == "hid" else device}
    raw = {"type": "raw", "paths": ["/dev/bus/usb/001/005"]}
    listed = list_devices(excluding(every, exclusion), excluding(raw, exclusion))
    named = f"{kind} 05e0:1200" + (" with usage page 008c" if kind == "hid" else "")
    assert len(listed.resource("all")["devices"]) == 7
    assert {**listed.why_not("all", 0), **listed.why_not("all", 2), **listed.why_not("raw")} == dict.fromkeys(
        ("/dev/hidraw0", "/dev/hidraw1", "/dev/bus/usb/001/005"), f"is excluded by {named}"
    )


def test_another_usage_page_excludes_nothing_and_that_is_said(host: FakeHost) -> None:
    host.plug(scanner())
    listed = list_devices(
        excluding(
            {"type": "hid", "paths": ["/dev/hidraw*"]},
            {"hid": {"vendor": "05e0", "product": "1200", "usagePage": "8d"}},
            {"path": "/dev/ttyS0"},
        )
    )
    assert len(listed.resource("hid")["devices"]) == 2
    assert [line for line in listed.errors.splitlines() if line.startswith("warning")] == [
        "warning: squat.ai/hid: nothing is excluded by hid 05e0:1200 with usage page 008d: it matches nothing here now",
        "warning: squat.ai/hid: nothing is excluded by /dev/ttyS0: it matches nothing here now",
    ]


def test_a_stick_of_which_a_node_is_excluded_says_so(host: FakeHost) -> None:
    host.plug(modem())
    spec = {"name": "lte", "groups": [{"usb": [{"vendor": "2c7c", "product": "0125", "nodes": {"tty": 4}}]}]}
    assert list_devices(excluding(spec, {"path": "/dev/ttyUSB1"})).why_not("lte") == {
        "1-5 (2c7c:0125)": "nodes are missing, tty: 3 of 4; /dev/ttyUSB1 is excluded by /dev/ttyUSB1"
    }


def test_a_directory_is_not_offered_where_something_is_excluded(host: FakeHost) -> None:
    host.plug(CONSOLE)
    spec = {"type": "serial", "paths": ["/dev/serial"]}
    assert len(list_devices(json.dumps(spec)).resource("serial")["devices"]) == 1
    assert list_devices(excluding(spec, {"path": "/dev/ttyUSB0"})).why_not("serial") == {
        "/dev/serial": "is a directory, with which a container would get what is excluded, too: name the nodes in it"
    }


async def test_another_exclusion_takes_effect_with_a_reload(
    host: FakeHost, plugin_directory: str, tmp_path: os.PathLike[str]
) -> None:
    file = os.path.join(tmp_path, "config.yaml")

    def write(*exclusions: dict[str, Any]) -> None:
        with open(f"{file}.new", "w") as new:
            new.write(json.dumps({"devices": [{**TTYS, **({"exclude": exclusions} if exclusions else {})}]}))
        os.replace(f"{file}.new", file)

    for stick in (CONSOLE, ch340("ttyUSB5", "1-5")):
        host.plug(stick)
    write()
    plugin = PluginProcess("--config", file, "--plugin-directory", plugin_directory, "--listen", "")
    async with Kubelet(plugin_directory) as kubelet, plugin:
        await wait_until_listed(kubelet, json.dumps(TTYS))
        await kubelet.wait_for_devices(SERIAL, healthy=2)
        write(EXCLUSIONS["its stick"])
        await kubelet.wait_until(lambda kubelet: len(kubelet.resource(SERIAL).healthy) == 1)
        write(EXCLUSIONS["a rule"], {"path": "/dev/ttyUSB5"})
        await kubelet.wait_until(lambda kubelet: not kubelet.resource(SERIAL).healthy)
        write()
        await kubelet.wait_for_devices(SERIAL, healthy=2)
