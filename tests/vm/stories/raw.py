"""Raw USB nodes: a real program of libusb's in a container, and a stick that shows itself as another one."""

import os
import re

from tests.vm.machine.container import said_in_container
from tests.vm.machine.models import accelerator, radio
from tests.vm.machine.served import ACCELERATORS, RADIOS
from tests.vm.machine.stories import Stage
from udev_device_plugin.testing.records import Allocation

LSUSB = ("lsusb", "-v", "-d", "0bda:2838")
"""It opens each such stick to ask for its status, and libusb says what it is refused."""

EPERM = 1


async def a_container_opens_its_own_stick_by_libusb_and_no_other_before_and_after_a_replug(stage: Stage) -> None:
    node, (here, there) = stage.node, stage.ports(2)
    here.plug(radio("RAW1"))
    there.plug(radio("RAW2"))
    (offer,) = await node.found(here.place, resource=RADIOS)
    (other,) = await node.found(there.place, resource=RADIOS)
    pod = await node.allocate(offer.id, RADIOS)
    await node.kubelet.start_container(pod)
    before = os.path.realpath(offer.devices[0].host_path)
    await _opens_its_own_alone(pod, own=before, other=os.path.realpath(other.devices[0].host_path))

    here.unplug()
    await node.wait_unhealthy(offer.id, resource=RADIOS)
    here.plug(radio("RAW1"))
    await node.wait_healthy(offer.id, resource=RADIOS)
    after = os.path.realpath(offer.devices[0].host_path)
    assert after != before, "the kernel counts on"
    await node.kubelet.start_container(pod)  # again, with the answer of the first time
    await _opens_its_own_alone(pod, own=after, other=os.path.realpath(other.devices[0].host_path))
    node.kubelet.release(pod)


async def _opens_its_own_alone(pod: Allocation, *, own: str, other: str) -> None:
    said = await said_in_container(pod.response, *LSUSB)
    assert _opened(said) == [own], said
    refused = re.findall(r"couldn't open USB device (\S+), errno=(\d+)", said)
    assert {path: int(error) for path, error in refused} == {other: EPERM}, said
    (path,) = (device.container_path for device in pod.response.devices)
    listed = await said_in_container(pod.response, "ls", path, own, other)
    assert listed.split() == sorted([path, own, other]), "it sees all, and its own twice"


def _opened(said: str) -> list[str]:
    """The devices that lsusb has opened: of these it knows the status, which only a transfer tells."""
    told = (text for text in re.split(r"^(?=Bus )", said, flags=re.MULTILINE) if "\nDevice Status:" in text)
    numbers = (re.match(r"Bus (\d+) Device (\d+):", text) for text in told)
    return [f"/dev/bus/usb/{number[1]}/{number[2]}" for number in numbers if number is not None]


async def a_thing_that_shows_itself_as_another_one_at_the_other_port_of_its_socket_stays_the_same(stage: Stage) -> None:
    node, (here, there) = stage.node, stage.ports(2)
    here.plug(accelerator(is_loaded=False))
    (offer,) = await node.found(here.place, resource=ACCELERATORS)
    pod = await node.allocate(offer.id, ACCELERATORS)
    here.unplug()
    await node.wait_unhealthy(offer.id, resource=ACCELERATORS)

    here.plug(accelerator(is_loaded=True), is_super_speed=True)
    await node.wait_healthy(offer.id, resource=ACCELERATORS)
    await node.kubelet.start_container(pod)
    said = await said_in_container(pod.response, "lsusb", "-v", "-d", "18d1:9302")
    assert _opened(said) == [os.path.realpath(offer.devices[0].host_path)], said

    there.plug(accelerator(is_loaded=False))
    (other,) = await node.found(there.place, resource=ACCELERATORS)
    assert other.id != offer.id
    node.kubelet.release(pod)
