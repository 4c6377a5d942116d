"""Devices by what they are, not by their paths: whole sticks (`usb`), HID interfaces (`hid`), and `udev` rules."""

import os
import pathlib

from tests.vm.machine.models import SCANS, Scanner, cp2102, ftdi, modem
from tests.vm.machine.served import LIDAR, LTE, RULED, SCANNERS
from tests.vm.machine.stories import Stage


async def a_stick_of_that_make_and_serial_number_is_its_tty(stage: Stage) -> None:
    node, (another_number, another_make, here, there) = stage.node, stage.ports(4)
    another_number.plug(cp2102("OTHER"))
    another_make.plug(ftdi("LIDAR1"))
    await node.found(another_number.place)
    await node.found(another_make.place)
    here.plug(cp2102("LIDAR1"))
    (offer,) = await node.found(here.place, resource=LIDAR)
    await node.found(here.place)
    (device,) = offer.devices
    link = "/dev/serial/by-id/usb-Silicon_Labs_CP2102_USB_to_UART_Bridge_Controller_LIDAR1-if00-port0"
    assert device.host_path == link
    assert os.path.realpath(device.host_path) == device.container_path

    here.unplug()
    await node.wait_unhealthy(offer.id, resource=LIDAR)
    there.plug(cp2102("LIDAR1"))
    await node.wait_healthy(offer.id, resource=LIDAR)
    assert node.healthy(LIDAR) == {offer.id}


async def two_identical_modems_are_two_devices(stage: Stage) -> None:
    node, (left, right) = stage.node, stage.ports(2)
    left.plug(modem())
    right.plug(modem())
    (first,) = await node.found(left.place, resource=LTE)
    (second,) = await node.found(right.place, resource=LTE)
    assert not {*first.paths} & {*second.paths}
    assert len(first.paths) == len(second.paths) == 5
    for port in (left, right):
        await node.found(port.place, 4)
    left.unplug()
    right.unplug()
    await node.wait_unhealthy(first.id, second.id, resource=LTE)


async def an_interface_of_a_scanner_is_its_hidraw_node_in_every_port(stage: Stage) -> None:
    node, (here, there) = stage.node, stage.ports(2)
    here.plug(Scanner("SC1"))
    (offer,) = await node.found(here.place, resource=SCANNERS)
    (device,) = offer.devices
    before = os.path.realpath(device.host_path)
    assert (device.container_path, os.path.dirname(before)) == ("/dev/scanner", "/dev")
    report = pathlib.Path(f"/sys/class/hidraw/{os.path.basename(before)}/device/report_descriptor")
    assert report.read_bytes() == SCANS

    here.unplug()
    await node.wait_unhealthy(offer.id, resource=SCANNERS)
    there.plug(Scanner("SC1"))
    (again,) = await node.found(there.place, resource=SCANNERS)
    assert (again.id, again.devices) == (offer.id, offer.devices)


async def a_rule_about_the_stick_selects_its_tty(stage: Stage) -> None:
    node, (another_make, port) = stage.node, stage.ports(2)
    another_make.plug(cp2102("RULED"))
    await node.found(another_make.place)
    port.plug(ftdi("RULED"))
    (offer,) = await node.found(port.place, resource=RULED)
    await node.found(port.place)
    (device,) = offer.devices
    assert device.host_path == "/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_RULED-if00-port0"
    assert (device.container_path, device.permissions) == ("/dev/ruled", "rw")
    assert node.healthy(RULED) == {offer.id}
    port.unplug()
    await node.wait_unhealthy(offer.id, resource=RULED)
