"""What is in a socket is one device, whichever of its ids it shows, also while one comes before the other is gone."""

import pytest

from tests.unit import inventories
from tests.unit.inventories import MadeUpInventory
from udev_device_plugin.config.specs import GroupSpec, PathSpec, ResourceSpec
from udev_device_plugin.devices.assembled import AssembledDevice, AssembledResource, AssemblyContext
from udev_device_plugin.devices.assembly import assemble
from udev_device_plugin.host.model import DeviceNumber, HostDevice, UsbDevice
from udev_device_plugin.selectors.usb.selector import UsbSelector

XHCI = "/sys/devices/pci0000:00/0000:00:14.0"
SOCKET = "2@pci0000:00/0000:00:14.0/usb2"
IDENTITY = ("usb:2c7c:0125:socket=" + SOCKET,)


class Host:
    """One resource of things with ttys, which are at either port of one socket, under either id."""

    def __init__(self, nodes: tuple[tuple[str, int], ...], *, is_open_ended: bool) -> None:
        selector = UsbSelector("2c7c", "0125", None, nodes, is_open_ended, (("2c7c", "0900"),))
        self.spec = ResourceSpec("squat.ai/modem", (GroupSpec((PathSpec(selector),)),))
        self.inventory = MadeUpInventory(self.spec.selectors)
        self.formed = AssembledResource(is_first=False)
        self.now = 0.0

    def plug(self, bus: int, product: str, *ttys: tuple[int, int]) -> None:
        """Plug it at a port of this bus, with these ttys: interface and number."""
        place = f"{XHCI}/usb{bus}/{bus}-2"
        stick = UsbDevice(place, "2c7c", product, "S" * bus, str(bus + 1), physical_port=SOCKET)
        for interface, minor in ttys:
            name = f"ttyUSB{minor}"
            sys_path = f"{place}/{bus}-2:1.{interface}/{name}/tty/{name}"
            number = DeviceNumber("c", inventories.TTY_USB, minor)
            self.inventory.described(HostDevice(sys_path, "tty", number, f"/dev/{name}", usb_device=stick))
            self.inventory.stands(inventories.node(f"/dev/{name}", minor))

    def unplug(self, *minors: int) -> None:
        for minor in minors:
            self.inventory.gone(f"/dev/ttyUSB{minor}")

    def offers(self) -> AssembledDevice:
        """The only device, a while later."""
        self.now += 5.0
        self.formed = assemble(self.spec, self.inventory, self.formed, AssemblyContext(self.now, 300.0, "/links/"))
        self.now += 5.0
        self.formed = assemble(self.spec, self.inventory, self.formed, AssemblyContext(self.now, 300.0, "/links/"))
        (only,) = self.formed.devices
        assert only.identity == IDENTITY
        return only


def nodes_of(device: AssembledDevice) -> list[str]:
    return [member.path for member in device.members if member is not None]


def links_of(device: AssembledDevice) -> list[str]:
    return [member.host_path for member in device.members if member is not None]


@pytest.mark.parametrize("is_open_ended", [False, True])
def test_one_that_comes_before_the_other_is_gone_takes_its_place_and_its_links(is_open_ended: bool) -> None:
    host = Host((("tty", 1 if is_open_ended else 2),), is_open_ended=is_open_ended)
    host.plug(1, "0125", (2, 0), (3, 1))
    before = host.offers()
    assert nodes_of(before) == ["/dev/ttyUSB0", "/dev/ttyUSB1"]
    host.plug(2, "0900", (0, 5), (1, 4))
    assert nodes_of(host.offers()) == ["/dev/ttyUSB0", "/dev/ttyUSB1"]
    host.unplug(0, 1)
    after = host.offers()
    assert after.is_healthy
    assert nodes_of(after) == ["/dev/ttyUSB5", "/dev/ttyUSB4"], "in the order of their interfaces"
    assert links_of(after) == links_of(before)


def test_a_node_that_comes_late_takes_no_name_from_one_that_is_offered() -> None:
    host = Host((("tty", 1),), is_open_ended=False)
    host.plug(1, "0125", (2, 0))
    before = host.offers()
    host.plug(1, "0125", (0, 1))
    assert (nodes_of(host.offers()), links_of(host.offers())) == (["/dev/ttyUSB0"], links_of(before))
    host.unplug(0)
    assert (nodes_of(host.offers()), links_of(host.offers())) == (["/dev/ttyUSB1"], links_of(before))


def test_what_lacks_a_node_under_its_other_id_is_unhealthy_there() -> None:
    host = Host((("tty", 2),), is_open_ended=False)
    host.plug(1, "0125", (2, 0), (3, 1))
    assert host.offers().is_healthy
    host.unplug(0, 1)
    host.plug(1, "0900", (0, 2))
    assert not host.offers().is_healthy
