"""Which of the nodes at one place a node is, by a made-up sysfs."""

import pytest

from tests.lab import sysfs
from tests.lab.host import FakeHost
from tests.lab.records import FakeDevice, FakeNode
from tests.lab.sticks import CONTROLLER_PATH, camera, modem, serial_adapter, sound_card
from udev_device_plugin.host.siblings import place_among_siblings, siblings_in_sysfs
from udev_device_plugin.host.sysfs import nodes_below

PCI = f"{CONTROLLER_PATH}/0000:01:00.0"


def card(name: str, minor: int, *, below: str = f"{PCI}/dvb") -> FakeDevice:
    """A node of a PCI card."""
    return FakeDevice(f"{below}/{name}", "dvb", node=FakeNode(name, 212, minor))


def places(device: FakeDevice, *siblings: FakeDevice) -> tuple[int, ...]:
    listed = [one.sys_path for one in (device, *siblings)]
    return tuple(place_among_siblings(path, "dvb", listed) for path in listed)


def test_the_kernels_own_number_of_a_camera_counts(host: FakeHost) -> None:
    stick = camera()
    host.plug(stick)
    listed = [path for _, path in nodes_below(stick.devices[0].sys_path)]
    videos = [device for device in stick if device.subsystem == "video4linux"]
    assert [place_among_siblings(video.sys_path, "video4linux", listed) for video in videos] == [0, 1]
    sysfs.write(f"{videos[0].sys_path}/index", "7\n")
    assert place_among_siblings(videos[0].sys_path, "video4linux", listed) == 7


def test_a_ports_own_number_counts_whatever_its_name(host: FakeHost) -> None:
    stick = serial_adapter("ttyUSB5")
    host.plug(stick)
    port = stick.devices[2].sys_path
    for number in (0, 3):
        sysfs.write(f"{port}/port_number", f"{number}\n")
        assert place_among_siblings(stick.main.sys_path, "tty", []) == number


def test_a_sound_device_has_its_number_in_its_name() -> None:
    assert place_among_siblings("/sys/devices/x/sound/card0/pcmC0D3p", "sound", []) == 3
    assert place_among_siblings("/sys/devices/x/sound/card0/controlC0", "sound", []) == 0


@pytest.mark.parametrize("text", ["", "x\n", "-1\n"])
def test_a_number_that_is_none_is_not_taken_for_one(host: FakeHost, text: str) -> None:
    stick = camera()
    host.plug(stick)
    sysfs.write(f"{stick.main.sys_path}/index", text)
    listed = [device.sys_path for device in stick if device.subsystem == "video4linux"]
    assert place_among_siblings(stick.main.sys_path, "video4linux", listed) == 1  # its rank


def test_nodes_of_one_place_are_ranked_as_a_person_counts(host: FakeHost) -> None:
    tenth, ninth = card("x10", 1), card("x9", 0)
    for device in (tenth, ninth):
        host.plug(device)
    assert places(tenth, ninth) == (1, 0)


def test_a_node_that_is_not_listed_any_more_is_ranked_all_the_same() -> None:
    assert place_among_siblings(f"/sys{PCI}/dvb/x1", "dvb", [f"/sys{PCI}/dvb/x0"]) == 1


def test_siblings_of_a_card_are_those_whose_place_differs_in_what_is_counted_alone(host: FakeHost) -> None:
    first, second = card("x0", 0), card("x1", 1)
    elsewhere = card("x2", 2, below=f"{CONTROLLER_PATH}/0000:02:00.0/dvb")
    another, without_node = card("y0", 3), FakeDevice(f"{PCI}/dvb/x3", "dvb")
    for device in (first, second, elsewhere, another, without_node):
        host.plug(device)
    assert siblings_in_sysfs(first.sys_path) == {first.sys_path, second.sys_path}
    host.unplug(second)
    assert siblings_in_sysfs(first.sys_path) == {first.sys_path}


def test_a_node_that_is_gone_is_its_only_sibling(host: FakeHost) -> None:
    device = card("x0", 0)
    host.plug(device)
    host.unplug(device)
    assert siblings_in_sysfs(device.sys_path) == {device.sys_path}


def test_what_hangs_on_no_bus_has_no_siblings(host: FakeHost) -> None:
    twins = [FakeDevice(f"/devices/virtual/misc/x{n}", "misc", node=FakeNode(f"x{n}", 10, n)) for n in range(2)]
    for device in twins:
        host.plug(device)
    assert siblings_in_sysfs(twins[0].sys_path) == {twins[0].sys_path}


def test_all_nodes_below_a_usb_device_are_listed_but_those_of_devices_behind_it(host: FakeHost) -> None:
    hub, behind = serial_adapter("ttyUSB0", "A", "1-2"), sound_card(port="1-2.3")
    host.plug(hub)
    host.plug(behind)
    assert {path for _, path in nodes_below(hub.devices[0].sys_path)} == {one.sys_path for one in hub if one.node}
    assert {path for _, path in nodes_below(behind.devices[0].sys_path)} == {one.sys_path for one in behind if one.node}


def test_a_modems_nodes_are_listed_with_their_numbers(host: FakeHost) -> None:
    stick = modem()
    host.plug(stick)
    assert {(str(number), path) for number, path in nodes_below(stick.devices[0].sys_path)} == {
        (one.node.number, one.sys_path) for one in stick if one.node
    }
