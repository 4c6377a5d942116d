"""What the plugin says of itself over HTTP is true in each phase of its life."""

import asyncio
import contextlib
import http.client
import subprocess
from collections.abc import Iterator

import pytest

from tests.lab.host import FakeHost
from tests.lab.node import SERIAL, every, metric, node, wait_for_metric, wait_until_listed
from tests.lab.plugin import PATIENCE, PluginProcess
from tests.lab.sticks import serial_adapter
from udev_device_plugin import __version__
from udev_device_plugin.testing.kubelet import Kubelet

TTYS = every("/dev/ttyUSB*", count=2)


async def test_ready_means_that_the_kubelet_listens_to_every_resource(host: FakeHost, plugin_directory: str) -> None:
    host.plug(serial_adapter())
    video = every("/dev/video*", name="video")
    async with PluginProcess.serving(TTYS, video, directory=plugin_directory) as plugin:
        await plugin.wait_for_message("devices are here")
        assert await plugin.get("/healthz") == (200, "ok\n")
        status, reasons = await plugin.get("/readyz")
        assert status == 503
        assert "no kubelet answers" in reasons
        assert await metric(plugin, "udev_device_plugin_kubelet_connected") == 0

        kubelet = Kubelet(plugin_directory)
        kubelet.misbehaviour.refuse_registration("squat.ai/video", "not today")
        async with kubelet:
            await kubelet.wait_for_devices(SERIAL, healthy=2)
            await plugin.wait_for_log(lambda line: "not today" in line.message)
            status, reasons = await plugin.get("/readyz")
            assert status == 503
            assert "squat.ai/video: the kubelet refuses the registration: not today" in reasons
            assert SERIAL not in reasons
            assert await metric(plugin, "udev_device_plugin_registrations_total", result="refused") >= 1

            kubelet.misbehaviour.behave()
            await wait_until_listed(kubelet, video)
            await wait_for_metric(plugin, "udev_device_plugin_kubelet_connected", 2)
            assert await plugin.get("/readyz") == (200, "ok\n")
            assert await plugin.get("/health") == (200, "ok\n")

        await plugin.wait_for_log(lambda line: "re-registering" in line.message and line.fields["resource"] == SERIAL)
        status, reasons = await plugin.get("/readyz")
        assert status == 503
        assert await plugin.get("/healthz") == (200, "ok\n")


async def test_the_origins_metrics_keep_their_names_and_meaning(host: FakeHost, plugin_directory: str) -> None:
    async with node(plugin_directory, TTYS) as here:
        first, second = serial_adapter("ttyUSB0", "A", "1-1"), serial_adapter("ttyUSB1", "B", "1-2")
        for stick in (first, second):
            host.plug(stick)
        await here.wait_for(healthy=4)
        assert await metric(here.plugin, "generic_device_plugin_devices", resource=SERIAL) == 4
        assert await metric(here.plugin, "generic_device_plugin_allocations_total", resource=SERIAL) == 0
        assert await metric(here.plugin, "generic_device_plugin_restarts_total", resource=SERIAL) == 0
        host.unplug(first)
        await here.wait_for(healthy=2, unhealthy=2)
        await here.kubelet.allocate(SERIAL)
        await here.kubelet.restart()
        await here.wait_for(healthy=2, unhealthy=2)
        assert await metric(here.plugin, "generic_device_plugin_devices", resource=SERIAL) == 2
        assert await metric(here.plugin, "generic_device_plugin_allocations_total", resource=SERIAL) == 1
        assert await metric(here.plugin, "generic_device_plugin_restarts_total", resource=SERIAL) == 1


async def test_our_own_metrics_tell_health_events_and_looks(host: FakeHost, plugin_directory: str) -> None:
    async with node(plugin_directory, TTYS) as here:
        first, second = serial_adapter("ttyUSB0", "A", "1-1"), serial_adapter("ttyUSB1", "B", "1-2")
        for stick in (first, second):
            host.plug(stick)
        await here.wait_for(healthy=4)
        host.unplug(first)
        await here.wait_for(healthy=2, unhealthy=2)
        await wait_for_metric(here.plugin, "udev_device_plugin_uevents_total", 4, action="remove")
        assert await metric(here.plugin, "udev_device_plugin_uevents_total", action="add") == 8
        devices = "udev_device_plugin_devices"
        assert await metric(here.plugin, devices, resource=SERIAL, health="Healthy") == 2
        assert await metric(here.plugin, "udev_device_plugin_rescans_total", source="udev") == 1
        assert await metric(here.plugin, "udev_device_plugin_overflows_total") == 0
        await wait_for_metric(here.plugin, "udev_device_plugin_uevent_to_list_seconds_count", 1)
        assert await metric(here.plugin, "udev_device_plugin_build_info", version=__version__) == 1


async def test_other_pages_are_not_there_and_say_which_are(host: FakeHost, plugin_directory: str) -> None:
    host.plug(serial_adapter())
    async with node(plugin_directory, TTYS) as here:
        status, text = await here.plugin.get("/nothing")
        assert status == 404
        assert "/metrics" in text


@pytest.fixture
def neighbour() -> Iterator[str]:
    """An address of this namespace that is no loopback address, as a neighbour has."""
    address = "192.0.2.1"
    subprocess.run(["ip", "address", "add", f"{address}/32", "dev", "lo"], check=True)
    yield address
    subprocess.run(["ip", "address", "del", f"{address}/32", "dev", "lo"], check=True)


def ask(client: str, server: str, path: str) -> tuple[int, str]:
    """Ask the plugin at `server`, from the address `client`."""
    connection = http.client.HTTPConnection(server, timeout=PATIENCE, source_address=(client, 0))
    with contextlib.closing(connection):
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


@pytest.mark.parametrize(("setting", "statuses"), [("local", (200, 403)), ("any", (200, 200)), ("off", (403, 403))])
async def test_devices_are_shown_to_whom_the_setting_says(
    host: FakeHost, plugin_directory: str, neighbour: str, setting: str, statuses: tuple[int, int]
) -> None:
    host.plug(serial_adapter(serial="A1B2"))
    async with node(plugin_directory, TTYS, arguments=("--listen", ":0", "--status", setting)) as here:
        await here.wait_for(healthy=2)
        _, _, port = (await here.plugin.address()).rpartition(":")
        for client, status in zip(("127.0.0.1", neighbour), statuses, strict=True):
            server = f"{client}:{port}"
            for path in ("/devices", "/"):
                seen, text = await asyncio.to_thread(ask, client, server, path)
                assert (seen, "A1B2" in text) == (status, status == 200)
            for path in ("/healthz", "/readyz"):
                assert await asyncio.to_thread(ask, client, server, path) == (200, "ok\n")
            assert "generic_device_plugin_devices" in (await asyncio.to_thread(ask, client, server, "/metrics"))[1]
