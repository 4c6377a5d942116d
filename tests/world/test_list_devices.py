"""What `--list-devices` shows of a host, and why what almost matches is not offered."""

import json
import os
import socket
from dataclasses import replace

import pytest

from tests.lab import sysfs
from tests.lab.host import FakeHost
from tests.lab.listing import list_devices
from tests.lab.node import every, node, together
from tests.lab.records import FakeDevice, FakeNode, Stick
from tests.lab.sticks import CP2102, camera, ch340, modem, serial_adapter, sound_card
from udev_device_plugin.filesystem.own_directory import NAME as OWN_DIRECTORY

BY_ID, TTYS = "/dev/serial/by-id/*", "/dev/ttyUSB*"
MODEM = {"vendor": "2c7c", "product": "0125", "nodes": {"tty": 4, "usbmisc": 1}}
LIDAR = 'SUBSYSTEM=="tty", ATTRS{idVendor}=="10c4", ATTRS{idProduct}=="ea60"'
HOSTILE = "\x1b]0;owned\x07[bold red]x[/]\u202e"


def usb(*entries: dict[str, object], name: str = "serial") -> str:
    return json.dumps({"name": name, "groups": [{"usb": entries}]})


def udev(*matches: str, name: str = "serial") -> str:
    return json.dumps({"name": name, "groups": [{"udev": [match]} for match in matches]})


def without(stick: Stick, *names: str) -> Stick:
    """A stick that lacks these devices."""
    return Stick(tuple(device for device in stick if device.sys_name not in names))


def makings(directory: str) -> dict[str, tuple[int, int]]:
    """What is in a directory, and when it was made or changed; without ours, where the plugin goes on writing."""
    status = {name: os.lstat(f"{directory}/{name}") for name in os.listdir(directory) if name != OWN_DIRECTORY}
    return {name: (one.st_ino, one.st_mtime_ns) for name, one in status.items()}


def links_in(directory: str) -> list[str]:
    """The names of our own links."""
    return [entry.name for entry in os.scandir(f"{directory}/{OWN_DIRECTORY}") if entry.is_symlink()]


async def test_it_shows_what_the_plugin_would_offer(host: FakeHost, plugin_directory: str) -> None:
    specs = (every(TTYS, count=2), usb({**MODEM}, name="modem"), every("/dev/snd/pcm*", name="sound"))
    for stick in (serial_adapter("ttyUSB9", "A1", "1-1"), ch340("ttyUSB8", "1-2"), modem(), sound_card(port="1-6")):
        host.plug(stick)
    listed = list_devices(*specs, directory=plugin_directory)
    assert listed.code == 0, listed.errors
    async with node(plugin_directory, *specs) as here:
        for name in ("serial", "modem", "sound"):
            resource = f"squat.ai/{name}"
            offers = await here.offers(resource)
            devices = listed.resource(name)["devices"]
            assert sorted(id_ for device in devices for id_ in device["ids"]) == sorted(offer.id for offer in offers)
            assert {
                (id_, member["hostPath"], member["containerPath"])
                for device in devices
                for id_ in device["ids"]
                for member in device["members"]
            } == {(offer.id, device.host_path, device.container_path) for offer in offers for device in offer.devices}


async def test_it_changes_nothing_and_works_beside_a_plugin(host: FakeHost, plugin_directory: str) -> None:
    host.plug(sound_card())
    spec = every("/dev/snd/pcm*")
    async with node(plugin_directory, spec) as here:
        await here.wait_for(healthy=1)
        await here.catch_up()
        before = makings(plugin_directory)
        (link,) = links_in(plugin_directory)
        lists = here.lists()
        listed = list_devices(spec, directory=plugin_directory)
        (device,) = listed.resource("serial")["devices"]
        assert device["members"][0]["hostPath"] == f"{plugin_directory}/{OWN_DIRECTORY}/{link}"
        assert makings(plugin_directory) == before
        assert links_in(plugin_directory) == [link]
        await here.catch_up()
        assert here.lists() == lists


def test_a_plugin_directory_is_not_even_needed(host: FakeHost) -> None:
    host.plug(sound_card())
    listed = list_devices(every("/dev/snd/pcm*"))
    (match,) = listed.selector("serial")["matches"]
    assert match["hostPath"].startswith("/nowhere/udev-device-plugin/")
    assert match["remarks"] == [
        "udev has no link to it that lasts: the host path is a link that the plugin makes while it runs"
    ]
    assert not os.path.exists("/nowhere")


def test_rules_are_explained_by_the_term_that_does_not_fit(host: FakeHost) -> None:
    host.plug(serial_adapter("ttyUSB0", "A", "1-1"))
    host.plug(serial_adapter("ttyUSB1", "B", "1-2", product=replace(CP2102, product="ea70")))
    listed = list_devices(udev(LIDAR), output="table")
    assert "squat.ai/serial  " + LIDAR + "  not offered  ttyUSB1  ATTRS{idProduct} is ea70, wanted ea60" in listed.lines
    assert "ttyUSB0" not in listed.output, "nothing but the subsystem fits"


def test_where_two_parents_fit_a_rule_together_it_says_which_fits_what(host: FakeHost) -> None:
    host.plug(serial_adapter("ttyUSB0", "A", "1-1"))
    rule = 'SUBSYSTEM=="tty", ATTRS{idVendor}=="0403", ATTRS{serial}=="A", DRIVERS=="ftdi_sio"'
    assert list_devices(udev(rule)).why_not("serial") == {
        "ttyUSB0": "1-1 (usb) fits ATTRS{idVendor}, ATTRS{serial} and ttyUSB0 (usb-serial) fits DRIVERS,"
        " but one device must fit them all"
    }


def test_the_closest_to_a_rule_come_first_and_are_few(host: FakeHost) -> None:
    for number in range(20):
        host.plug(serial_adapter(f"ttyUSB{number}", f"S{number}", f"1-{number + 1}", product=CP2102))
    rule = 'SUBSYSTEM=="tty", ATTRS{idVendor}=="10c4", ATTRS{serial}=="S9|S7", ENV{ID_ROLE}=="console"'
    selector = list_devices(udev(rule)).selector("serial")
    assert [miss["name"] for miss in selector["misses"]][:3] == ["ttyUSB7", "ttyUSB9", "ttyUSB0"]
    assert len(selector["misses"]) == 8
    assert selector["more"] == 12


def test_a_rule_that_matches_a_device_without_a_node_says_so(host: FakeHost) -> None:
    host.plug(serial_adapter())
    listed = list_devices(udev('SUBSYSTEM=="usb-serial", DRIVER=="ftdi_sio"'))
    assert listed.why_not("serial") == {"ttyUSB0": "matches, but has no node, a device of the subsystem usb-serial"}
    assert listed.resource("serial")["devices"] == []


def test_a_rule_whose_node_is_not_there_says_so(host: FakeHost) -> None:
    host.plug(serial_adapter())
    os.unlink("/dev/ttyUSB0")
    listed = list_devices(udev('SUBSYSTEM=="tty", ENV{ID_BUS}=="usb"'))
    assert listed.why_not("serial") == {"ttyUSB0": "matches, but its node /dev/ttyUSB0 is not there"}


def test_the_wrong_subsystem_is_found_where_nothing_is_of_the_right_one(host: FakeHost) -> None:
    host.plug(serial_adapter("ttyUSB0", "A", "1-1", product=CP2102))
    listed = list_devices(udev('SUBSYSTEM=="net", KERNEL=="ttyUSB0"'))
    assert listed.selector("serial")["remark"] == "no device is of the subsystem net"
    assert {(miss["name"], miss["reason"]) for miss in listed.selector("serial")["misses"]} == {
        ("ttyUSB0", "SUBSYSTEM is tty, wanted net"),
        ("ttyUSB0", "SUBSYSTEM is usb-serial, wanted net"),
    }


def test_twins_are_told_of_on_both_sides(host: FakeHost) -> None:
    first, second = ch340("ttyUSB0", "1-1"), ch340("ttyUSB1", "1-2")
    for stick in (first, second):
        host.plug(stick)
    by_id = list_devices(every(BY_ID))
    (match,) = by_id.selector("serial")["matches"]
    assert (match["node"], match["identity"]) == ("/dev/ttyUSB1", second.by_path)
    assert match["remarks"] == [f"twin of ttyUSB0: same by-id link {first.by_id}"]
    assert by_id.why_not("serial") == {
        "/dev/ttyUSB0": f"twin of ttyUSB1: same by-id link, which leads to ttyUSB1: {first.by_id}"
    }
    both = list_devices(every(TTYS)).selector("serial")
    assert [match["identity"] for match in both["matches"]] == [first.by_path, second.by_path]
    assert both["misses"] == []


def test_cloned_serial_numbers_are_told_of(host: FakeHost) -> None:
    for number in (1, 2):
        host.plug(serial_adapter(f"ttyUSB{number}", "0001", f"1-{number}", product=CP2102))
    listed = list_devices(usb({"vendor": "10c4", "product": "ea60", "nodes": ["tty"]}))
    matches = listed.selector("serial")["matches"]
    assert [match["remarks"] for match in matches] == [
        ["twin of the stick at 1-2: same serial number 0001"],
        ["twin of the stick at 1-1: same serial number 0001"],
    ]


def test_a_stick_without_all_of_its_nodes_says_which_are_missing(host: FakeHost) -> None:
    stick = modem()
    host.plug(without(stick, "ttyUSB3", "cdc-wdm0"))
    listed = list_devices(usb({**MODEM}, name="modem"))
    assert listed.why_not("modem") == {"1-5 (2c7c:0125)": "nodes are missing, tty: 3 of 4, usbmisc: 0 of 1"}
    assert listed.selector("modem")["remark"] is None
    claimed = list_devices(
        json.dumps({"name": "modem", "groups": [{"paths": ["/dev/ttyUSB1"]}, {"usb": [MODEM]}]}),
    )
    assert claimed.why_not("modem", 1) == {
        "1-5 (2c7c:0125)": "nodes are missing, tty: 2 of 4, usbmisc: 0 of 1;"
        " /dev/ttyUSB1 already claimed by /dev/ttyUSB1"
    }


def test_a_stick_that_is_almost_meant_says_what_differs(host: FakeHost) -> None:
    host.plug(serial_adapter("ttyUSB1", "0001", "1-1"))
    listed = list_devices(
        usb(
            {"vendor": "0403", "product": "6001", "serial": "0002"},
            {"vendor": "0403", "product": "6010"},
            {"vendor": "10c4", "product": "6001"},
        )
    )
    assert listed.why_not("serial", 0) == {"1-1 (0403:6001)": "serial is 0001, wanted 0002"}
    assert listed.why_not("serial", 1) == {"1-1 (0403:6001)": "product is 6001, wanted 6010"}
    assert listed.why_not("serial", 2) == {}
    assert listed.selector("serial", 2)["remark"] == "no USB device of the vendor 10c4 is plugged"


@pytest.mark.usefixtures("host")
def test_what_is_no_node_says_what_it_is() -> None:
    sysfs.write("/dev/ttyUSBfile", "")
    os.mkdir("/dev/ttyUSBdirectory")
    os.symlink("/dev/nowhere", "/dev/ttyUSBlink")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("/dev/ttyUSBsocket")
    listed = list_devices(every(TTYS, "/dev/ttyUSBfile", "/dev/nothing", "/dev/no*"))
    assert listed.why_not("serial") == {
        "/dev/ttyUSBdirectory": "is a directory, and a glob means device nodes",
        "/dev/ttyUSBfile": "is a regular file, and a glob means device nodes",
        "/dev/ttyUSBlink": "is a link that leads nowhere",
        "/dev/ttyUSBsocket": "is a socket, and a glob means device nodes",
    }
    assert listed.why_not("serial", 1) == {"/dev/ttyUSBfile": "is a regular file"}
    assert listed.selector("serial", 2)["remark"] == "nothing stands there"
    assert listed.selector("serial", 3)["remark"] == "no path matches"


def test_what_an_earlier_selector_has_is_told_of(host: FakeHost) -> None:
    stick = serial_adapter()
    host.plug(stick)
    listed = list_devices(every(TTYS, BY_ID, name="globs"), every(TTYS, "/dev/ttyUSB0", name="literal"))
    assert listed.why_not("globs", 1) == {stick.by_id: "already claimed by /dev/ttyUSB*"}
    assert listed.why_not("literal", 0) == {"/dev/ttyUSB0": "already claimed by /dev/ttyUSB0"}


def test_a_group_without_a_required_match_says_so(host: FakeHost) -> None:
    host.plug(camera())
    spec = together("/dev/video*", "/dev/snd/controlC0", {"path": "/dev/extra", "optional": True})
    listed = list_devices(spec)
    assert listed.why_not("serial", 0) == {
        "/dev/video0": "goes together with /dev/snd/controlC0, which has no match",
        "/dev/video1": "goes together with /dev/snd/controlC0, which has no match",
    }
    remarks = [selector["remark"] for selector in listed.resource("serial")["selectors"]]
    assert remarks == [
        None,
        "nothing stands there; without it, its group offers no device",
        "nothing stands there; it is optional",
    ]


def test_a_match_without_a_partner_says_so(host: FakeHost) -> None:
    host.plug(camera())
    host.plug(sound_card())
    listed = list_devices(together("/dev/video*", "/dev/snd/controlC0"))
    assert listed.why_not("serial") == {"/dev/video1": "no match of /dev/snd/controlC0 is left to go together with"}


def test_a_match_whose_node_a_device_of_the_group_has_already_says_so(host: FakeHost) -> None:
    first, second = serial_adapter("ttyUSB0", "B", "1-1"), serial_adapter("ttyUSB1", "A", "1-2")
    for stick in (first, second):
        host.plug(stick)
    listed = list_devices(together("/dev/ttyUSB*", "/dev/serial/by-id/*"))
    assert [device["identity"] for device in listed.resource("serial")["devices"]] == [[first.by_id, second.by_id]]
    assert listed.why_not("serial") == {
        "/dev/ttyUSB1": f"is /dev/ttyUSB1, which a device of its group has already by {second.by_id}"
    }


def test_a_node_that_udevd_has_not_finished_with_says_so(host: FakeHost) -> None:
    for device in serial_adapter():
        host.appear(device)
    listed = list_devices(every(TTYS))
    assert listed.why_not("serial") == {
        "/dev/ttyUSB0": "udevd has not finished with it:"
        " offered as soon as it has, or in 3 s without what udev would know of it"
    }


def test_without_udevd_nodes_are_offered_and_it_is_said_on_stderr(host: FakeHost) -> None:
    host.hide_udevd()
    sysfs.make_node(FakeNode("ttyUSB0", 188, 0))
    listed = list_devices(every(TTYS))
    assert listed.code == 0
    (match,) = listed.selector("serial")["matches"]
    assert match["identity"] == "/dev/ttyUSB0"
    assert "/run/udev/control is not there" in listed.errors


def test_two_resources_with_one_node_are_warned_of(host: FakeHost) -> None:
    host.plug(serial_adapter())
    specs = (every(TTYS, name="one"), every(BY_ID, name="other"))
    warning = "squat.ai/one and squat.ai/other offer the same device nodes, so two pods may get them: /dev/ttyUSB0"
    listed = list_devices(*specs)
    assert json.loads(listed.output)["warnings"] == [warning]
    assert listed.errors == f"warning: {warning}\n"


def test_the_plain_table_has_a_line_for_each_thing_uncut(host: FakeHost) -> None:
    stick = serial_adapter()
    host.plug(stick)
    listed = list_devices(every(TTYS, count=3), output="table", environment={"FORCE_COLOR": "1", "COLUMNS": "20"})
    (device,) = list_devices(every(TTYS, count=3)).resource("serial")["devices"]
    heading, line = listed.lines
    assert heading == "RESOURCE         SELECTOR      STATUS   NAME          DETAILS"
    assert line == (
        f"squat.ai/serial  /dev/ttyUSB*  Healthy  /dev/ttyUSB0  ID {device['ids'][0]} and 2 more for the same device,"
        f" identity {stick.by_id}, host path {stick.by_id}, container path /dev/ttyUSB0"
    )


@pytest.mark.parametrize("output", ["table", "json"])
def test_nothing_that_a_terminal_would_obey_is_printed(output: str, host: FakeHost) -> None:
    usb_device, *others, tty = serial_adapter("ttyUSB0", HOSTILE, "1-1")
    named = replace(tty, attributes={"interface": HOSTILE}, links=(f"serial/by-id/{HOSTILE}",))
    host.plug(Stick((usb_device, *others, named)))
    sysfs.write(f"/dev/ttyUSB{HOSTILE}", "")
    os.symlink("/dev/ttyUSB0", os.fsencode("/dev/ttyUSBx") + b"\xff\x9b")
    listed = list_devices(
        every(TTYS, BY_ID),
        usb({"vendor": "0403", "product": "6001", "serial": "x"}, name="stick"),
        udev('SUBSYSTEM=="tty", KERNEL=="ttyUSB0", ATTR{interface}=="x"', name="rule"),
        output=output,
    )
    assert listed.code == 0, listed.errors
    assert "[bold red]x[/]" in listed.output
    for text in (listed.output, listed.errors):
        assert "".join(character for character in text if not character.isprintable()).strip("\n") == ""
    assert r"\xff" in listed.output


def test_a_bad_configuration_is_faults_and_2_before_anything_is_looked_at() -> None:
    listed = list_devices("{type: A, paths: [x]}", output="xml")
    assert listed.code == 2
    assert listed.output == ""
    assert len(listed.errors.splitlines()) == 3


def test_its_variables_do_what_its_flags_do(host: FakeHost) -> None:
    host.plug(FakeDevice("/devices/virtual/misc/fuse", "misc", node=FakeNode("fuse", 10, 229)))
    listed = list_devices(
        every("/dev/fuse", name="fuse"),
        output="json",
        environment={"UDEV_DEVICE_PLUGIN_LIST_DEVICES": "true", "UDEV_DEVICE_PLUGIN_OUTPUT": "table"},
    )
    assert listed.selector("fuse")["matches"][0]["hostPath"] == "/dev/fuse", "a flag goes before a variable"
