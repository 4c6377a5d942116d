"""From the version before the identity record had a checksum: nothing is lost, and nothing offered twice.

What that version leaves behind is made of what this one leaves behind: its record in format 1, and a dead socket in the
plugin directory itself. With `UPGRADE_FROM=<a checkout of that version>` that version itself runs first.
"""

import json
import os
import socket
import sys
from pathlib import Path

from tests.lab.host import FakeHost
from tests.lab.node import Offer, every, offers, until_dropped, wait_until_listed
from tests.lab.plugin import PLUGIN, PluginProcess
from tests.lab.sticks import modem, serial_adapter
from udev_device_plugin.filesystem.own_directory import NAME as OWN_DIRECTORY
from udev_device_plugin.testing.kubelet import Kubelet

TTYS = every("/dev/ttyUSB*")
MODEMS = every("/dev/cdc-wdm*", name="modems")
NUMBERS = {"squat.ai/serial": 2 + 4, "squat.ai/modems": 1}
FORMER = os.environ.get("UPGRADE_FROM", "")
FORMER_PLUGIN = (
    sys.executable,
    "-c",
    f"import sys; sys.path.insert(0, {FORMER!r}); from udev_device_plugin.app.cli import main; sys.exit(main())",
)


def as_the_former_version_leaves_it(directory: str) -> None:
    """Write the records as that version does, and leave a socket behind where it has them."""
    own = Path(directory) / OWN_DIRECTORY
    for path in own.glob(".offered-*.json"):
        head, _, body = path.read_bytes().partition(b"\n")
        assert head.startswith(b"udev-device-plugin record 2 ")
        document = json.loads(body)
        for line in document["offered"]:
            line[2] = [None if member is None else in_format_1(member, f"{own}/") for member in line[2]]
        path.write_text(json.dumps(document))
    for path in own.glob("*.sock"):
        path.unlink()
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(f"{directory}/{OWN_DIRECTORY}-serial-01234567.sock")


def in_format_1(member: list[object], own: str) -> list[object]:
    identity, path, node, numa_node, has_own_link, *of_usb_device = member
    target, links = os.path.realpath(str(path)), {os.path.realpath(own + name): own + name for name in os.listdir(own)}
    own_link = links[target] if has_own_link else ""
    return [node, numa_node, 0, identity, path, target, own_link or identity, own_link, *of_usb_device]


async def offered(kubelet: Kubelet) -> dict[str, tuple[Offer, ...]]:
    return {name: await offers(kubelet, name) for name in NUMBERS}


async def test_the_next_version_goes_on_with_what_the_former_one_offered(host: FakeHost, plugin_directory: str) -> None:
    first, clone = serial_adapter("ttyUSB0", "0001", "1-1"), serial_adapter("ttyUSB1", "0001", "1-2")
    async with Kubelet(plugin_directory) as kubelet:
        former = PluginProcess.serving(
            TTYS, MODEMS, directory=plugin_directory, command=FORMER_PLUGIN if FORMER else PLUGIN
        )
        async with former:
            host.plug(first)
            await kubelet.wait_for_devices("squat.ai/serial", healthy=1)
            host.plug(clone)  # by its port, as the first one has the serial number: which a start alone cannot know
            host.plug(modem(2, port="1-3"))
            for resource, number in NUMBERS.items():
                await kubelet.wait_for_devices(resource, healthy=number)
            pods = [await kubelet.allocate(resource, number) for resource, number in NUMBERS.items()]
            before, links = await offered(kubelet), own_links(plugin_directory)
            async with until_dropped(kubelet, *NUMBERS):
                await former.kill()
        if not FORMER:
            as_the_former_version_leaves_it(plugin_directory)
        lists = len(kubelet.history)
        async with PluginProcess.serving(TTYS, MODEMS, directory=plugin_directory) as plugin:
            await wait_until_listed(kubelet, TTYS, MODEMS)
            for resource, number in NUMBERS.items():
                await kubelet.wait_for_devices(resource, healthy=number)
            now = await offered(kubelet)
            assert {name: [one.id for one in given] for name, given in now.items()} == {
                name: [one.id for one in given] for name, given in before.items()
            }
            ids = {one.id for given in before.values() for one in given}
            assert all({one.id for one in message.devices} <= ids for message in kubelet.history[lists:])
            assert own_links(plugin_directory) == links
            for pod in pods:
                await kubelet.start_container(pod)
            assert await plugin.terminate() == 0
        assert [line for line in plugin.log if line.fields.get("level") == "error"] == []
        assert list(Path(plugin_directory).glob(f"{OWN_DIRECTORY}-*.sock")) == []
        records = list((Path(plugin_directory) / OWN_DIRECTORY).glob(".offered-*.json"))
        assert len(records) == 2
        assert all(path.read_bytes().startswith(b"udev-device-plugin record 2 ") for path in records)


def own_links(directory: str) -> dict[str, str]:
    """The plugin's links and where they lead to."""
    own = Path(directory) / OWN_DIRECTORY
    return {path.name: os.readlink(path) for path in own.iterdir() if path.is_symlink()}
