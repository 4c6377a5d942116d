"""One thing that shows itself under several ids (`aliases`) is one device, known by the socket that it is in."""

import json
import os
import signal
from dataclasses import replace

import pytest

from tests.lab.host import FakeHost
from tests.lab.listing import list_devices
from tests.lab.node import SERIAL, Node, node, until_dropped, wait_until_listed
from tests.lab.sticks import BARE, CP2102, LOADED, accelerator, joined
from tests.world.more_sticks import board, hub, root_hub
from udev_device_plugin.testing.records import AdmissionError, ContainerStartError

ENTRY: dict[str, object] = {"vendor": "1a6e", "product": "089a", "aliases": [{"vendor": "18d1", "product": "9302"}]}


def usb(*entries: dict[str, object], name: str = "serial", **options: object) -> str:
    return json.dumps({"name": name, "groups": [{"usb": entries, **options}]})


def plug_root_hubs(host: FakeHost) -> None:
    for one in joined(root_hub(1, 2), root_hub(2, 3), (2, 1), (3, 3)):
        host.plug(one, silent=True)


async def only_id(here: Node) -> str:
    await here.wait_for(healthy=1)
    await here.catch_up()
    (offer,) = await here.offers()
    return offer.id


async def test_it_is_one_device_before_and_after_its_firmware_is_loaded(host: FakeHost, plugin_directory: str) -> None:
    plug_root_hubs(host)
    async with node(plugin_directory, usb(ENTRY)) as here:
        bare, loaded = accelerator(BARE), accelerator(LOADED, "2-1", "A1", address=9)
        host.plug(bare)
        first = await only_id(here)
        pod = await here.kubelet.allocate(SERIAL)
        (given,) = pod.response.devices
        assert os.path.realpath(given.host_path) == bare.node.path  # type: ignore[union-attr]
        host.unplug(bare)
        await here.wait_for(healthy=0, unhealthy=1)
        with pytest.raises(ContainerStartError, match=r"usb:1a6e:089a:socket=2@.* is unplugged since"):
            await here.kubelet.start_container(pod)
        host.plug(loaded)  # at the other port of the socket, with a serial number
        await here.wait_for(healthy=1)
        await here.start(pod)
        assert os.path.realpath(given.host_path) == loaded.node.path  # type: ignore[union-attr]
        with pytest.raises(AdmissionError):  # nothing is free
            await here.kubelet.allocate(SERIAL)
        here.kubelet.release(pod)
        assert await only_id(here) == first
        assert here.most_listed() == 1


async def test_it_shows_itself_as_another_while_the_plugin_does_not_look(host: FakeHost, plugin_directory: str) -> None:
    plug_root_hubs(host)
    async with node(plugin_directory, usb(ENTRY)) as here:
        host.plug(accelerator(BARE, "2-1"))
        first = await only_id(here)
        with here.plugin.suspended():
            host.unplug(accelerator(BARE, "2-1"))
            host.plug(accelerator(LOADED, "1-2"))
        assert await only_id(here) == first
        with here.plugin.suspended():  # udevd does not say that it has gone
            host.vanish(accelerator(LOADED, "1-2"))
            host.plug(accelerator(BARE, "2-1", address=5))
        assert await only_id(here) == first
        assert here.most_listed() == 1


async def test_a_plugin_that_starts_while_it_is_the_other_one_knows_it(host: FakeHost, plugin_directory: str) -> None:
    plug_root_hubs(host)
    spec = usb(ENTRY)
    async with node(plugin_directory, spec) as here:
        host.plug(accelerator(BARE))
        first = await only_id(here)
        async with until_dropped(here.kubelet, SERIAL):
            here.plugin.signal(signal.SIGTERM)
            await here.plugin.wait()
        host.unplug(accelerator(BARE))
        host.plug(accelerator(LOADED))
        await here.plugin.start()
        await wait_until_listed(here.kubelet, spec)
        assert await only_id(here) == first


async def test_what_it_hands_over_is_found_wherever_it_is_within_the_stick(
    host: FakeHost, plugin_directory: str
) -> None:
    plug_root_hubs(host)
    async with node(plugin_directory, usb({**ENTRY, "nodes": ["tty"]})) as here:
        itself, bootloader = board(BARE, 2, "ttyUSB4", serial="B1"), board(LOADED, 0, "ttyUSB1", "2-1")
        host.plug(itself)
        first = await only_id(here)
        pod = await here.kubelet.allocate(SERIAL)
        host.unplug(itself)
        host.plug(bootloader)
        await here.wait_for(healthy=1)
        await here.start(pod)
        assert os.path.realpath(pod.response.devices[0].host_path) == "/dev/ttyUSB1"
        here.kubelet.release(pod)
        assert await only_id(here) == first


async def test_while_it_has_not_what_it_hands_over_it_is_unhealthy(host: FakeHost, plugin_directory: str) -> None:
    async with node(plugin_directory, usb({**ENTRY, "nodes": {"tty": 1}})) as here:
        itself = board(BARE, 0, "ttyUSB0")
        host.plug(itself)
        first = await only_id(here)
        host.unplug(itself)
        host.plug(accelerator(LOADED))
        await here.wait_for(healthy=0, unhealthy=1)
        host.unplug(accelerator(LOADED))
        host.plug(itself)
        assert await only_id(here) == first


async def test_entries_side_by_side_are_several_things_and_so_are_several_sockets(
    host: FakeHost, plugin_directory: str
) -> None:
    plug_root_hubs(host)
    other: dict[str, object] = {"vendor": CP2102.vendor, "product": CP2102.product}
    async with node(plugin_directory, usb(ENTRY, other)) as here:
        host.plug(accelerator(BARE))
        await here.wait_for(healthy=1)
        host.plug(accelerator(BARE, "1-3"))
        await here.wait_for(healthy=2)
        host.unplug(accelerator(BARE))
        host.plug(accelerator(CP2102))
        await here.wait_for(healthy=2, unhealthy=1)


def test_it_is_excluded_whatever_it_is_now_and_told_of(host: FakeHost) -> None:
    plug_root_hubs(host)
    host.plug(hub("1-1"))
    host.plug(accelerator(LOADED))
    host.plug(accelerator(LOADED, "1-1.1"))
    host.plug(accelerator(replace(LOADED, product="9303"), "1-3"))
    every = {"type": "raw", "paths": ["/dev/bus/usb/*/*"], "exclude": [{"usb": ENTRY}]}
    listed = list_devices(usb(ENTRY), json.dumps(every))
    matches, nodes = listed.selector("serial")["matches"], ("/dev/bus/usb/001/003", "/dev/bus/usb/001/010")
    assert sorted(match["node"] for match in matches) == [*nodes]
    assert "twin" not in listed.output, "as each has a socket of its own"
    assert listed.selector("serial")["selector"] == "usb 1a6e:089a or 18d1:9302"
    assert listed.why_not("serial") == {"1-3 (18d1:9303)": "product is 9303, wanted 9302"}
    assert listed.why_not("raw") == dict.fromkeys(nodes, "is excluded by usb 1a6e:089a or 18d1:9302")
