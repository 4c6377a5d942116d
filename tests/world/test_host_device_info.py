"""What sysfs says of the hardware behind a node."""

import pytest

from tests.lab import sysfs
from tests.lab.host import FakeHost
from tests.lab.sticks import serial_adapter
from udev_device_plugin.config.specs import GroupSpec, PathSpec, ResourceSpec
from udev_device_plugin.host.interest import Interest
from udev_device_plugin.host.single_scan import look_at_everything
from udev_device_plugin.host.sysfs import MAX_NAME, driver, usb_device_of
from udev_device_plugin.selectors.paths.glob import Glob
from udev_device_plugin.selectors.paths.selector import PathSelector


@pytest.mark.parametrize(
    ("written", "read"),
    [
        pytest.param("Silicon Labs", "Silicon Labs", id="a name"),
        pytest.param("caf\udce9", "caf\udce9", id="no UTF-8"),
        pytest.param("\x1b[2J\n<script>", "\x1b[2J\n<script>", id="control characters and markup are text"),
        pytest.param("x" * 5000, "x" * MAX_NAME, id="without end"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_names_are_what_the_hardware_says_up_to_a_length(host: FakeHost, written: str, read: str) -> None:
    stick = serial_adapter()
    host.plug(stick)
    for name in ("manufacturer", "product"):
        sysfs.write(f"{stick.devices[0].sys_path}/{name}", f"{written}\n")
    usb_device = usb_device_of(stick.main.sys_path)
    assert usb_device is not None
    assert (usb_device.manufacturer, usb_device.model) == (read, read)


def test_the_driver_is_that_of_the_nearest_device_that_has_one(host: FakeHost) -> None:
    stick = serial_adapter()
    host.plug(stick)
    usb, interface, *_ = (device.sys_path for device in stick)
    assert driver(stick.main.sys_path) == "ftdi_sio"
    assert (driver(interface), driver(usb)) == ("ftdi_sio", "usb")


def test_what_has_no_driver_has_none() -> None:
    assert driver("/sys/devices/virtual/misc/fuse") == ""


def test_a_device_that_is_asked_for_is_described_with_all_of_it(host: FakeHost) -> None:
    stick = serial_adapter()
    host.plug(stick)
    sysfs.write(f"{stick.devices[0].sys_path}/manufacturer", "FTDI\n")
    spec = ResourceSpec("squat.ai/serial", (GroupSpec((PathSpec(PathSelector(Glob.parse("/dev/ttyUSB*"))),)),))
    seen, _ = look_at_everything(Interest.of([spec]))
    (device,) = (node.description for nodes in seen.units.values() for node in nodes if node.devnode == "/dev/ttyUSB0")
    assert device is not None
    assert device.usb_device is not None
    assert (device.driver, device.usb_device.manufacturer) == ("ftdi_sio", "FTDI")
