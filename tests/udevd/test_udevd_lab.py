"""A real udevd and true hotplug, looked at with the real pyudev: what the other tests here stand on."""

import os
from collections.abc import Callable

import pytest
import pyudev

from tests.lab.hotplug import LoopDevices, MacvtapSticks, announce, describe
from tests.lab.monitor import Ear
from tests.lab.udevd import Udevd


@pytest.mark.parametrize("number", range(5))
def test_a_plug_yields_node_links_and_properties(sticks: MacvtapSticks, number: int) -> None:
    ear = Ear("macvtap")
    stick = sticks.plug(number)
    event = ear.next()
    assert (event.action, event.device_node) == ("add", stick.devnode)
    assert set(event.device_links) == {stick.by_id, stick.by_path}
    assert os.path.realpath(stick.by_id) == os.path.realpath(stick.by_path) == stick.devnode
    assert event.properties["ID_SERIAL_SHORT"] == f"A1B2C3{4200 + number}"
    assert ear.enumerated("macvtap", ID_VENDOR_ID="0403") == [stick.devnode]


def test_an_unplug_is_announced_and_leaves_nothing(sticks: MacvtapSticks, udevd: Udevd) -> None:
    stick = sticks.plug(7)
    udevd.settle()
    ear = Ear("macvtap")
    sticks.unplug(7)
    event = ear.next()
    assert (event.action, event.device_node) == ("remove", stick.devnode)
    assert stick.by_id in event.device_links
    # The links' directory may be there for a moment longer.
    assert not any(map(os.path.lexists, (stick.devnode, stick.by_id, stick.by_path)))


def test_twins_claim_one_link_and_it_leads_to_one_that_is_there(sticks: MacvtapSticks, udevd: Udevd) -> None:
    first, second = sticks.plug(50), sticks.plug(51)
    udevd.settle()
    assert first.by_id == second.by_id
    held = os.path.realpath(first.by_id)
    assert held in (first.devnode, second.devnode)
    sticks.unplug(50 if held == first.devnode else 51)
    udevd.settle()
    assert {held, os.path.realpath(first.by_id)} == {first.devnode, second.devnode}


def test_a_node_is_there_before_udevd_has_been_at_work(sticks: MacvtapSticks, udevd: Udevd) -> None:
    ear = Ear("macvtap")
    with udevd.holding_its_queue():
        stick = sticks.plug(8)
        assert os.path.exists(stick.devnode)
        assert not os.path.lexists(stick.by_id)
        assert not pyudev.Devices.from_device_file(ear.context, stick.devnode).is_initialized
    assert ear.next().device_node == stick.devnode
    assert os.path.exists(stick.by_id)


@pytest.mark.usefixtures("udevd")
def test_a_device_that_stays_can_be_announced() -> None:
    mode, ear = os.stat("/dev/tty62").st_mode, Ear("tty")
    announce("add")
    event = ear.next()
    assert (event.action, event.sys_name) == ("add", "tty62")
    assert event.properties["ID_SERIAL_SHORT"] == "TTY62"
    announce("remove")
    assert ear.next().action == "remove"
    assert os.stat("/dev/tty62").st_mode == mode


@pytest.mark.usefixtures("udevd")
def test_an_announcement_can_carry_properties() -> None:
    ear = Ear("tty")
    announce("change", properties={"REASON": "test"})
    assert ear.next().properties["SYNTH_ARG_REASON"] == "test"
    announce("remove")
    ear.next()


def test_block_devices_come_and_go(loops: LoopDevices) -> None:
    ear = Ear("block")
    node = loops.add(0)
    event = ear.next()
    assert (event.action, event.device_node) == ("add", node)
    assert os.path.realpath("/dev/serial/by-id/usb-lab_loop1420") == node
    loops.remove(0)
    assert ear.next().action == "remove"
    assert not os.path.exists(node)


def test_only_our_own_rules_are_read(udevd: Udevd) -> None:
    report = udevd.udevadm("test", "/sys/class/tty/tty62")
    assert "udev-default" not in report
    directories = ("/etc/udev/rules.d", "/usr/lib/udev/rules.d", "/lib/udev/rules.d")
    assert not any(os.listdir(path) for path in directories if os.path.exists(path))


@pytest.mark.parametrize("end", [Udevd.kill, Udevd.stop], ids=["killed", "stopped"])
def test_while_udevd_is_down_sticks_have_no_links_and_nobody_hears_of_them(
    sticks: MacvtapSticks, udevd: Udevd, end: Callable[[Udevd], None]
) -> None:
    ear = Ear("macvtap")
    end(udevd)
    assert not udevd.is_running()
    stick = sticks.plug(9)
    assert os.path.exists(stick.devnode)
    assert not os.path.lexists(stick.by_id)
    assert ear.hears_nothing
    udevd.start()
    udevd.settle()
    assert ear.hears_nothing
    assert not os.path.lexists(stick.by_id)
    udevd.trigger("--action=add", "--subsystem-match=macvtap")
    assert ear.next().device_node == stick.devnode
    assert os.path.exists(stick.by_id)


def test_udevd_can_be_restarted_again_and_again(sticks: MacvtapSticks, udevd: Udevd) -> None:
    for number in range(3):
        udevd.restart()
        ear = Ear("macvtap")
        sticks.plug(number)
        assert ear.next().device_node == describe(number).devnode


def test_many_sticks_at_once_all_arrive(sticks: MacvtapSticks) -> None:
    ear = Ear("macvtap")
    plugged = {sticks.plug(number).devnode for number in range(10, 30)}
    assert {ear.next().device_node for _ in plugged} == plugged
