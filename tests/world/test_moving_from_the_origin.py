"""Who comes from the generic-device-plugin brings arguments and files along: they do the same here, unchanged.

The arguments are the origin's to the letter (`tests.world.origin`); where the kubelet is, the environment says.
"""

import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.lab import origin
from tests.lab.fake_plugin import FakePlugin, served
from tests.lab.host import FakeHost
from tests.lab.node import is_listed, metric, offers, until_dropped
from tests.lab.plugin import PATIENCE, PLUGIN, PluginProcess
from tests.lab.records import FakeDevice, FakeNode, Stick
from tests.lab.sticks import Product, camera, ch340, serial_adapter, sound_card
from udev_device_plugin.kubelet.api.v1beta1 import api_pb2
from udev_device_plugin.testing.kubelet import Kubelet
from udev_device_plugin.testing.records import Mount

RTL_SDR = Product("0bda", "2838", "Realtek", "RTL2838UHIDIR", "")
OF_THE_EXAMPLE = Product("1209", "000f", "Generic", "Example", "")
FUSE = FakeDevice("/devices/virtual/misc/fuse", "misc", node=FakeNode("fuse", 10, 229))
ACM = FakeDevice("/devices/platform/acm/tty/ttyACM0", "tty", node=FakeNode("ttyACM0", 166, 0))


def microphone(card: int) -> FakeDevice:
    """The capture node of a sound card."""
    path = f"/devices/platform/microphones/sound/pcmC{card}D0c"
    return FakeDevice(path, "sound", node=FakeNode(f"snd/pcmC{card}D0c", 116, 32 * card + 24))


def console(number: int) -> FakeDevice:
    return FakeDevice(f"/devices/virtual/tty/tty{number}", "tty", node=FakeNode(f"tty{number}", 4, number))


def plug_usual_devices(host: FakeHost) -> None:
    """What the origin's manifest is made for: two serial devices, a camera, FUSE, two sound cards to record from."""
    cards = [sound_card(0, "1-4"), sound_card(1, "1-5")]
    things: list[FakeDevice | Stick] = [serial_adapter(), ACM, camera(), FUSE, *cards, microphone(0), microphone(1)]
    for thing in things:
        host.plug(thing)


def place(directory: str) -> dict[str, str]:
    """Where a test has its kubelet, and a port: as variables, so that the arguments can be the origin's alone."""
    return {"UDEV_DEVICE_PLUGIN_PLUGIN_DIRECTORY": directory, "UDEV_DEVICE_PLUGIN_LISTEN": "127.0.0.1:0"}


@asynccontextmanager
async def moved(
    directory: str, arguments: Sequence[str], *resources: str, command: Sequence[str] = PLUGIN
) -> AsyncIterator[tuple[Kubelet, PluginProcess]]:
    """A kubelet, and the plugin with these arguments alone, once it has listed these resources."""
    plugin = PluginProcess(*arguments, command=command, environment=place(directory))
    async with Kubelet(directory) as kubelet, plugin:
        await kubelet.wait_until(lambda seen: all(is_listed(seen, name) for name in resources), timeout=PATIENCE)
        yield kubelet, plugin


async def offered(kubelet: Kubelet, resource: str) -> list[tuple[str, ...]]:
    """The container paths of each healthy device, sorted."""
    return sorted(offer.paths for offer in await offers(kubelet, resource) if offer.is_healthy)


async def offered_nodes(kubelet: Kubelet, resource: str) -> list[tuple[str, ...]]:
    """The nodes of each healthy device, sorted."""
    return sorted(offer.nodes for offer in await offers(kubelet, resource) if offer.is_healthy)


async def test_a_device_for_five_goes_to_one_container_five_times_or_to_five(
    host: FakeHost, plugin_directory: str
) -> None:
    host.plug(camera())
    async with moved(plugin_directory, origin.VIDEO_FIVE_TIMES, "squat.ai/video") as (kubelet, plugin):
        assert await offered(kubelet, "squat.ai/video") == [("/dev/video0",)] * 5
        assert await metric(plugin, "generic_device_plugin_devices", resource="squat.ai/video") == 5
        before = await metric(plugin, "generic_device_plugin_allocations_total", resource="squat.ai/video")
        pod = await kubelet.allocate("squat.ai/video", 5)  # as the README's pod asks for it
        (device,) = pod.response.devices
        assert (device.container_path, device.host_path, device.permissions) == ("/dev/video0", "/dev/video0", "mrw")
        after = await metric(plugin, "generic_device_plugin_allocations_total", resource="squat.ai/video")
        assert after - before == 1


@pytest.mark.parametrize("arguments", [origin.SERIAL_BY_TYPE, origin.SERIAL], ids=["type", "name"])
async def test_each_serial_device_is_one(arguments: Sequence[str], host: FakeHost, plugin_directory: str) -> None:
    for thing in (serial_adapter("ttyUSB0", "A", "1-1"), serial_adapter("ttyUSB1", "B", "1-2"), ACM):
        host.plug(thing)
    async with moved(plugin_directory, arguments, "squat.ai/serial") as (kubelet, _plugin):
        await kubelet.wait_for_devices("squat.ai/serial", healthy=3)
        assert await offered(kubelet, "squat.ai/serial") == [("/dev/ttyACM0",), ("/dev/ttyUSB0",), ("/dev/ttyUSB1",)]


async def test_the_manifests_arguments_offer_what_its_note_says(host: FakeHost, plugin_directory: str) -> None:
    plug_usual_devices(host)
    names = [f"squat.ai/{name}" for name in ("serial", "video", "fuse", "audio", "capture")]
    async with moved(plugin_directory, origin.MANIFEST, *names) as (kubelet, plugin):
        assert set(kubelet.resources) == set(names)
        assert await offered(kubelet, "squat.ai/serial") == [("/dev/ttyACM0",), ("/dev/ttyUSB0",)]
        assert await offered(kubelet, "squat.ai/video") == [("/dev/video0",)]
        assert await offered(kubelet, "squat.ai/fuse") == [("/dev/fuse",)] * 10
        assert await offered(kubelet, "squat.ai/audio") == [("/dev/snd",)] * 10
        assert await offered(kubelet, "squat.ai/capture") == [("/dev/snd/controlC0", "/dev/snd/pcmC0D0c")] * 2
        ends = [
            [os.path.realpath(device.host_path) for device in offer.devices]
            for offer in await offers(kubelet, "squat.ai/capture")
        ]
        assert sorted(ends) == [[f"/dev/snd/controlC{card}", f"/dev/snd/pcmC{card}D0c"] for card in (0, 1)]
        assert await plugin.get("/health") == (200, "ok\n")
        for name, count in zip(names, (2, 1, 10, 10, 2), strict=True):
            assert await metric(plugin, "generic_device_plugin_devices", resource=name) == count


async def test_the_manifests_arguments_do_where_udev_is_out_of_sight(host: FakeHost, plugin_directory: str) -> None:
    host.hide_udevd()  # as in the origin's DaemonSet, which has /dev and no more
    shutil.rmtree("/run/udev")
    async with moved(plugin_directory, origin.MANIFEST, "squat.ai/serial", "squat.ai/capture") as (kubelet, _plugin):
        for thing in (serial_adapter(), sound_card(), microphone(0)):
            for device in thing if not isinstance(thing, FakeDevice) else (thing,):
                host.appear(device)
        await kubelet.wait_for_devices("squat.ai/serial", healthy=1)
        await kubelet.wait_for_devices("squat.ai/capture", healthy=1)
        assert await offered(kubelet, "squat.ai/serial") == [("/dev/ttyUSB0",)]


@pytest.mark.parametrize(
    ("arguments", "resource", "devices"),
    [
        (origin.VIDEO, "squat.ai/video", [("/dev/video0",)]),
        (origin.CAPTURE, "squat.ai/capture", [("/dev/snd/pcmC0D0c", "/dev/snd/controlC0")]),
        (origin.FUSE, "squat.ai/fuse", [("/dev/fuse",)] * 10),
    ],
    ids=["video", "capture", "fuse"],
)
async def test_the_examples_of_the_help_offer_the_same(
    arguments: Sequence[str], resource: str, devices: list[tuple[str, ...]], host: FakeHost, plugin_directory: str
) -> None:
    plug_usual_devices(host)
    async with moved(plugin_directory, arguments, resource) as (kubelet, _plugin):
        assert await offered(kubelet, resource) == devices


async def test_a_limit_pairs_one_node_with_each_of_the_others(host: FakeHost, plugin_directory: str) -> None:
    for number in range(4):
        host.plug(console(number))
    async with moved(plugin_directory, origin.TTYS, "squat.ai/tty") as (kubelet, _plugin):
        assert await offered(kubelet, "squat.ai/tty") == [("/dev/tty0", f"/dev/tty{number}") for number in (1, 2, 3)]


async def test_usb_means_the_raw_node_of_each_stick(host: FakeHost, plugin_directory: str) -> None:
    host.plug(ch340("ttyUSB0", "1-1"))
    async with moved(plugin_directory, origin.CH340, "squat.ai/ch340") as (kubelet, _plugin):
        (offer,) = await offers(kubelet, "squat.ai/ch340")
        assert (offer.nodes, offer.devices[0].permissions) == (("/dev/bus/usb/001/002",), "rw")
        assert offer.mounts == (Mount("/dev/bus/usb", "/dev/bus/usb", read_only=True),), "found where the origin has it"
        host.plug(ch340("ttyUSB1", "1-2"))  # to the origin, both would be one device
        await kubelet.wait_for_devices("squat.ai/ch340", healthy=2)
        assert await offered_nodes(kubelet, "squat.ai/ch340") == [("/dev/bus/usb/001/002",), ("/dev/bus/usb/001/003",)]


async def test_usb_with_a_serial_number_means_the_stick_that_has_it(host: FakeHost, plugin_directory: str) -> None:
    one, other = (serial_adapter(f"ttyUSB{n}", f"0000000{n}", f"1-{n}", product=OF_THE_EXAMPLE) for n in (1, 2))
    host.plug(one)
    host.plug(other)
    this = json.dumps({"usb": json.loads(origin.USB_GROUP)["usb"][1:]})
    specs = [
        f'{{"name": "{name}", "groups": [{group}]}}' for name, group in (("any", origin.USB_GROUP), ("this", this))
    ]
    arguments = [argument for spec in specs for argument in ("--device", spec)]
    async with moved(plugin_directory, arguments, "squat.ai/any", "squat.ai/this") as (kubelet, _plugin):
        assert await offered_nodes(kubelet, "squat.ai/any") == [("/dev/bus/usb/001/002",), ("/dev/bus/usb/001/003",)]
        assert await offered_nodes(kubelet, "squat.ai/this") == [("/dev/bus/usb/001/002",)]


@pytest.fixture
def etc() -> Iterator[Path]:
    """An /etc of its own, with nothing but what the dynamic linker wants."""
    folder = Path(tempfile.mkdtemp(prefix="etc-", dir="/run"))
    for name in ("ld.so.cache", "ld.so.conf"):
        if os.path.exists(f"/etc/{name}"):
            shutil.copy(f"/etc/{name}", folder)
    yield folder
    shutil.rmtree(folder)


def with_etc(etc: Path) -> tuple[str, ...]:
    return ("unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc && exec "$@"', str(etc), *PLUGIN)


@pytest.mark.parametrize("key", ["devices", "device"])
async def test_a_configuration_file_in_the_origins_place_is_found(
    key: str, etc: Path, host: FakeHost, plugin_directory: str
) -> None:
    file = etc / origin.DEFAULT_CONFIG_FILE
    file.parent.mkdir()
    file.write_text(origin.CONFIG_FILE.replace("devices", key))
    host.plug(serial_adapter(product=RTL_SDR))
    async with moved(plugin_directory, (), "squat.ai/rtlsdr", command=with_etc(etc)) as (kubelet, _plugin):
        assert await offered_nodes(kubelet, "squat.ai/rtlsdr") == [("/dev/bus/usb/001/003",)]


@pytest.mark.parametrize("flag", ["--config", "--config-file"])
async def test_a_configuration_file_is_named_as_with_the_origin(
    flag: str, tmp_path: Path, host: FakeHost, plugin_directory: str
) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(origin.CONFIG_FILE)
    host.plug(serial_adapter(product=RTL_SDR))
    arguments = ("--log-level", "info", flag, str(file))
    async with moved(plugin_directory, arguments, "squat.ai/rtlsdr") as (kubelet, _plugin):
        assert await offered_nodes(kubelet, "squat.ai/rtlsdr") == [("/dev/bus/usb/001/003",)]


async def test_the_domain_of_the_origins_latest_releases_is_one_flag_away(
    host: FakeHost, plugin_directory: str
) -> None:
    host.plug(FUSE)
    async with moved(plugin_directory, (*origin.FUSE, "--domain=devic.es"), "devic.es/fuse") as (kubelet, plugin):
        assert await offered(kubelet, "devic.es/fuse") == [("/dev/fuse",)] * 10
        assert await metric(plugin, "generic_device_plugin_devices", resource="devic.es/fuse") == 10


async def test_a_pod_that_got_its_device_from_the_origin_is_not_held_up(host: FakeHost, plugin_directory: str) -> None:
    host.plug(camera())
    former = FakePlugin(plugin_directory, "squat.ai/video", "gdp-c3F1YXQuYWkvdmlkZW8=-1600000000.sock")
    former.devices = (api_pb2.Device(ID="2c3f1d1f60b1dd05e1a4a9b2a7a6f1b0c5d4e3f2", health="Healthy"),)
    async with Kubelet(plugin_directory) as kubelet:
        async with served(former):
            await former.register()
            await kubelet.wait_for_devices("squat.ai/video", healthy=1)
            pod = await kubelet.allocate("squat.ai/video")
            async with until_dropped(kubelet, "squat.ai/video"):
                former.end_stream()
        async with PluginProcess(*origin.VIDEO, environment=place(plugin_directory)):
            await kubelet.wait_for_devices("squat.ai/video", healthy=1)
            await kubelet.start_container(pod)
            # The kubelet knows it by the former ID: so the camera is free to it, under its new one.
            other = await kubelet.allocate("squat.ai/video")
            assert not {*pod.ids} & {*other.ids}


@pytest.mark.usefixtures("host")
@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (origin.BY_COMMAS, "a device spec is needed, a mapping with name, groups, type, count, paths"),
        (origin.COUNT_BESIDE_GROUPS, "--device: count: count does not stand beside groups; put count into each group"),
    ],
    ids=["by commas", "count beside groups"],
)
async def test_what_is_not_taken_over_is_refused_by_name(arguments: Sequence[str], fault: str) -> None:
    async with PluginProcess(*arguments) as plugin:
        assert await plugin.wait() == 2
    (line,) = plugin.errors
    assert fault in line


@pytest.mark.usefixtures("host")
async def test_variables_without_a_prefix_and_a_file_in_the_working_directory_are_not_read(
    tmp_path: Path, plugin_directory: str
) -> None:
    (tmp_path / "config.yaml").write_text(origin.CONFIG_FILE)
    here = ("sh", "-c", 'cd "$0" && DOMAIN=example.com exec "$@"', str(tmp_path), *PLUGIN)
    async with moved(plugin_directory, origin.FUSE, "squat.ai/fuse", command=here) as (kubelet, _plugin):
        assert set(kubelet.resources) == {"squat.ai/fuse"}
