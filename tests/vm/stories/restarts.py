"""The kubelet or the plugin starts anew while a stick is out: a pod keeps it, and gets it back."""

import os

from tests.vm.machine.models import ftdi
from tests.vm.machine.stories import Stage
from udev_device_plugin.testing.records import ContainerStartError


async def a_kubelet_that_starts_anew_while_a_stick_is_out_is_told_so(stage: Stage) -> None:
    node, (here, there) = stage.node, stage.ports(2)
    here.plug(ftdi("OUT1"))
    (offer,) = await node.found(here.place)
    here.unplug()
    await node.wait_unhealthy(offer.id)

    await node.restart_kubelet()
    await node.wait_unhealthy(offer.id)

    there.plug(ftdi("OUT1"))
    (again,) = await node.found(there.place)
    assert again.id == offer.id


async def a_plugin_that_starts_anew_while_a_pods_stick_is_out_knows_it(stage: Stage) -> None:
    node, (here, there) = stage.node, stage.ports(2)
    here.plug(ftdi("OUT2"))
    (offer,) = await node.found(here.place)
    pod = await node.allocate(offer.id)
    (device,) = pod.response.devices

    here.unplug()
    await node.wait_unhealthy(offer.id)
    await node.stop_plugin()
    await node.start_plugin()
    await node.wait_unhealthy(offer.id)
    try:
        await node.kubelet.start_container(pod)
    except ContainerStartError as error:
        assert f"device {offer.id} has not been seen since this plugin" in str(error)  # noqa: PT017 - as in composite
    else:
        raise AssertionError("the container started without its device")

    there.plug(ftdi("OUT2"))
    await node.wait_healthy(offer.id)
    await node.kubelet.start_container(pod)
    assert os.path.realpath(device.host_path).startswith("/dev/ttyUSB")
    node.kubelet.release(pod)
