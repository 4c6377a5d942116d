"""The plugin on a made-up host: which device is it, after replugs, restarts, the theft of its link, and without one."""

import asyncio
import os
import shutil
import signal
from pathlib import Path

import pytest

from tests.lab.host import FakeHost
from tests.lab.node import (
    SERIAL,
    Node,
    Offer,
    every,
    node,
    offers,
    sockets,
    together,
    until_dropped,
    wait_for_metric,
    wait_until_listed,
)
from tests.lab.plugin import PATIENCE, PLUGIN, PluginProcess
from tests.lab.records import Stick
from tests.lab.sticks import camera, ch340, modem, serial_adapter, sound_card
from udev_device_plugin.filesystem.own_directory import NAME as OWN_DIRECTORY
from udev_device_plugin.testing.kubelet import Kubelet
from udev_device_plugin.testing.records import ContainerStartError

TTYS = every("/dev/ttyUSB*")
BY_ID = every("/dev/serial/by-id/*")
BUS = every("/dev/bus/usb/*/*", name="bus")
MODEMS = every("/dev/cdc-wdm*", name="modems")
SOUND = every("/dev/snd/pcm*", name="sound")
OF_THE_ORIGIN = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"  # its IDs are a hash in hexadecimal and no more


def ends(offered: tuple[Offer, ...]) -> dict[str, str]:
    """The node that a container would find behind each healthy device."""
    return {offer.id: os.path.realpath(offer.devices[0].host_path) for offer in offered if offer.is_healthy}


def own_links(directory: str) -> dict[str, str]:
    """The plugin's links and where they lead to."""
    folder = f"{directory}/{OWN_DIRECTORY}"
    names = os.listdir(folder) if os.path.isdir(folder) else []
    links = (f"{folder}/{name}" for name in names if os.path.islink(f"{folder}/{name}"))
    return {link: os.readlink(link) for link in links}


async def end_of(here: Node, id_: str) -> str:
    """The node behind one healthy device."""
    return ends(await here.offers())[id_]


# Replugs and restarts.


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            serial_adapter("ttyUSB0", "A1B2", "1-2"),
            serial_adapter("ttyUSB3", "A1B2", "1-2"),
            id="with a serial number, under another number",
        ),
        pytest.param(
            serial_adapter("ttyUSB0", "A1B2", "1-2"),
            serial_adapter("ttyUSB3", "A1B2", "1-4.1"),
            id="with a serial number, at another port",
        ),
        pytest.param(ch340("ttyUSB0", "1-2"), ch340("ttyUSB3", "1-2"), id="without one, at the same port"),
        pytest.param(ch340("ttyUSB0", "1-2.4"), ch340("ttyUSB3", "1-2.4"), id="without one, at the same port of a hub"),
    ],
)
@pytest.mark.parametrize("silent", [False, True], ids=["told by udev", "told by nobody"])
async def test_a_stick_keeps_its_id_and_its_path_over_a_replug(
    host: FakeHost, plugin_directory: str, before: Stick, after: Stick, silent: bool
) -> None:
    async with node(plugin_directory, TTYS) as here:
        host.plug(before, silent=silent)
        await here.wait_for(healthy=1)
        (first,) = await here.offers()
        assert await end_of(here, first.id) == before.devnode
        host.unplug(before, silent=silent)
        await here.wait_for(healthy=0, unhealthy=1)
        host.plug(after, silent=silent)
        await here.wait_for(healthy=1)
        await here.catch_up()
        (second,) = await here.offers()
        assert second.id == first.id
        assert second.devices[0].host_path == first.devices[0].host_path
        assert await end_of(here, first.id) == after.devnode
        assert here.most_listed() == 1


async def test_a_replug_between_two_looks_is_no_new_device(host: FakeHost, plugin_directory: str) -> None:
    before, after = serial_adapter("ttyUSB0"), serial_adapter("ttyUSB3")
    async with node(plugin_directory, TTYS) as here:
        host.plug(before)
        await here.wait_for(healthy=1)
        (first,) = await here.offers()
        with here.plugin.suspended():
            host.unplug(before)
            host.plug(after)
        await here.catch_up()
        assert ends(await here.offers()) == {first.id: after.devnode}
        assert here.most_listed() == 1


async def test_ids_are_the_same_after_the_plugins_end_and_the_kubelets(host: FakeHost, plugin_directory: str) -> None:
    sticks = [serial_adapter("ttyUSB0", "A", "1-1"), ch340("ttyUSB1", "1-2"), ch340("ttyUSB2", "1-3")]
    for stick in sticks:
        host.plug(stick)
    async with Kubelet(plugin_directory) as kubelet:
        async with PluginProcess.serving(TTYS, directory=plugin_directory) as plugin:
            await kubelet.wait_for_devices(SERIAL, healthy=3)
            before = await offers(kubelet)
            await kubelet.restart()
            await kubelet.wait_for_devices(SERIAL, healthy=3)
            assert await offers(kubelet) == before
            async with until_dropped(kubelet, SERIAL):
                await plugin.kill()
        for stick in sticks:
            host.unplug(stick)
        for stick in (ch340("ttyUSB0", "1-3"), ch340("ttyUSB1", "1-2"), serial_adapter("ttyUSB2", "A", "1-1")):
            host.plug(stick)
        async with PluginProcess.serving(TTYS, directory=plugin_directory):
            await kubelet.wait_for_devices(SERIAL, healthy=3)
            after = await offers(kubelet)
    assert [offer.id for offer in after] == [offer.id for offer in before]
    assert [offer.devices[0].host_path for offer in after] == [offer.devices[0].host_path for offer in before]


@pytest.mark.parametrize("end", ["SIGTERM", "SIGKILL"])
async def test_what_came_of_who_else_was_there_is_the_same_after_the_plugins_end(
    end: str, host: FakeHost, plugin_directory: str
) -> None:
    specs = (TTYS, together("/dev/ttyUSB*", "/dev/video*", name="pairs"))
    async with Kubelet(plugin_directory) as kubelet:

        async def all_offers() -> list[tuple[Offer, ...]]:
            return [await offers(kubelet, f"squat.ai/{name}") for name in ("serial", "pairs")]

        async with PluginProcess.serving(*specs, directory=plugin_directory) as plugin:
            host.plug(serial_adapter("ttyUSB1", "0001", "1-1"))
            host.plug(camera(3))
            await kubelet.wait_for_devices("squat.ai/pairs", healthy=1)
            host.plug(serial_adapter("ttyUSB0", "0001", "1-2"))  # a clone, and the first in every order
            await kubelet.wait_for_devices("squat.ai/pairs", healthy=2)
            await kubelet.wait_for_devices(SERIAL, healthy=2)
            before = await all_offers()
            async with until_dropped(kubelet, SERIAL, "squat.ai/pairs"):
                plugin.signal(signal.Signals[end])
                await plugin.wait()
        async with PluginProcess.serving(*specs, directory=plugin_directory):
            await kubelet.wait_for_devices("squat.ai/pairs", healthy=2)
            await kubelet.wait_for_devices(SERIAL, healthy=2)
            assert await all_offers() == before


async def test_twins_that_swap_their_numbers_keep_their_ports(host: FakeHost, plugin_directory: str) -> None:
    async with node(plugin_directory, TTYS) as here:
        for stick in (ch340("ttyUSB0", "1-1"), ch340("ttyUSB1", "1-2")):
            host.plug(stick)
        await here.wait_for(healthy=2)
        before = {end: id_ for id_, end in ends(await here.offers()).items()}
        for stick in (ch340("ttyUSB0", "1-1"), ch340("ttyUSB1", "1-2")):
            host.unplug(stick)
        await here.wait_for(healthy=0, unhealthy=2)
        for stick in (ch340("ttyUSB0", "1-2"), ch340("ttyUSB1", "1-1")):
            host.plug(stick)
        await here.wait_for(healthy=2)
        assert ends(await here.offers()) == {
            before["/dev/ttyUSB0"]: "/dev/ttyUSB1",
            before["/dev/ttyUSB1"]: "/dev/ttyUSB0",
        }


async def test_zipped_devices_stay_together_over_a_replug_in_other_numbers(
    host: FakeHost, plugin_directory: str
) -> None:
    async with node(plugin_directory, together("/dev/video[02468]", "/dev/snd/controlC*")) as here:
        for stick in (camera(0, "A", "1-1"), camera(2, "B", "1-2"), sound_card(0, "1-3"), sound_card(1, "1-4")):
            host.plug(stick)
        await here.wait_for(healthy=2)
        (first, second) = sorted(await here.offers(), key=lambda offer: offer.paths)
        assert second.paths == ("/dev/video2", "/dev/snd/controlC1")
        for stick in (camera(0, "A", "1-1"), camera(2, "B", "1-2")):
            host.unplug(stick)
        await here.wait_for(healthy=0, unhealthy=2)
        for stick in (camera(0, "B", "1-2"), camera(2, "A", "1-1")):
            host.plug(stick)
        await here.wait_for(healthy=2)
        pairs = {offer.id: tuple(os.path.realpath(d.host_path) for d in offer.devices) for offer in await here.offers()}
        assert pairs == {
            first.id: ("/dev/video2", "/dev/snd/controlC0"),
            second.id: ("/dev/video0", "/dev/snd/controlC1"),
        }


# Cloned serial numbers.


async def test_a_clone_that_steals_the_link_gets_neither_the_id_nor_the_pod_of_the_first(
    host: FakeHost, plugin_directory: str
) -> None:
    first, clone = serial_adapter("ttyUSB0", "0001", "1-1"), serial_adapter("ttyUSB1", "0001", "1-2")
    async with node(plugin_directory, TTYS) as here:
        host.plug(first)
        await here.wait_for(healthy=1)
        (before,) = await here.offers()
        pod = await here.kubelet.allocate(SERIAL)
        assert pod.response.devices[0].host_path == first.by_id
        host.plug(clone)
        await here.wait_for(healthy=2)
        await here.catch_up()
        assert os.path.realpath(first.by_id) == clone.devnode, "stolen"
        with pytest.raises(ContainerStartError, match=r"may lead to another device now.* unplug that one"):
            await here.kubelet.start_container(pod)
        host.unplug(clone)
        await here.wait_for(healthy=1, unhealthy=1)
        await here.start(pod)
        host.plug(clone)
        await here.wait_for(healthy=2)
        now = {offer.id: offer for offer in await here.offers()}
        assert os.path.realpath(now[before.id].devices[0].host_path) == first.devnode
        assert now[before.id].devices[0].host_path in own_links(plugin_directory)


async def test_a_pod_that_got_its_stick_while_a_clone_was_there_restarts_after_the_clone_has_left(
    host: FakeHost, plugin_directory: str
) -> None:
    first, clone = serial_adapter("ttyUSB0", "0001", "1-1"), serial_adapter("ttyUSB1", "0001", "1-2")
    async with node(plugin_directory, TTYS) as here:
        host.plug(first)
        await here.wait_for(healthy=1)
        (before,) = await here.offers()
        host.plug(clone)
        await here.wait_for(healthy=2)
        await here.catch_up()
        pod = await here.kubelet.allocate(SERIAL, ids=[before.id])
        (handed_out,) = (device.host_path for device in pod.response.devices)
        assert handed_out in own_links(plugin_directory)
        host.unplug(clone)
        await here.wait_for(healthy=1, unhealthy=1)
        await here.start(pod)
        assert os.path.realpath(handed_out) == first.devnode


async def test_a_clone_gets_no_id_of_the_first_where_their_common_link_is_all_that_is_offered(
    host: FakeHost, plugin_directory: str
) -> None:
    first, clone = serial_adapter("ttyUSB0", "0001", "1-1"), serial_adapter("ttyUSB1", "0001", "1-2")
    async with node(plugin_directory, BY_ID) as here:
        host.plug(first)
        await here.wait_for(healthy=1)
        (before,) = await here.offers()
        pod = await here.kubelet.allocate(SERIAL)
        host.plug(clone)
        await here.wait_for(healthy=1, unhealthy=1)
        assert before.id not in ends(await here.offers())
        with pytest.raises(ContainerStartError, match="no longer matches"):
            await here.kubelet.start_container(pod)
        host.unplug(clone)
        await here.kubelet.wait_until(lambda kubelet: kubelet.resource(SERIAL).healthy == (before.id,))
        await here.start(pod)  # not at once: until udev has said it too, the clone may still claim the link


async def test_two_resources_have_no_id_in_common_and_a_warning_names_the_nodes_that_they_share(
    host: FakeHost, plugin_directory: str
) -> None:
    everything = every("/dev/ttyUSB*", name="everything")
    async with node(plugin_directory, TTYS, everything) as here:
        host.plug(serial_adapter())
        await here.wait_for(healthy=1)
        await here.wait_for(healthy=1, resource="squat.ai/everything")
        ids = [offer.id for name in (SERIAL, "squat.ai/everything") for offer in await here.offers(name)]
        assert len(set(ids)) == 2
        line = await here.plugin.wait_for_log(lambda line: "offer the same device nodes" in line.message)
        assert line.fields["resources"] == ["squat.ai/everything", SERIAL]
        assert line.fields["nodes"] == ["c188:0"]
        host.plug(serial_adapter("ttyUSB1", "B", "1-3"))
        await here.wait_for(healthy=2)
        await here.catch_up()
        assert sum("offer the same device nodes" in line.message for line in here.plugin.log) == 1


# Links of our own.


async def test_nodes_that_udev_gives_no_link_get_one_of_ours_for_as_long_as_they_are_there(
    host: FakeHost, plugin_directory: str
) -> None:
    sticks = modem(), sound_card()
    async with node(plugin_directory, BUS, MODEMS, SOUND) as here:
        for stick in sticks:
            host.plug(stick)
        await here.wait_for(healthy=2, resource="squat.ai/bus")
        for name in ("squat.ai/modems", "squat.ai/sound"):
            await here.wait_for(healthy=1, resource=name)
        nodes = {"/dev/bus/usb/001/005", "/dev/bus/usb/001/006", "/dev/cdc-wdm0", "/dev/snd/pcmC0D0p"}
        assert set(own_links(plugin_directory).values()) == nodes
        for name in ("squat.ai/bus", "squat.ai/modems", "squat.ai/sound"):
            for offer in await here.offers(name):
                assert offer.devices[0].host_path in own_links(plugin_directory)
                assert os.path.realpath(offer.devices[0].host_path) == offer.devices[0].container_path
        host.unplug(sticks[0])
        await here.wait_for(healthy=0, unhealthy=1, resource="squat.ai/modems")
        await here.wait_for(healthy=1, unhealthy=1, resource="squat.ai/bus")
        await here.catch_up()
        assert set(own_links(plugin_directory).values()) == {"/dev/bus/usb/001/005", "/dev/snd/pcmC0D0p"}


async def test_our_links_are_right_again_after_a_restart_and_after_the_directory_was_wiped(
    host: FakeHost, plugin_directory: str
) -> None:
    host.plug(modem())
    async with Kubelet(plugin_directory) as kubelet:
        async with PluginProcess.serving(MODEMS, directory=plugin_directory) as plugin:
            await kubelet.wait_for_devices("squat.ai/modems", healthy=1)
            links = own_links(plugin_directory)
            assert list(links.values()) == ["/dev/cdc-wdm0"]
            async with until_dropped(kubelet, "squat.ai/modems"):
                await plugin.kill()
        (link,) = links
        os.unlink(link)
        os.symlink("/dev/null", link)
        os.symlink("/dev/null", f"{plugin_directory}/{OWN_DIRECTORY}/left-behind-0123456789")
        async with PluginProcess.serving(MODEMS, directory=plugin_directory) as plugin:
            await kubelet.wait_for_devices("squat.ai/modems", healthy=1)
            assert own_links(plugin_directory) == links
            await kubelet.stop()
            shutil.rmtree(plugin_directory, ignore_errors=True)  # the plugin removes its socket meanwhile
            await kubelet.start()
            await kubelet.wait_for_devices("squat.ai/modems", healthy=1)
            assert (await offers(kubelet, "squat.ai/modems"))[0].devices[0].host_path == link
            assert own_links(plugin_directory) == links
            assert await plugin.terminate() == 0
        assert own_links(plugin_directory) == links, "running containers may be restarted while no plugin runs"


async def test_our_links_are_there_again_when_our_directory_has_gone_alone(
    host: FakeHost, plugin_directory: str
) -> None:
    host.plug(modem())
    never = ("--rescan-interval", "0")
    async with (
        Kubelet(plugin_directory) as kubelet,
        PluginProcess.serving(MODEMS, directory=plugin_directory, arguments=never) as plugin,
    ):
        await kubelet.wait_for_devices("squat.ai/modems", healthy=1)
        folder = Path(plugin_directory) / OWN_DIRECTORY
        async with asyncio.timeout(PATIENCE):
            while not (records := list(folder.glob(".offered-*"))):  # written behind the list
                await asyncio.sleep(0)
        links = own_links(plugin_directory)
        assert links
        folder.rename(folder.with_name("former"))
        async with asyncio.timeout(PATIENCE):
            while (own_links(plugin_directory), list(folder.glob(".offered-*"))) != (links, records):
                await asyncio.sleep(0)
        await kubelet.wait_until(lambda kubelet: kubelet.resource("squat.ai/modems").registrations == 2)
        assert await plugin.terminate() == 0


# Pods.


async def test_a_pod_that_the_origins_plugin_gave_its_device_may_start(host: FakeHost, plugin_directory: str) -> None:
    host.plug(serial_adapter())
    async with node(plugin_directory, TTYS) as here:
        (offer,) = await here.offers()
        pod = await here.kubelet.allocate(SERIAL)
        for ids in ([OF_THE_ORIGIN], [offer.id, OF_THE_ORIGIN], [offer.id.removesuffix("-0") + "-7"]):
            client = here.kubelet._find_client(SERIAL)
            assert client is not None
            await client.pre_start(ids, timeout=5)
        here.kubelet.release(pod)


async def test_a_kubelet_that_never_says_what_pods_hold_holds_nothing_up(host: FakeHost, plugin_directory: str) -> None:
    socket = f"{plugin_directory}-pods/kubelet.sock"
    stick = serial_adapter()
    arguments = ["--pod-resources-socket", socket, "--removal-grace-period=100ms"]
    kubelet = Kubelet(plugin_directory, pod_resources_socket=socket)
    kubelet.misbehaviour.pod_resources_silent = True
    plugin = PluginProcess.serving(TTYS, directory=plugin_directory, arguments=arguments)
    try:
        async with kubelet, plugin:
            await wait_until_listed(kubelet, TTYS)
            await kubelet.wait_until(lambda kubelet: kubelet.pod_resources_calls > 0)
            host.plug(stick)
            await kubelet.wait_for_devices(SERIAL, healthy=1)
            pod = await kubelet.allocate(SERIAL)
            host.unplug(stick)
            await kubelet.wait_for_devices(SERIAL, healthy=0, unhealthy=1)
            host.plug(stick)
            await kubelet.wait_for_devices(SERIAL, healthy=1)
            await kubelet.start_container(pod)
            line = await plugin.wait_for_log(lambda line: "--pod-resources-socket" in line.message)
            assert "does not answer within 2 s" in line.message
    finally:
        shutil.rmtree(f"{plugin_directory}-pods", ignore_errors=True)


# Two plugins at a time, as in a rolling update with an overlap.


@pytest.mark.parametrize("first_to_go", ["old", "new"])
async def test_two_plugins_that_overlap_end_as_one_that_serves(
    host: FakeHost, plugin_directory: str, first_to_go: str
) -> None:
    host.plug(modem())
    async with Kubelet(plugin_directory) as kubelet:
        old = PluginProcess.serving(MODEMS, TTYS, directory=plugin_directory)
        new = PluginProcess.serving(MODEMS, TTYS, directory=plugin_directory)
        async with old:
            await kubelet.wait_for_devices(SERIAL, healthy=4)
            await kubelet.wait_for_devices("squat.ai/modems", healthy=1)
            before, links = await offers(kubelet), own_links(plugin_directory)
            async with new:
                await wait_for_metric(new, "udev_device_plugin_kubelet_connected", 2)
                gone, staying = (old, new) if first_to_go == "old" else (new, old)
                async with until_dropped(kubelet, SERIAL, "squat.ai/modems"):  # whoever of the two has gone
                    assert await gone.terminate() == 0
                await kubelet.wait_for_devices(SERIAL, healthy=4)
                await kubelet.wait_for_devices("squat.ai/modems", healthy=1)
                await wait_for_metric(staying, "udev_device_plugin_kubelet_connected", 2)
                assert await offers(kubelet) == before
                assert own_links(plugin_directory) == links
                assert len(sockets(plugin_directory)) == 2
                assert await staying.terminate() == 0


# Where udev's events cannot come.


async def test_without_udevs_events_a_stick_is_known_by_its_serial_number_all_the_same(
    host: FakeHost, plugin_directory: str
) -> None:
    host.hide_udevd()  # nothing is waited for then: a node that is seen before its entry is offered without it
    async with node(plugin_directory, TTYS) as here:
        with here.plugin.suspended():
            host.plug(serial_adapter("ttyUSB0", "A1B2", "1-2"), silent=True)
        await here.wait_for(healthy=1)
        (before,) = await here.offers()
        assert before.devices[0].host_path == serial_adapter().by_id
        host.unplug(serial_adapter("ttyUSB0", "A1B2", "1-2"), silent=True)
        await here.wait_for(healthy=0, unhealthy=1)
        with here.plugin.suspended():
            host.plug(serial_adapter("ttyUSB3", "A1B2", "1-4"), silent=True)
        await here.wait_for(healthy=1)
        assert ends(await here.offers()) == {before.id: "/dev/ttyUSB3"}


async def test_in_another_network_namespace_devices_come_by_the_filesystem_and_one_line_says_what_to_change(
    host: FakeHost, plugin_directory: str
) -> None:
    arguments = ("--device", TTYS, "--plugin-directory", plugin_directory, "--listen", "")
    plugin = PluginProcess(*arguments, command=("unshare", "--net", "--", *PLUGIN))
    async with Kubelet(plugin_directory) as kubelet, plugin:
        await wait_until_listed(kubelet, TTYS)
        ids = []
        for name, port in (("ttyUSB0", "1-2"), ("ttyUSB3", "1-4")):
            stick = serial_adapter(name, "A1B2", port)
            host.plug(stick)
            await kubelet.wait_for_devices(SERIAL, healthy=1)
            (offer,) = await offers(kubelet)
            ids.append(offer.id)
            assert offer.devices[0].host_path == stick.by_id
            assert os.path.realpath(stick.by_id) == stick.devnode
            host.unplug(stick)
            await kubelet.wait_for_devices(SERIAL, healthy=0, unhealthy=1)
        assert len(set(ids)) == 1
        line = await plugin.wait_for_log(lambda line: "do not arrive here" in line.message)
        assert "hostNetwork: true" in line.message
        host.plug(serial_adapter("ttyUSB5", "C", "1-5"))
        await kubelet.wait_for_devices(SERIAL, healthy=1, unhealthy=1)
        assert [line.message for line in plugin.log if line.fields.get("level") == "warn"] == [line.message]
