"""The plugin on a made-up host: sticks come and go, in all the ways in which udev and the kernel tell of it."""

import json
import os
import time

import pytest

from tests.lab.host import FakeHost
from tests.lab.node import SERIAL, every, metric, most_lists, node, until_dropped, wait_for_metric
from tests.lab.records import FakeDevice, FakeNode
from tests.lab.sticks import serial_adapter

TTYS = every("/dev/ttyUSB*")
UEVENTS = "udev_device_plugin_uevents_total"


async def test_a_plug_is_offered_and_an_unplug_makes_it_unhealthy_until_it_returns(
    host: FakeHost, plugin_directory: str
) -> None:
    async with node(plugin_directory, TTYS) as here:
        stick = serial_adapter()
        host.plug(stick)
        await here.wait_for(healthy=1)
        before = await here.offers()
        assert before[0].paths == ("/dev/ttyUSB0",)
        host.unplug(stick)
        await here.wait_for(healthy=0, unhealthy=1)
        host.plug(stick)
        await here.wait_for(healthy=1)
        assert await here.offers() == before


async def test_a_device_is_listed_with_the_numa_node_of_its_controller_if_that_has_one(
    host: FakeHost, plugin_directory: str
) -> None:
    async with node(plugin_directory, TTYS, every("/dev/net0", name="other")) as here:
        host.plug(serial_adapter())
        host.plug(FakeDevice("/devices/virtual/misc/net0", "misc", node=FakeNode("net0", 10, 200)))
        await here.wait_for(healthy=1)
        await here.wait_for(healthy=1, resource="squat.ai/other")
        (near,), (nowhere,) = (here.kubelet.resource(name).devices for name in (SERIAL, "squat.ai/other"))
        assert (near.numa_nodes, nowhere.numa_nodes) == ((0,), ())


async def test_what_is_plugged_before_the_start_is_in_the_first_list(host: FakeHost, plugin_directory: str) -> None:
    host.plug(serial_adapter("ttyUSB0", "A", "1-1"))
    host.plug(serial_adapter("ttyUSB1", "B", "1-2"))
    async with node(plugin_directory, TTYS) as here:
        first = next(message for message in here.kubelet.history if message.resource == SERIAL)
        assert [device.is_healthy for device in first.devices] == [True, True]
        assert await here.paths() == ["/dev/ttyUSB0", "/dev/ttyUSB1"]


async def test_a_second_add_changes_nothing(host: FakeHost, plugin_directory: str) -> None:
    async with node(plugin_directory, TTYS) as here:
        stick = serial_adapter()
        host.plug(stick)
        await here.wait_for(healthy=1)
        await wait_for_metric(here.plugin, UEVENTS, 4, action="add")
        host.send("add", stick.main)
        host.send("add", stick.main)
        await wait_for_metric(here.plugin, UEVENTS, 6, action="add")
        await here.catch_up()
        assert here.lists() == 2  # the empty one, and the one with the stick
        assert here.most_listed() == 1


async def test_a_remove_of_what_never_was_changes_nothing(host: FakeHost, plugin_directory: str) -> None:
    async with node(plugin_directory, TTYS) as here:
        host.plug(serial_adapter("ttyUSB0", "A", "1-1"))
        await here.wait_for(healthy=1)
        host.send("remove", serial_adapter("ttyUSB1", "B", "1-2").main)
        await wait_for_metric(here.plugin, UEVENTS, 1, action="remove")
        await here.catch_up()
        assert await here.paths() == ["/dev/ttyUSB0"]
        assert here.lists() == 2


async def test_a_remove_that_overtakes_the_nodes_end_is_believed_when_the_node_goes(
    host: FakeHost, plugin_directory: str
) -> None:
    async with node(plugin_directory, TTYS) as here:
        stick = serial_adapter()
        host.plug(stick)
        await here.wait_for(healthy=1)
        host.send("remove", stick.main)
        await wait_for_metric(here.plugin, UEVENTS, 1, action="remove")
        await here.catch_up()
        assert await here.paths() == ["/dev/ttyUSB0"]
        host.unplug(stick, silent=True)
        await here.wait_for(healthy=0, unhealthy=1)
        assert here.lists() == 3


async def test_a_plug_and_an_unplug_that_udev_never_tells_of_are_seen(host: FakeHost, plugin_directory: str) -> None:
    async with node(plugin_directory, TTYS) as here:
        stick = serial_adapter()
        host.plug(stick, silent=True)
        await here.wait_for(healthy=1)
        host.unplug(stick, silent=True)
        await here.wait_for(healthy=0, unhealthy=1)
        assert await metric(here.plugin, UEVENTS) == 0


async def test_sticks_that_udev_never_tells_of_are_offered_as_soon_as_its_database_has_them(
    host: FakeHost, plugin_directory: str
) -> None:
    async with node(plugin_directory, TTYS) as here:
        for number in range(20):
            host.plug(serial_adapter(f"ttyUSB{number}", f"S{number}", f"1-{number + 1}"), silent=True)
            await here.wait_for(healthy=number + 1)
        assert not any("has not announced it" in line.message for line in here.plugin.log)


async def test_a_stick_that_udevd_still_works_on_is_offered_once_it_is_done(
    host: FakeHost, plugin_directory: str
) -> None:
    async with node(plugin_directory, every("/dev/serial/by-id/*", "/dev/ttyUSB*")) as here:
        stick = serial_adapter()
        for device in stick:
            host.appear(device)
        await here.catch_up()
        assert here.lists() == 1
        for device in stick:
            host.finish(device)
        await here.wait_for(healthy=1)
        await here.catch_up()
        assert await here.paths() == [stick.by_id]
        assert here.lists() == 2


async def test_a_stick_that_udevd_never_finishes_with_is_offered_all_the_same(
    host: FakeHost, plugin_directory: str
) -> None:
    async with node(plugin_directory, every("/dev/serial/by-id/*", "/dev/ttyUSB*")) as here:
        stick = serial_adapter()
        for device in stick:
            host.appear(device)
        line = await here.plugin.wait_for_log(lambda line: "udevd has not announced it" in line.message)
        assert line.fields["level"] == "warn"
        await here.wait_for(healthy=1)
        before = await here.offers()
        for device in stick:
            host.finish(device)
        await here.catch_up()
        assert await here.offers() == before, "udevd's late word makes no second device of it"


@pytest.mark.parametrize(
    "spec",
    [
        every("/dev/serial/by-id/*", "/dev/ttyUSB*"),
        json.dumps({"name": "serial", "groups": [{"udev": ['SUBSYSTEM=="tty", ATTRS{idVendor}=="0403"']}]}),
        json.dumps({"name": "serial", "groups": [{"usb": [{"vendor": "0403", "product": "6001", "nodes": ["tty"]}]}]}),
    ],
    ids=["paths", "udev", "usb"],
)
async def test_what_was_offered_before_a_restart_is_so_in_the_first_list_though_udevs_database_does_not_have_it(
    host: FakeHost, plugin_directory: str, spec: str
) -> None:
    for device in serial_adapter():
        host.appear(device)
    async with node(plugin_directory, spec) as here:
        await here.wait_for(healthy=1)  # which takes as long as udevd is waited for
        before = await here.offers()
        async with until_dropped(here.kubelet, SERIAL):
            await here.plugin.kill()
        lists = len(here.kubelet.history)
        await here.plugin.start()
        await here.wait_for(healthy=1)
        first = next(one for one in here.kubelet.history[lists:] if one.resource == SERIAL)
        assert [device.health for device in first.devices] == ["Healthy"]
        assert await here.offers() == before


async def test_a_forgotten_stick_leaves_the_list_and_keeps_its_id_when_it_returns(
    host: FakeHost, plugin_directory: str
) -> None:
    async with node(plugin_directory, TTYS, arguments=["--removal-grace-period=100ms"]) as here:
        stick = serial_adapter()
        host.plug(stick)
        await here.wait_for(healthy=1)
        before = await here.offers()
        host.unplug(stick)
        await here.wait_for(healthy=0, unhealthy=1)
        await here.wait_for(healthy=0, unhealthy=0)
        await here.plugin.wait_for_message("devices are forgotten")
        host.plug(stick)
        await here.wait_for(healthy=1)
        assert await here.offers() == before


async def test_a_burst_of_200_sticks_is_told_in_few_lists(host: FakeHost, plugin_directory: str) -> None:
    async with node(plugin_directory, TTYS) as here:
        before, started = here.lists(), time.monotonic()
        for number in range(200):
            host.plug(serial_adapter(f"ttyUSB{number}", f"S{number:03}", f"1-{number + 1}"))
        await here.wait_for(healthy=200)
        assert here.lists() - before <= most_lists(time.monotonic() - started)
        assert len(await here.paths()) == 200


async def test_ten_thousand_events_of_others_send_no_list(host: FakeHost, plugin_directory: str) -> None:
    async with node(plugin_directory, TTYS) as here:
        host.plug(serial_adapter())
        await here.wait_for(healthy=1)
        host.storm(FakeDevice("/devices/virtual/net/veth0", "net"), 10_000)
        await wait_for_metric(here.plugin, UEVENTS, 10_000, action="change")
        await here.catch_up()
        assert here.lists() == 2


async def test_ten_thousand_events_of_a_stick_that_stays_as_it_is_send_no_list(
    host: FakeHost, plugin_directory: str
) -> None:
    async with node(plugin_directory, TTYS) as here:
        stick = serial_adapter()
        host.plug(stick)
        await here.wait_for(healthy=1)
        host.storm(stick.main, 10_000)
        await wait_for_metric(here.plugin, UEVENTS, 10_000, action="change")
        await here.catch_up()
        assert here.lists() == 2


async def test_an_overflow_is_counted_and_the_list_is_right_afterwards(host: FakeHost, plugin_directory: str) -> None:
    async with node(plugin_directory, TTYS) as here:
        kept, lost = serial_adapter("ttyUSB0", "A", "1-1"), serial_adapter("ttyUSB1", "B", "1-2")
        come = serial_adapter("ttyUSB2", "C", "1-3")
        for stick in (kept, lost):
            host.plug(stick)
        await here.wait_for(healthy=2)
        rescans = await metric(here.plugin, "udev_device_plugin_rescans_total", source="udev")
        with here.plugin.suspended():
            host.overflow()
            host.unplug(lost)
            host.plug(come)
        await here.wait_for(healthy=2, unhealthy=1)
        assert await here.paths() == ["/dev/ttyUSB0", "/dev/ttyUSB2"]
        await wait_for_metric(here.plugin, "udev_device_plugin_overflows_total", 1)
        await wait_for_metric(here.plugin, "udev_device_plugin_rescans_total", rescans + 1, source="udev")
        said = [line for line in here.plugin.log if "events were lost" in line.message]
        assert len(said) == await metric(here.plugin, "udev_device_plugin_overflows_total")


async def test_events_are_heard_again_after_an_overflow(host: FakeHost, plugin_directory: str) -> None:
    async with node(plugin_directory, TTYS) as here:
        with here.plugin.suspended():
            host.overflow()
        await wait_for_metric(here.plugin, "udev_device_plugin_rescans_total", 2, source="udev")
        before = await metric(here.plugin, UEVENTS, action="add")
        host.plug(serial_adapter())
        await wait_for_metric(here.plugin, UEVENTS, before + 4, action="add")
        await here.wait_for(healthy=1)
        assert os.path.exists("/dev/ttyUSB0")
