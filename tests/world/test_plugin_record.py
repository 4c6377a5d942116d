"""The identity record: whatever kind of device was offered, the next process reads what this one wrote of it."""

import json
from pathlib import Path

from tests.lab.host import FakeHost
from tests.lab.node import every, offers, resource_of, together, until_dropped, wait_until_listed
from tests.lab.plugin import PluginProcess
from tests.lab.sticks import BARE, accelerator, camera, ch340, modem, serial_adapter, sound_card
from tests.world.more_sticks import scanner
from udev_device_plugin.filesystem.own_directory import NAME as OWN_DIRECTORY
from udev_device_plugin.testing.kubelet import Kubelet


def group(name: str, **entries: object) -> str:
    return json.dumps({"name": name, "groups": [entries]})


ALIASED = {"vendor": "1a6e", "product": "089a", "aliases": [{"vendor": "18d1", "product": "9302"}]}
MAYBE = {"path": "/etc/asound*", "type": "Mount", "optional": True}
SPECS = (
    every("/dev/ttyUSB*", name="globs", count=2),
    every("/dev/ttyUSB0", "/dev/null", name="literal"),
    every("/dev/snd", name="directory"),
    every("/dev/unknown*", name="unknown"),
    together("/dev/video*", {"path": "/dev/snd/pcm*", "limit": 9}, MAYBE, name="zipped"),
    together("/dev/ttyUSB0", {"path": "/dev/serial/by-id/*", "optional": True}, name="twice"),
    together({"path": "/dev/snd/*", "optional": True}, name="optional"),
    together({"path": "/etc/host*", "type": "Mount"}, name="mounts"),
    group("rule", udev=['SUBSYSTEM=="tty"']),
    group("raw", usb=[{"vendor": "0403", "product": "6001"}]),
    group("modem", usb=[{"vendor": "2c7c", "product": "0125", "nodes": {"tty": 4, "usbmisc": 1}}]),
    group("open", usb=[{"vendor": "2c7c", "product": "0125", "nodes": ["tty"]}]),
    group("aliases", usb=[ALIASED]),
    group("hid", hid=[{"vendor": "05e0", "product": "1200"}]),
)


async def test_the_next_process_reads_the_record_whatever_was_offered(host: FakeHost, plugin_directory: str) -> None:
    for stick in (serial_adapter(), ch340("ttyUSB1", "1-11"), modem(2), camera(), sound_card(), scanner(port="1-6")):
        host.plug(stick)
    host.plug(accelerator(BARE, "1-8"))
    names = list(map(resource_of, SPECS))
    async with Kubelet(plugin_directory) as kubelet:
        async with PluginProcess.serving(*SPECS, directory=plugin_directory) as plugin:
            await wait_until_listed(kubelet, *SPECS)
            before = {name: await offers(kubelet, name) for name in names}
            assert [name for name, offered in before.items() if not offered] == ["squat.ai/unknown"]
            async with until_dropped(kubelet, *names):
                assert await plugin.terminate() == 0
        records = list((Path(plugin_directory) / OWN_DIRECTORY).glob(".offered-*.json"))
        assert len(records) == len(SPECS)
        async with PluginProcess.serving(*SPECS, directory=plugin_directory) as plugin:
            await wait_until_listed(kubelet, *SPECS)
            assert {name: await offers(kubelet, name) for name in names} == before
            assert [line.message for line in plugin.log if line.fields["level"] in ("warn", "error")] == [
                line.message for line in plugin.log if "offer the same device nodes" in line.message
            ]
            assert await plugin.terminate() == 0
