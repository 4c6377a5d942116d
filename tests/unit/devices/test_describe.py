"""What a published device says of the hardware behind it."""

import pytest

from tests.unit.inventories import MadeUpInventory, node
from udev_device_plugin.config.specs import GroupSpec, PathSpec, ResourceSpec
from udev_device_plugin.devices.assembled import AssembledResource, AssemblyContext
from udev_device_plugin.devices.assembly import assemble
from udev_device_plugin.devices.describe import device_info, device_set
from udev_device_plugin.devices.device import DeviceInfo, DeviceSet
from udev_device_plugin.host.model import DeviceNumber, HostDevice, UsbDevice
from udev_device_plugin.selectors.paths.glob import Glob
from udev_device_plugin.selectors.paths.selector import PathSelector

CONTROLLER = "/sys/devices/pci0000:00/0000:00:14.0"


def adapter(port: str = "1-2.3", minor: int = 0, serial: str = "A1") -> HostDevice:
    """A USB serial adapter."""
    usb_device = UsbDevice(f"{CONTROLLER}/usb1/1-2/{port}", "10c4", "ea60", serial, "2", "Silicon Labs", "CP2102")
    place = f"{usb_device.sys_path}/{port}:1.0/ttyUSB{minor}/tty/ttyUSB{minor}"
    return HostDevice(
        place,
        "tty",
        DeviceNumber("c", 188, minor),
        f"/dev/ttyUSB{minor}",
        serial=serial,
        usb_device=usb_device,
        driver="cp210x",
    )


def test_a_node_of_a_usb_device_is_known_by_what_is_plugged_and_where() -> None:
    assert device_info(adapter()) == DeviceInfo(
        vendor="10c4",
        product="ea60",
        serial="A1",
        manufacturer="Silicon Labs",
        model="CP2102",
        port="2.3@pci0000:00/0000:00:14.0/usb2",
        interface="1.0",
        subsystem="tty",
        driver="cp210x",
    )


def test_what_hangs_on_no_usb_bus_has_its_place_and_its_subsystem() -> None:
    device = HostDevice("/sys/devices/platform/serial0/tty/ttyS0", "tty", DeviceNumber("c", 4, 64), "/dev/ttyS0")
    assert device_info(device) == DeviceInfo(port=device.sys_path, subsystem="tty")


@pytest.mark.parametrize(
    "place",
    ["1-2/1-2.3", "1-2/1-2.3/1-2.3:1.1/0003:046D:C52B.0005/hidraw/hidraw0"],
    ids=["the USB device itself", "HID has colons of its own"],
)
def test_the_interface_is_that_of_the_usb_device(place: str) -> None:
    device = HostDevice(f"{CONTROLLER}/usb1/{place}", "usb", DeviceNumber("c", 189, 1), "/dev/x")
    assert device_info(device).interface == ("1.1" if ":1.1" in place else "")


class Host:
    """One resource on a host, described again and again."""

    def __init__(self, path: str) -> None:
        self.spec = ResourceSpec("squat.ai/serial", (GroupSpec((PathSpec(PathSelector(Glob.parse(path))),)),))
        self.inventory = MadeUpInventory(self.spec.selectors)
        self._assembled = AssembledResource()
        self._devices: DeviceSet | None = None

    def plug(self, device: HostDevice, inode: int = 0) -> None:
        self.inventory.stands(node(device.devnode, device.number.minor, inode=inode))
        self.inventory.described(device)

    def serials(self) -> dict[bool, str]:
        """The serial number of the present and of the absent device."""
        context = AssemblyContext(0.0, 300.0, "/links/")
        self._assembled = assemble(self.spec, self.inventory, self._assembled, context)
        self._devices = device_set(self.spec, self._assembled, self.inventory, self._devices)
        return {device.is_healthy: device.members[0].info.serial for device in self._devices.devices}


def test_what_is_absent_is_what_it_was_and_not_what_has_its_node_now() -> None:
    host = Host("/dev/ttyUSB*")
    host.plug(adapter())
    assert host.serials() == {True: "A1"}
    host.inventory.gone("/dev/ttyUSB0")
    assert host.serials() == {False: "A1"}
    host.plug(adapter("1-2.4", serial="B2"), inode=7)
    assert host.serials() == {False: "A1", True: "B2"}


def test_a_named_path_is_whatever_stands_there_now() -> None:
    host = Host("/dev/ttyUSB0")
    host.plug(adapter())
    host.serials()
    host.inventory.gone("/dev/ttyUSB0")
    assert host.serials() == {False: "A1"}
    host.inventory.stands(node("/dev/ttyUSB0", 0, inode=7))
    assert host.serials() == {True: ""}
    host.inventory.described(adapter(serial="B2"))
    assert host.serials() == {True: "B2"}
