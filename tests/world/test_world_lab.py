"""The made-up host, looked at with the real pyudev: what the other tests of this layer stand on."""

import os
import stat
import sys
from dataclasses import replace

import pytest
import pyudev

from tests.lab.host import FakeHost
from tests.lab.monitor import Ear
from tests.lab.plugin import PluginProcess
from tests.lab.records import FakeDevice
from tests.lab.sticks import (
    camera,
    ch340,
    dvb_stick,
    eight_port_adapter,
    keyboard,
    modem,
    serial_adapter,
    sound_card,
    sound_card_with_two_captures,
)
from tests.lab.udevd_steps import DATABASE, go_on


@pytest.mark.usefixtures("host")
def test_the_host_starts_with_nothing_plugged() -> None:
    ear = Ear()
    assert [device.subsystem for device in ear.context.list_devices()] == ["pci"]
    assert set(os.listdir("/dev")) <= {"null", "zero", "full", "random", "urandom", "tty", "shm", "fd"}
    assert ear.hears_nothing


def test_a_plug_is_announced_with_links_and_properties(host: FakeHost) -> None:
    ear, stick = Ear("tty"), serial_adapter("ttyUSB0", "A1B2", "1-2")
    host.plug(stick)
    event = ear.next()
    assert (event.action, event.device_node) == ("add", "/dev/ttyUSB0")
    assert set(event.device_links) == {
        "/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A1B2-if00-port0",
        "/dev/serial/by-path/pci-0000:00:14.0-usb-0:2:1.0-port0",
    }
    assert event.properties["ID_SERIAL_SHORT"] == "A1B2"
    assert event.is_initialized
    assert event.find_parent("usb", "usb_device").attributes.asstring("serial") == "A1B2"
    assert event.find_parent("pci").attributes.asint("numa_node") == 0


def test_events_come_in_the_order_of_the_real_ones(host: FakeHost) -> None:
    ear, stick = Ear(), serial_adapter()
    host.plug(stick)
    plugged = [("add", "1-2"), ("add", "1-2:1.0"), ("add", "ttyUSB0"), ("add", "ttyUSB0")]
    assert ear.events(7) == [*plugged, ("bind", "1-2"), ("bind", "1-2:1.0"), ("bind", "ttyUSB0")]
    host.unplug(stick)
    assert [action for action, _ in ear.events(7)] == ["unbind"] * 3 + ["remove"] * 4


def test_what_is_plugged_is_enumerated_from_sysfs_and_database(host: FakeHost) -> None:
    host.plug(serial_adapter(), silent=True)
    ear = Ear()
    assert ear.hears_nothing
    (device,) = ear.context.list_devices(subsystem="tty", ID_SERIAL_SHORT="A1B2")
    assert device.device_node == "/dev/ttyUSB0"
    assert device.is_initialized
    assert device.properties["ID_PATH"] == "pci-0000:00:14.0-usb-0:2:1.0"
    assert len(list(device.device_links)) == 2
    assert device.find_parent("usb", "usb_interface").driver == "ftdi_sio"


def test_nodes_and_links_are_real(host: FakeHost) -> None:
    stick = serial_adapter("ttyUSB3")
    host.plug(stick)
    assert os.path.realpath(stick.by_id) == os.path.realpath(stick.by_path) == stick.devnode
    entry = os.stat(stick.by_id)
    assert stat.S_ISCHR(entry.st_mode)
    assert entry.st_rdev == os.makedev(188, 3)
    device = pyudev.Devices.from_device_file(pyudev.Context(), stick.by_id)
    assert device.sys_name == "ttyUSB3"


def test_an_unplug_leaves_nothing(host: FakeHost) -> None:
    before = [sorted(os.listdir(path)) for path in ("/dev", "/sys/devices/pci0000:00/0000:00:14.0", "/run/udev/data")]
    stick = serial_adapter()
    host.plug(stick)
    ear = Ear("tty")
    host.unplug(stick)
    event = ear.next()
    assert (event.action, event.device_node) == ("remove", "/dev/ttyUSB0")
    assert stick.by_id in event.device_links
    after = [sorted(os.listdir(path)) for path in ("/dev", "/sys/devices/pci0000:00/0000:00:14.0", "/run/udev/data")]
    assert after == before
    assert ear.enumerated("tty") == []


def test_an_unplug_can_be_silent(host: FakeHost) -> None:
    stick, ear = serial_adapter(), Ear("tty")
    host.plug(stick, silent=True)
    host.unplug(stick, silent=True)
    assert not os.path.exists(stick.devnode)
    assert ear.hears_nothing


def test_before_udevd_has_been_at_work_there_is_a_node_and_nothing_else(host: FakeHost) -> None:
    stick, ear = serial_adapter(), Ear()
    for device in stick:
        host.appear(device)
    assert os.path.exists(stick.devnode)
    assert not os.path.lexists(stick.by_id)
    assert not pyudev.Devices.from_device_file(ear.context, stick.devnode).is_initialized
    assert ear.hears_nothing
    host.finish(stick.main)
    assert os.path.exists(stick.by_id)
    assert pyudev.Devices.from_device_file(ear.context, stick.devnode).is_initialized
    assert ear.events(1) == [("add", "ttyUSB0")]


def test_a_plug_is_done_step_by_step(host: FakeHost) -> None:
    stick, ear, states = serial_adapter(), Ear(), {}
    for parent in stick.devices[:-1]:
        host.appear(parent)
    for step in host.adding(stick.main):
        states[step] = (
            os.path.exists(f"{stick.main.sys_path}/uevent"),
            os.path.exists(stick.devnode) and stat.S_IMODE(os.stat(stick.devnode).st_mode),
            os.path.exists(stick.by_id),
            os.path.exists(f"{DATABASE}/{stick.main.database_name}"),
            not ear.hears_nothing,
        )
    assert [*states.items()] == [
        ("sysfs", (True, False, False, False, False)),
        ("node", (True, 0o600, False, False, False)),
        ("rules", (True, 0o600, False, False, False)),
        ("mode", (True, 0o660, False, False, False)),
        ("links", (True, 0o660, True, False, False)),
        ("entry", (True, 0o660, True, True, False)),
        ("RUN", (True, 0o660, True, True, False)),
        ("event", (True, 0o660, True, True, True)),
    ]


def test_an_unplug_is_done_step_by_step(host: FakeHost) -> None:
    stick, states = serial_adapter(), {}
    host.plug(stick)
    ear = Ear()
    for step in host.removing(stick.main):
        states[step] = (
            os.path.exists(stick.devnode),
            os.path.exists(stick.main.sys_path),
            os.path.exists(f"{DATABASE}/{stick.main.database_name}"),
            os.path.lexists(stick.by_id),
            not ear.hears_nothing,
        )
    assert [*states.items()] == [
        ("node", (False, True, True, True, False)),
        ("sysfs", (False, False, True, True, False)),
        ("entry", (False, False, False, True, False)),
        ("rules", (False, False, False, True, False)),
        ("links", (False, False, False, False, False)),
        ("RUN", (False, False, False, False, False)),
        ("event", (False, False, False, False, True)),
    ]


def test_a_newer_udevd_writes_the_entry_when_it_begins_and_again_when_it_is_done(host: FakeHost) -> None:
    stick, context = serial_adapter(), pyudev.Context()
    steps = host.adding(stick.main, 257)

    def looked_at() -> tuple[bool, str | None, str | None]:
        device = pyudev.Devices.from_device_file(context, stick.devnode)
        known = device.properties
        return device.is_initialized, known.get("ID_PROCESSING"), known.get("ID_SERIAL_SHORT")

    go_on(steps, until="entry begun")
    assert looked_at() == (True, "1", None)
    go_on(steps, until="RUN")
    assert looked_at() == (True, "1", "A1B2")
    assert [*steps] == ["entry ended", "event"]
    assert looked_at() == (True, None, "A1B2")


def test_where_no_rule_says_anything_the_entry_is_empty(host: FakeHost) -> None:
    control = modem().main
    host.plug(control)
    assert control.node
    assert os.stat(f"{DATABASE}/{control.node.number}").st_size == 0
    device = pyudev.Devices.from_device_file(pyudev.Context(), control.node.path)
    assert device.is_initialized
    host.unplug(control)
    assert not os.path.exists(f"{DATABASE}/{control.node.number}")


def test_what_goes_while_udevd_is_dead_leaves_entry_and_links_to_the_next_one_with_its_number(host: FakeHost) -> None:
    former, later = serial_adapter("ttyUSB0", "OLD", "1-2"), serial_adapter("ttyUSB0", "NEW", "1-3")
    host.plug(former)
    context = pyudev.Context()
    moment = pyudev.Devices.from_device_file(context, former.devnode).properties["USEC_INITIALIZED"]
    for device in reversed(former.devices):
        host.vanish(device)
    for device in later:
        host.appear(device)
    assert os.path.realpath(former.by_id) == later.devnode
    assert pyudev.Devices.from_device_file(context, later.devnode).properties["ID_SERIAL_SHORT"] == "OLD"
    host.finish(later.main)
    assert not os.path.lexists(former.by_id)
    assert os.path.realpath(later.by_id) == later.devnode
    known = pyudev.Devices.from_device_file(context, later.devnode).properties
    assert (known["ID_SERIAL_SHORT"], known["USEC_INITIALIZED"]) == ("NEW", moment)


def test_between_the_kernels_and_udevds_part_of_an_unplug_links_dangle(host: FakeHost) -> None:
    stick = serial_adapter()
    host.plug(stick)
    host.vanish(stick.main)
    assert os.path.islink(stick.by_id)
    assert not os.path.exists(stick.by_id)
    host.forget(stick.main)
    assert not os.path.lexists("/dev/serial")


def test_twins_claim_one_link_and_it_leads_to_one_that_is_there(host: FakeHost) -> None:
    first, second = ch340("ttyUSB0", "1-2"), ch340("ttyUSB1", "1-3")
    assert first.by_id == second.by_id
    assert first.by_path != second.by_path
    host.plug(first)
    host.plug(second)
    assert os.path.realpath(first.by_id) == second.devnode
    host.unplug(second)
    assert os.path.realpath(first.by_id) == first.devnode
    host.unplug(first)
    assert not os.path.lexists(first.by_id)


def test_a_change_replaces_links_and_properties(host: FakeHost) -> None:
    stick = serial_adapter()
    host.plug(stick)
    ear, link = Ear("tty"), "serial/by-id/usb-renamed"
    host.change(replace(stick.main, links=(link,), properties={"ID_MODEL": "renamed"}))
    event = ear.next()
    assert (event.action, list(event.device_links)) == ("change", [f"/dev/{link}"])
    assert os.path.realpath(f"/dev/{link}") == stick.devnode
    assert not os.path.lexists(stick.by_id)
    (device,) = ear.context.list_devices(subsystem="tty")
    assert device.properties["ID_MODEL"] == "renamed"
    assert "ID_SERIAL" not in device.properties


def test_sticks_with_several_nodes_look_like_the_real_ones(host: FakeHost) -> None:
    for stick in (camera(), sound_card(), modem()):
        host.plug(stick)
    ear = Ear()
    assert ear.enumerated("video4linux") == ["/dev/video0", "/dev/video1"]
    assert ear.enumerated("video4linux", ID_V4L_CAPABILITIES=":capture:") == ["/dev/video0"]
    assert ear.enumerated("sound") == ["/dev/snd/controlC0", "/dev/snd/pcmC0D0p"]
    assert ear.enumerated("tty") == [f"/dev/ttyUSB{number}" for number in range(4)]
    assert ear.enumerated("usbmisc") == ["/dev/cdc-wdm0"]
    assert ear.enumerated("usb", DEVTYPE="usb_device") == [f"/dev/bus/usb/001/{n:03}" for n in (4, 5, 6)]


def test_of_an_adapter_with_eight_ports_the_kernels_parents_know_which_is_which(host: FakeHost) -> None:
    stick = eight_port_adapter(8, numbers=(5, 0, 7, 6, 4, 3, 2, 1))
    host.plug(stick)
    for port_number, name in enumerate(stick.nodes("tty")):
        device = pyudev.Devices.from_device_file(pyudev.Context(), name)
        assert device.parent.subsystem == "usb-serial"
        assert device.parent.attributes.asint("port_number") == port_number
        assert sum(link.endswith(f"-if00-port{port_number}") for link in device.device_links) == 1
    assert stick.nodes("tty")[:2] == ("/dev/ttyUSB13", "/dev/ttyUSB8")


def test_an_adapter_with_eight_ports_may_have_no_links(host: FakeHost) -> None:
    host.plug(eight_port_adapter(links=False))
    assert not os.path.lexists("/dev/serial")
    assert len(Ear().enumerated("tty", ID_BUS="usb")) == 8


def test_sticks_with_several_nodes_of_a_kind_look_like_the_real_ones(host: FakeHost) -> None:
    sticks = (
        camera(4, numbers=(3, 0, 1, 2)),
        sound_card_with_two_captures(1),
        dvb_stick(adapters=(1, 0)),
        keyboard(numbers=(2, 0, 1)),
    )
    for stick in sticks:
        host.plug(stick)
    ear = Ear()
    assert ear.enumerated("video4linux") == [f"/dev/video{number}" for number in range(4, 8)]
    assert ear.enumerated("video4linux", ID_V4L_CAPABILITIES=":capture:") == ["/dev/video7"]
    assert ear.enumerated("sound") == ["/dev/snd/pcmC1D0c", "/dev/snd/pcmC1D1c"]
    assert ear.enumerated("dvb") == ["/dev/dvb/adapter0/frontend0", "/dev/dvb/adapter1/frontend0"]
    assert ear.enumerated("input") == [f"/dev/input/event{number}" for number in (3, 4, 5)]
    (link,) = os.listdir("/dev/input/by-id")
    assert os.path.realpath(f"/dev/input/by-id/{link}") == "/dev/input/event4", "that of the last one"


def test_events_can_be_untrue_and_incomplete(host: FakeHost) -> None:
    ear, stick = Ear(), serial_adapter()
    host.send("remove", stick.main)
    assert ear.next().action == "remove"
    host.send("add", stick.main, {"ID_SERIAL_SHORT": "other"})
    assert ear.next().properties["ID_SERIAL_SHORT"] == "other"
    host.send_properties({"ACTION": "add", "DEVPATH": "/devices/x", "SUBSYSTEM": "x"})
    event = ear.next()
    assert (event.sys_path, event.device_node) == ("/sys/devices/x", None)


def test_a_filter_lets_exactly_its_devtype_through(host: FakeHost) -> None:
    ear = Ear()
    ear.monitor.filter_by("usb", "usb_device")
    host.plug(serial_adapter())
    assert ear.events(2) == [("add", "1-2"), ("bind", "1-2")]
    assert ear.hears_nothing


@pytest.mark.parametrize("subsystem", ["tty", "misc", "block", "hidraw"])  # all lengths modulo 4: the hash's word size
def test_a_filter_lets_exactly_its_subsystem_through(host: FakeHost, subsystem: str) -> None:
    ear = Ear(subsystem)
    for other in ("tty", "misc", "block", "hidraw"):
        host.send("add", FakeDevice(f"/devices/virtual/{other}/{other}0", other))
    assert ear.events(1) == [("add", f"{subsystem}0")]
    assert ear.hears_nothing


def test_a_storm_arrives_whole(host: FakeHost) -> None:
    ear, stick = Ear("tty"), serial_adapter()
    host.storm(stick.main, 20_000)
    received = sum(1 for _ in iter(lambda: ear.monitor.poll(0), None))
    assert received == 20_000


def test_an_overflow_is_an_error_at_the_listener(host: FakeHost) -> None:
    ear = Ear("tty", buffer_size=1 << 16)
    host.overflow()
    with pytest.raises(OSError, match="Error while polling fd"):
        ear.monitor.poll(0)


def test_even_libudevs_own_buffer_overflows(host: FakeHost) -> None:
    ear = Ear()
    host.overflow()
    with pytest.raises(OSError, match="Error while polling fd"):
        ear.monitor.poll(0)


def test_without_udevds_control_file_libudev_hears_nothing_and_says_nothing(host: FakeHost) -> None:
    host.hide_udevd()
    deaf = Ear()
    host.show_udevd()
    hearing = Ear()
    host.plug(serial_adapter())
    assert hearing.next().action == "add"
    assert deaf.hears_nothing


def test_a_busy_udevd_shows_its_queue(host: FakeHost) -> None:
    with host.busy():
        assert os.path.exists("/run/udev/queue")
    assert not os.path.exists("/run/udev/queue")


async def test_a_child_process_sees_the_same_host(host: FakeHost) -> None:
    script = """if True:
        import json, pyudev
        context = pyudev.Context()
        monitor = pyudev.Monitor.from_netlink(context)
        monitor.start()
        print(json.dumps({"msg": "listening", "address": "127.0.0.1:1"}), flush=True)
        print(json.dumps({"msg": "event", "node": monitor.poll().device_node}), flush=True)
        monitor.poll()
    """
    async with PluginProcess(command=(sys.executable, "-c", script)) as process:
        assert await process.address() == "127.0.0.1:1"
        host.plug(serial_adapter("ttyUSB7").main)
        assert (await process.wait_for_message("event")).fields["node"] == "/dev/ttyUSB7"
        assert process.cost().rss_bytes > 0
        assert await process.terminate() == -15


async def test_a_suspended_process_loses_events(host: FakeHost) -> None:
    script = """if True:
        import pyudev
        monitor = pyudev.Monitor.from_netlink(pyudev.Context())
        monitor.start()
        print("ready", flush=True)
        while True:
            monitor.poll()
    """
    async with PluginProcess(command=(sys.executable, "-c", script)) as process:
        await process.wait_for_log(lambda line: line.text == "ready")
        with process.suspended():
            host.overflow()
        assert await process.wait() == 1
        assert "OSError" in process.said()  # from poll, or ENOBUFS from the receive that poll had called for
