"""What a person reads of a container that waits is what is the matter."""

import json
import os
from dataclasses import replace

import pytest

from tests.lab.host import FakeHost
from tests.lab.node import SERIAL, every, node
from tests.lab.records import FakeDevice, Stick
from tests.lab.sticks import serial_adapter
from udev_device_plugin.testing.records import ContainerStartError

RULE = 'SUBSYSTEM=="tty", ENV{ID_SERIAL_SHORT}=="A1B2"'


def lone() -> Stick:
    """A device of the board, of which nothing else is known."""
    stick = serial_adapter("ttyUSB7")
    main = replace(stick.main, devpath="/devices/platform/serial0/tty/ttyUSB7", links=())
    return Stick((main,))


@pytest.mark.parametrize("stick", [serial_adapter(), lone()], ids=["a stick", "a device of the board"])
async def test_a_device_that_a_rule_does_not_match_any_more_is_not_called_unplugged(
    host: FakeHost, plugin_directory: str, stick: Stick
) -> None:
    host.plug(stick)
    spec = json.dumps({"name": "serial", "groups": [{"udev": [RULE]}]})
    async with node(plugin_directory, spec) as here:
        await here.wait_for(healthy=1)
        pod = await here.kubelet.allocate(SERIAL)
        others = {name: value for name, value in stick.main.properties.items() if name != "ID_SERIAL_SHORT"}
        host.change(replace(stick.main, properties=others))
        await here.wait_for(healthy=0, unhealthy=1)
        with pytest.raises(ContainerStartError, match="is plugged in, but no longer matches: SUBSYSTEM==") as caught:
            await here.kubelet.start_container(pod)
        assert RULE in str(caught.value)
        assert "unplugged" not in str(caught.value)
        host.unplug(stick)
        with pytest.raises(ContainerStartError, match="is unplugged since"):
            await here.kubelet.start_container(pod)


async def test_a_link_that_is_gone_is_called_gone(host: FakeHost, plugin_directory: str) -> None:
    stick = serial_adapter()
    host.plug(stick)
    async with node(plugin_directory, every("/dev/ttyUSB*")) as here:
        await here.wait_for(healthy=1)
        pod = await here.kubelet.allocate(SERIAL)
        main: FakeDevice = stick.main
        host.change(replace(main, links=tuple(link for link in main.links if "by-id" not in link)))
        await here.catch_up()
        with pytest.raises(ContainerStartError, match=f"{stick.by_id} is not there any more") as caught:
            await here.kubelet.start_container(pod)
        assert "serial number" not in str(caught.value)
        os.makedirs(os.path.dirname(stick.by_id), exist_ok=True)
        os.symlink(stick.devnode, stick.by_id)  # by somebody, but not by udev
        with pytest.raises(ContainerStartError, match=f"{stick.by_id} is a link that udev does not vouch for"):
            await here.kubelet.start_container(pod)
        host.change(main)
        await here.start(pod)
