"""Takes pictures of the status page with a few things plugged, pulled and held: see hack/screenshot."""

import argparse
import asyncio
import json
import tempfile

from tests.lab.browser import DESKTOP, PHONE, Browser, chromium
from tests.lab.host import FakeHost
from tests.lab.node import every, together
from tests.lab.plugin import PluginProcess
from tests.lab.sticks import CP2102, camera, serial_adapter, sound_card
from udev_device_plugin.testing.kubelet import Kubelet

SERIAL, CAPTURE, CAMERA = "squat.ai/serial", "squat.ai/capture", "squat.ai/camera"


async def play(host: FakeHost, kubelet: Kubelet, plugin: PluginProcess) -> None:
    """Something for the picture."""
    meter = serial_adapter("ttyUSB0", "A50285BI", "1-1")
    zigbee = serial_adapter("ttyUSB1", "0001A2", "1-2", product=CP2102)
    gps = serial_adapter("ttyUSB2", "D309GK61", "1-4.1")
    for stick in (meter, zigbee, gps, camera(0, "3F2A11C0", "1-3"), sound_card(0, "1-5")):
        host.plug(stick)
        await asyncio.sleep(0.1)
    await kubelet.wait_for_devices(SERIAL, healthy=3)
    _, text = await plugin.get("/devices")
    listed = next(resource["devices"] for resource in json.loads(text)["resources"] if resource["name"] == SERIAL)
    ids = {device["members"][0]["node"]: device["replicas"][0]["id"] for device in listed}
    await kubelet.allocate(
        SERIAL, ids=[ids[meter.devnode]], namespace="energy", pod="smart-meter-0", container="reader"
    )
    await kubelet.allocate(
        SERIAL, ids=[ids[zigbee.devnode]], namespace="home", pod="zigbee2mqtt-7d9f4", container="bridge"
    )
    await kubelet.allocate(CAMERA, namespace="yard", pod="motion-0", container="motion")
    host.unplug(zigbee)
    await kubelet.wait_for_devices(SERIAL, healthy=2, unhealthy=1)


async def main(folder: str, is_all: bool) -> None:
    """Everything, from an empty host to pictures."""
    host = FakeHost()
    with tempfile.TemporaryDirectory(dir="/run") as directory, tempfile.TemporaryDirectory(dir="/run") as pods:
        socket = f"{pods}/kubelet.sock"
        plugin = PluginProcess.serving(
            every("/dev/ttyUSB*"),
            every("/dev/video0", name="camera", count=2),
            together("/dev/snd/controlC*", {"path": "/dev/snd/pcmC*D0p", "mountPath": "/dev/snd/"}, name="capture"),
            directory=directory,
            arguments=("--pod-resources-socket", socket),
        )
        plugin.is_quiet = True
        async with Kubelet(directory, pod_resources_socket=socket) as kubelet, plugin:
            await play(host, kubelet, plugin)
            address = await plugin.address()
            await asyncio.sleep(3.5)  # until the kubelet is asked again which pods hold what
            await asyncio.to_thread(take, address, folder, is_all)
    host.close()


def take(address: str, folder: str, is_all: bool) -> None:
    """The pictures."""
    with chromium(["--force-device-scale-factor=1"]) as browser:
        browser.prefer(prefers_color_scheme="light", prefers_reduced_motion="reduce")
        _picture(browser, address, DESKTOP, f"{folder}/status-page.png")
        if is_all:
            browser.prefer(prefers_color_scheme="dark", prefers_reduced_motion="reduce")
            _picture(browser, address, DESKTOP, f"{folder}/status-page-dark.png")
            _picture(browser, address, PHONE, f"{folder}/status-page-phone.png")


def _picture(browser: Browser, address: str, size: tuple[int, int], path: str) -> None:
    browser.resize(size)
    browser.open(address)
    browser.wait_until(lambda: "motion-0" in browser.text(), "a pod that holds something")
    browser.picture(path, is_whole=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--all", action="store_true")
    arguments = parser.parse_args()
    asyncio.run(main(arguments.folder, arguments.all))
