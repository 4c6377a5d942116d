"""Devices of several nodes, and several devices behind a hub: what belongs together comes and goes together."""

import glob
import os
import re

from tests.lab.node import SERIAL
from tests.vm.machine.models import Camera, modem
from tests.vm.machine.node import write
from tests.vm.machine.served import CAMERAS, LTE, MODEMS, VIDEO, WEBCAMS
from tests.vm.machine.stories import Stage
from tests.vm.machine.usbip import Port
from udev_device_plugin.testing.records import ContainerStartError

OPTION = "/sys/bus/usb/drivers/option"


async def a_camera_is_a_node_for_pictures_and_one_for_metadata(stage: Stage) -> None:
    node, (here, there) = stage.node, stage.ports(2)
    here.plug(Camera("CAM1"))
    nodes = await node.found(here.place, 2, resource=VIDEO)
    (pictures,) = await node.found(here.place, resource=CAMERAS)
    link = "/dev/v4l/by-id/usb-046d_HD_Webcam_CAM1-video-index"
    assert {offer.devices[0].host_path for offer in nodes} == {f"{link}0", f"{link}1"}
    assert pictures.paths == (f"{link}0",)

    here.unplug()
    await node.wait_unhealthy(*(offer.id for offer in nodes), resource=VIDEO)
    await node.wait_unhealthy(pictures.id, resource=CAMERAS)

    there.plug(Camera("CAM1"))
    await node.wait_healthy(*(offer.id for offer in nodes), resource=VIDEO)
    await node.wait_healthy(pictures.id, resource=CAMERAS)

    # In whatever order udev announces its two nodes, at each of twenty plugs.
    (whole,) = await node.found(there.place, resource=WEBCAMS)
    for _ in range(20):
        there.unplug()
        await node.wait_unhealthy(whole.id, resource=WEBCAMS)
        there.plug(Camera("CAM1"))
        await node.wait_healthy(whole.id, resource=WEBCAMS)
        again = await node.offer(whole.id, WEBCAMS)
        assert [device.host_path for device in again.devices] == [f"{link}0", f"{link}1"]


async def a_modem_is_four_ttys_and_a_control_node(stage: Stage) -> None:
    node, (port,) = stage.node, stage.ports(1)
    port.plug(modem())
    serial = await node.found(port.place, 4)
    (control,) = await node.found(port.place, resource=MODEMS)
    assert len({offer.devices[0].host_path for offer in serial}) == 4
    # udev has no link for it, so the plugin has one of its own.
    assert control.devices[0].host_path.startswith("/run/plugins/")
    assert os.path.realpath(control.devices[0].host_path) == control.paths[0]

    port.unplug()
    await node.wait_unhealthy(*(offer.id for offer in serial))
    await node.wait_unhealthy(control.id, resource=MODEMS)

    port.plug(modem())
    await node.wait_healthy(*(offer.id for offer in serial))
    await node.wait_healthy(control.id, resource=MODEMS)


async def a_modem_whose_one_driver_lets_go_lacks_that_node_alone_and_is_not_whole(stage: Stage) -> None:
    node, (port,) = stage.node, stage.ports(1)
    port.plug(modem())
    serial = await node.found(port.place, 4)
    (whole,) = await node.found(port.place, resource=LTE)
    lost = next(offer for offer in serial if ":1.2-" in offer.devices[0].host_path)
    names = [re.sub(r"\d+$", "", os.path.basename(path)) for path in whole.paths]
    assert names == ["ttyUSB"] * 4 + ["cdc-wdm"]
    assert [os.path.realpath(device.host_path) for device in whole.devices] == list(whole.paths)
    pod = await node.allocate(whole.id, LTE)

    interface = _interface(port, 2)
    write(f"{OPTION}/unbind", interface)
    await node.wait_unhealthy(lost.id, resource=SERIAL)
    await node.wait_unhealthy(whole.id, resource=LTE)
    assert {offer.id for offer in serial} - node.healthy() == {lost.id}
    try:
        await node.kubelet.start_container(pod)
    except ContainerStartError as error:
        assert "is unplugged since" in str(error)  # noqa: PT017 - pytest is outside
    else:
        raise AssertionError("the container started without one of its nodes")

    write(f"{OPTION}/bind", interface)
    await node.wait_healthy(*(offer.id for offer in serial))
    await node.wait_healthy(whole.id, resource=LTE)
    await node.kubelet.start_container(pod)
    node.kubelet.release(pod)


def _interface(port: Port, number: int) -> str:
    (path,) = port.place.among(glob.glob(f"{OPTION}/*:1.{number}"))
    return os.path.basename(path)


async def a_hub_that_is_pulled_takes_all_that_is_in_it(stage: Stage) -> None:
    node, hub = stage.node, stage.hub()
    serials = {1: "HUB1", 2: "HUB2", 3: "HUB3"}
    hub.plug()
    for port, serial in serials.items():
        hub.plug_adapter(port, serial)
    adapters = await node.found(hub.place, 3)
    links = {f"/dev/serial/by-id/usb-QEMU_QEMU_USB_SERIAL_{serial}-if00-port0" for serial in serials.values()}
    assert {offer.devices[0].host_path for offer in adapters} == links
    ids = {offer.id for offer in adapters}

    hub.unplug()
    await node.wait_unhealthy(*ids)

    hub.plug()
    for port, serial in zip((4, 2, 1), serials.values(), strict=True):
        hub.plug_adapter(port, serial)
    assert {offer.id for offer in await node.found(hub.place, 3)} == ids
