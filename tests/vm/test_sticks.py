"""Serial adapters, each with its own driver: plugged, pulled, plugged in elsewhere."""

import os
import pathlib

import pytest

from tests.lab.node import SERIAL
from tests.lab.vm.gadget import Arduino
from tests.lab.vm.models import SimpleModel, ch340, cp2102, ftdi
from tests.lab.vm.node import VmNode, settle
from tests.lab.vm.usbip import Port

BY_ID = "/dev/serial/by-id"
ADAPTERS = "squat.ai/adapters"

Ports = tuple[Port, ...]


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (ftdi("FT1"), "usb-FTDI_FT232R_USB_UART_FT1-if00-port0"),
        (cp2102("CP1"), "usb-Silicon_Labs_CP2102_USB_to_UART_Bridge_Controller_CP1-if00-port0"),
    ],
    ids=["ftdi_sio", "cp210x"],
)
async def test_an_adapter_with_a_serial_number_is_the_same_in_every_port(
    node: VmNode, ports: Ports, model: SimpleModel, name: str
) -> None:
    ports[0].plug(model)
    (before,) = await node.newcomers()
    assert before.devices[0].host_path == f"{BY_ID}/{name}"
    assert os.path.realpath(before.devices[0].host_path) == before.devices[0].container_path

    ports[0].unplug()
    await node.wait_unhealthy(before.id)

    ports[1].plug(model)
    await node.wait_healthy(before.id)
    assert await node.offer(before.id) == before


async def test_an_arduino_is_the_same_in_every_port(node: VmNode, arduino: Arduino) -> None:
    arduino.plug(0)
    (before,) = await node.newcomers()
    assert before.devices[0].host_path == f"{BY_ID}/usb-Arduino_Arduino_Uno_ARD1-if00"
    assert before.paths == ("/dev/ttyACM0",)

    arduino.unplug()
    await node.wait_unhealthy(before.id)

    arduino.plug(1)
    await node.wait_healthy(before.id)
    assert node.healthy() == {before.id}


async def test_an_adapter_without_a_serial_number_is_known_by_its_port(node: VmNode, ports: Ports) -> None:
    ports[2].plug(ch340())
    (here,) = await node.newcomers()
    assert "/by-path/" in here.devices[0].host_path

    ports[2].unplug()
    await node.wait_unhealthy(here.id)
    ports[3].plug(ch340())
    (there,) = await node.newcomers(besides=[here.id])
    assert here.id not in node.healthy()

    ports[3].unplug()
    await node.wait_unhealthy(there.id)
    ports[2].plug(ch340())
    await node.wait_healthy(here.id)
    assert there.id not in node.healthy()


async def test_twins_without_serial_numbers_that_swap_their_ports_leave_each_port_its_device(
    node: VmNode, ports: Ports
) -> None:
    one, other = ch340(), ch340()
    ports[4].plug(one)
    (first,) = await node.newcomers()
    ports[5].plug(other)
    (second,) = await node.newcomers(besides=[first.id])
    nodes = [os.path.realpath(offer.devices[0].host_path) for offer in (first, second)]
    assert nodes == [offer.paths[0] for offer in (first, second)]

    ports[4].unplug()
    ports[5].unplug()
    await node.wait_unhealthy(first.id, second.id)

    ports[5].plug(one)  # in the other order, so that the kernel swaps their numbers
    await node.wait_healthy(second.id)
    assert first.id not in node.healthy()
    ports[4].plug(other)
    await node.wait_healthy(first.id, second.id)

    assert node.healthy() == {first.id, second.id}
    assert [os.path.realpath(offer.devices[0].host_path) for offer in (first, second)] == nodes[::-1]


async def test_an_adapter_that_was_pulled_while_it_was_in_use_comes_back_as_another_node_and_the_same_device(
    node: VmNode, ports: Ports
) -> None:
    known = node.ids()
    ports[0].plug(ftdi("HELD"))
    (offer,) = await node.newcomers()
    (device,) = offer.devices
    before = os.path.realpath(device.host_path)

    user = os.open(before, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        ports[0].unplug()
        await node.wait_unhealthy(offer.id)
        ports[0].plug(ftdi("HELD"))
        await node.wait_healthy(offer.id)
        after = os.path.realpath(device.host_path)
        assert after != before
        assert pathlib.Path(after).is_char_device()
    finally:
        os.close(user)

    assert node.ids() - known == {offer.id}
    assert (await node.offer(offer.id)).devices[0].host_path == device.host_path


async def test_an_adapter_with_a_loose_contact_ends_as_it_is(node: VmNode, ports: Ports) -> None:
    known = node.ids()
    model = ftdi("LOOSE")
    ports[1].plug(model)
    (offer,) = await node.newcomers()
    for _ in range(10):
        ports[1].unplug()
        ports[1].plug(model)
    settle()
    await node.wait_healthy(offer.id)
    ports[1].unplug()
    await node.wait_unhealthy(offer.id)
    assert node.ids() - known == {offer.id}


async def test_a_link_that_a_glob_names_is_offered_as_well(node: VmNode, ports: Ports) -> None:
    ports[6].plug(cp2102("CP2"))
    (tty,) = await node.newcomers(resource=SERIAL)
    (link,) = await node.newcomers(resource=ADAPTERS)
    assert link.paths == (tty.devices[0].host_path,)
    ports[6].unplug()
    await node.wait_unhealthy(tty.id)
    await node.wait_unhealthy(link.id, resource=ADAPTERS)
