"""Serial adapters, each with its own driver: plugged, pulled, plugged in elsewhere."""

import os
import pathlib

from tests.vm.machine.models import SimpleModel, ch340, cp2102, ftdi
from tests.vm.machine.node import settle
from tests.vm.machine.served import ADAPTERS
from tests.vm.machine.stories import Stage

BY_ID = "/dev/serial/by-id"


async def an_ftdi_adapter_is_the_same_in_every_port(stage: Stage) -> None:
    await _is_the_same_in_every_port(stage, ftdi("FT1"), "usb-FTDI_FT232R_USB_UART_FT1-if00-port0")


async def a_cp2102_adapter_is_the_same_in_every_port(stage: Stage) -> None:
    name = "usb-Silicon_Labs_CP2102_USB_to_UART_Bridge_Controller_CP1-if00-port0"
    await _is_the_same_in_every_port(stage, cp2102("CP1"), name)


async def _is_the_same_in_every_port(stage: Stage, model: SimpleModel, name: str) -> None:
    node, (here, there) = stage.node, stage.ports(2)
    here.plug(model)
    (before,) = await node.found(here.place)
    (link,) = await node.found(here.place, resource=ADAPTERS)
    assert before.devices[0].host_path == f"{BY_ID}/{name}"
    assert os.path.realpath(before.devices[0].host_path) == before.devices[0].container_path
    assert link.paths == (f"{BY_ID}/{name}",)  # as its glob names it

    here.unplug()
    await node.wait_unhealthy(before.id)
    await node.wait_unhealthy(link.id, resource=ADAPTERS)

    there.plug(model)
    (after,) = await node.found(there.place)
    assert (after.id, after.devices[0].host_path) == (before.id, before.devices[0].host_path)
    await node.wait_healthy(link.id, resource=ADAPTERS)


async def an_arduino_is_the_same_in_every_port(stage: Stage) -> None:
    node, arduino = stage.node, await stage.arduino("ARD1")
    here, there = arduino.places
    arduino.plug(0)
    (before,) = await node.found(here)
    assert before.devices[0].host_path == f"{BY_ID}/usb-Arduino_Arduino_Uno_ARD1-if00"
    assert before.paths == ("/dev/ttyACM0",)

    arduino.unplug()
    await node.wait_unhealthy(before.id)

    arduino.plug(1)
    (after,) = await node.found(there)
    assert after == before


async def an_adapter_without_a_serial_number_is_known_by_its_port(stage: Stage) -> None:
    node, (one, other) = stage.node, stage.ports(2)
    one.plug(ch340())
    (here,) = await node.found(one.place)
    assert "/by-path/" in here.devices[0].host_path

    one.unplug()
    await node.wait_unhealthy(here.id)
    other.plug(ch340())
    (there,) = await node.found(other.place)
    assert there.id != here.id
    assert here.id not in node.healthy()

    other.unplug()
    await node.wait_unhealthy(there.id)
    one.plug(ch340())
    await node.wait_healthy(here.id)
    assert there.id not in node.healthy()


async def twins_without_serial_numbers_that_swap_their_ports_leave_each_port_its_device(stage: Stage) -> None:
    node, (left, right) = stage.node, stage.ports(2)
    left.plug(ch340())
    (first,) = await node.found(left.place)
    right.plug(ch340())
    (second,) = await node.found(right.place)
    # The link that both claim may have been the first one's, and is the second one's now.
    assert left.place.holds_all([(await node.offer(first.id)).devices[0].host_path])

    left.unplug()
    right.unplug()
    await node.wait_unhealthy(first.id, second.id)

    right.plug(ch340())  # in the other order, so that the kernel swaps their numbers
    await node.wait_healthy(second.id)
    assert first.id not in node.healthy()
    left.plug(ch340())
    await node.wait_healthy(first.id, second.id)

    for port, offer in ((left, first), (right, second)):
        (device,) = (await node.offer(offer.id)).devices
        assert port.place.holds_all([device.host_path])


async def an_adapter_that_was_pulled_while_it_was_in_use_comes_back_as_another_node_and_the_same_device(
    stage: Stage,
) -> None:
    node, (port,) = stage.node, stage.ports(1)
    port.plug(ftdi("HELD"))
    (offer,) = await node.found(port.place)
    (device,) = offer.devices
    before = os.path.realpath(device.host_path)

    user = os.open(before, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        port.unplug()
        await node.wait_unhealthy(offer.id)
        port.plug(ftdi("HELD"))
        await node.wait_healthy(offer.id)
        after = os.path.realpath(device.host_path)
        assert after != before
        assert pathlib.Path(after).is_char_device()
    finally:
        os.close(user)

    (again,) = await node.found(port.place)
    assert (again.id, again.devices[0].host_path) == (offer.id, device.host_path)


async def an_adapter_with_a_loose_contact_ends_as_it_is(stage: Stage) -> None:
    node, (port,) = stage.node, stage.ports(1)
    model = ftdi("LOOSE")
    port.plug(model)
    (offer,) = await node.found(port.place)
    for _ in range(10):
        port.unplug()
        port.plug(model)
    await settle()
    (again,) = await node.found(port.place)
    assert (again.id, again.devices[0].host_path) == (offer.id, offer.devices[0].host_path)
    port.unplug()
    await node.wait_unhealthy(offer.id)


async def nothing_was_listed_besides_what_was_plugged(stage: Stage) -> None:
    """For all stories up to now: no stick was another device as well, if for a moment only."""
    assert stage.node.ever_listed() == stage.node.found_ids()
