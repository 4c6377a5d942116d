"""Devices by what they are, not by their paths: whole sticks (`usb`), and what a udev rule matches (`udev`)."""

import glob
import os

import pytest

from tests.lab.vm.models import cp2102, ftdi, modem
from tests.lab.vm.node import VmNode, write
from tests.lab.vm.usbip import Port
from udev_device_plugin.testing.records import ContainerStartError

LIDAR, LTE, RULED = "squat.ai/lidar", "squat.ai/lte", "squat.ai/ruled"

Ports = tuple[Port, ...]


async def test_a_stick_of_that_make_and_serial_number_is_its_tty(node: VmNode, ports: Ports) -> None:
    ports[0].plug(cp2102("OTHER"))
    ports[1].plug(ftdi("LIDAR1"))
    await node.newcomers(2)
    ports[2].plug(cp2102("LIDAR1"))
    (offer,) = await node.newcomers(resource=LIDAR)
    (device,) = offer.devices
    assert (
        device.host_path == "/dev/serial/by-id/usb-Silicon_Labs_CP2102_USB_to_UART_Bridge_Controller_LIDAR1-if00-port0"
    )
    assert os.path.realpath(device.host_path) == device.container_path

    ports[2].unplug()
    await node.wait_unhealthy(offer.id, resource=LIDAR)
    ports[3].plug(cp2102("LIDAR1"))
    await node.wait_healthy(offer.id, resource=LIDAR)
    assert node.healthy(LIDAR) == {offer.id}


async def test_a_modem_is_one_device_which_is_unhealthy_as_long_as_one_of_its_nodes_is_missing(
    node: VmNode, ports: Ports
) -> None:
    ports[4].plug(modem())
    (offer,) = await node.newcomers(resource=LTE)
    names = [os.path.basename(path).rstrip("0123456789") for path in offer.paths]
    assert names == ["ttyUSB"] * 4 + ["cdc-wdm"]
    assert [os.path.realpath(device.host_path) for device in offer.devices] == list(offer.paths)
    pod = await node.kubelet.allocate(LTE, ids=[offer.id])

    (interface,) = map(os.path.basename, glob.glob("/sys/bus/usb/drivers/option/*:1.1"))
    write("/sys/bus/usb/drivers/option/unbind", interface)
    await node.wait_unhealthy(offer.id, resource=LTE)
    with pytest.raises(ContainerStartError, match="is unplugged since"):
        await node.kubelet.start_container(pod)

    write("/sys/bus/usb/drivers/option/bind", interface)
    await node.wait_healthy(offer.id, resource=LTE)
    await node.kubelet.start_container(pod)
    node.kubelet.release(pod)
    assert node.healthy(LTE) == {offer.id}


async def test_two_identical_modems_are_two_devices(node: VmNode, ports: Ports) -> None:
    ports[5].plug(modem())
    ports[6].plug(modem())
    first, second = await node.newcomers(2, resource=LTE)
    assert not {*first.paths} & {*second.paths}
    assert len(first.paths) == len(second.paths) == 5
    ports[5].unplug()
    ports[6].unplug()
    await node.wait_unhealthy(first.id, second.id, resource=LTE)


async def test_a_rule_about_the_stick_selects_its_tty(node: VmNode, ports: Ports) -> None:
    ports[0].plug(cp2102("RULED"))
    await node.newcomers()
    ports[1].plug(ftdi("RULED"))
    (offer,) = await node.newcomers(resource=RULED)
    (device,) = offer.devices
    assert device.host_path == "/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_RULED-if00-port0"
    assert (device.container_path, device.permissions) == ("/dev/ruled", "rw")
    ports[1].unplug()
    await node.wait_unhealthy(offer.id, resource=RULED)
