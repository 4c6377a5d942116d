"""Devices of several nodes, and several devices behind a hub: what belongs together comes and goes together."""

import glob
import os

from tests.lab.vm.models import Camera, modem
from tests.lab.vm.node import VmNode, write
from tests.lab.vm.qemu import Hub
from tests.lab.vm.usbip import Port

VIDEO, CAMERAS, MODEMS = "squat.ai/video", "squat.ai/cameras", "squat.ai/modems"

Ports = tuple[Port, ...]


async def test_a_camera_is_a_node_for_pictures_and_one_for_metadata(node: VmNode, ports: Ports) -> None:
    ports[0].plug(Camera("CAM1"))
    nodes = await node.newcomers(2, resource=VIDEO)
    (pictures,) = await node.newcomers(resource=CAMERAS)
    link = "/dev/v4l/by-id/usb-046d_HD_Webcam_CAM1-video-index"
    assert {offer.devices[0].host_path for offer in nodes} == {f"{link}0", f"{link}1"}
    assert pictures.paths == (f"{link}0",)

    ports[0].unplug()
    await node.wait_unhealthy(*(offer.id for offer in nodes), resource=VIDEO)
    await node.wait_unhealthy(pictures.id, resource=CAMERAS)

    ports[1].plug(Camera("CAM1"))
    await node.wait_healthy(*(offer.id for offer in nodes), resource=VIDEO)
    await node.wait_healthy(pictures.id, resource=CAMERAS)


async def test_a_modem_is_four_ttys_and_a_control_node(node: VmNode, ports: Ports) -> None:
    ports[2].plug(modem())
    serial = await node.newcomers(4)
    (control,) = await node.newcomers(resource=MODEMS)
    assert len({offer.devices[0].host_path for offer in serial}) == 4
    # udev has no link for it, so the plugin has one of its own.
    assert control.devices[0].host_path.startswith("/run/plugins/")
    assert os.path.realpath(control.devices[0].host_path) == control.paths[0]

    ports[2].unplug()
    await node.wait_unhealthy(*(offer.id for offer in serial))
    await node.wait_unhealthy(control.id, resource=MODEMS)

    ports[2].plug(modem())
    await node.wait_healthy(*(offer.id for offer in serial))
    await node.wait_healthy(control.id, resource=MODEMS)


async def test_an_interface_whose_driver_lets_go_takes_its_own_node_alone(node: VmNode, ports: Ports) -> None:
    ports[3].plug(modem())
    serial = await node.newcomers(4)
    lost = next(offer for offer in serial if ":1.2-" in offer.devices[0].host_path)
    (interface,) = glob.glob("/sys/bus/usb/drivers/option/*:1.2")

    write("/sys/bus/usb/drivers/option/unbind", os.path.basename(interface))
    await node.wait_unhealthy(lost.id)
    assert {offer.id for offer in serial} - node.healthy() == {lost.id}

    write("/sys/bus/usb/drivers/option/bind", os.path.basename(interface))
    await node.wait_healthy(*(offer.id for offer in serial))


async def test_a_hub_that_is_pulled_takes_all_that_is_in_it(node: VmNode, hub: Hub) -> None:
    known = node.ids()
    serials = {1: "HUB1", 2: "HUB2", 3: "HUB3"}
    hub.plug()
    for port, serial in serials.items():
        hub.plug_adapter(port, serial)
    adapters = await node.newcomers(3)
    links = {f"/dev/serial/by-id/usb-QEMU_QEMU_USB_SERIAL_{serial}-if00-port0" for serial in serials.values()}
    assert {offer.devices[0].host_path for offer in adapters} == links
    ids = [offer.id for offer in adapters]

    hub.unplug()
    await node.wait_unhealthy(*ids)

    hub.plug()
    for port, serial in zip((4, 2, 1), serials.values(), strict=True):
        hub.plug_adapter(port, serial)
    await node.wait_healthy(*ids)
    assert node.ids() - known == set(ids)
