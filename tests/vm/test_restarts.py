"""The kubelet or the plugin starts anew while a stick is out: a pod keeps it, and gets it back."""

import os

import pytest

from tests.lab.node import SERIAL
from tests.lab.vm.models import ftdi
from tests.lab.vm.node import VmNode
from tests.lab.vm.usbip import Port
from udev_device_plugin.testing.records import ContainerStartError

Ports = tuple[Port, ...]


async def test_a_kubelet_that_starts_anew_while_a_stick_is_out_is_told_so(node: VmNode, ports: Ports) -> None:
    known = node.ids()
    ports[0].plug(ftdi("OUT1"))
    (offer,) = await node.newcomers()
    ports[0].unplug()
    await node.wait_unhealthy(offer.id)

    await node.kubelet.restart()
    await node.wait_until_listed()
    await node.wait_unhealthy(offer.id)

    ports[1].plug(ftdi("OUT1"))
    await node.wait_healthy(offer.id)
    assert node.ids() - known == {offer.id}


async def test_a_plugin_that_starts_anew_while_a_pods_stick_is_out_knows_it(node: VmNode, ports: Ports) -> None:
    ports[2].plug(ftdi("OUT2"))
    (offer,) = await node.newcomers()
    pod = await node.kubelet.allocate(SERIAL, ids=[offer.id], pod="lidar-reader")
    (device,) = pod.response.devices

    ports[2].unplug()
    await node.wait_unhealthy(offer.id)
    await node.stop_plugin()
    await node.start_plugin()
    await node.wait_unhealthy(offer.id)
    with pytest.raises(ContainerStartError, match=f"device {offer.id} has not been seen since this plugin"):
        await node.kubelet.start_container(pod)

    ports[3].plug(ftdi("OUT2"))
    await node.wait_healthy(offer.id)
    await node.kubelet.start_container(pod)
    assert os.path.realpath(device.host_path).startswith("/dev/ttyUSB")
    node.kubelet.release(pod)
