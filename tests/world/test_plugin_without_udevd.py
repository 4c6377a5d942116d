"""The plugin on a made-up host without udevd, or with one that comes late: in a pod that its events cannot reach."""

import os

from tests.lab.host import FakeHost
from tests.lab.node import every, metric, node, wait_for_metric
from tests.lab.plugin import PluginProcess
from tests.lab.sticks import serial_adapter

TTYS = every("/dev/ttyUSB*")
UEVENTS = "udev_device_plugin_uevents_total"


def warnings(plugin: PluginProcess) -> list[str]:
    return [line.message for line in plugin.log if line.fields.get("level") == "warn"]


async def test_without_udevd_sticks_come_and_go_and_one_line_says_what_to_change(
    host: FakeHost, plugin_directory: str
) -> None:
    host.hide_udevd()
    async with node(plugin_directory, TTYS) as here:
        first, second = serial_adapter("ttyUSB0", "A", "1-1"), serial_adapter("ttyUSB1", "B", "1-2")
        for stick in (first, second):
            for device in stick:
                host.appear(device)
        await here.wait_for(healthy=2)
        host.unplug(first, silent=True)
        await here.wait_for(healthy=1, unhealthy=1)
        (warning,) = warnings(here.plugin)
        assert "/run/udev/control is not there" in warning
        assert "mount the host's /run/udev" in warning
        assert (await here.plugin.get("/readyz"))[0] == 200


async def test_events_that_come_all_the_same_are_not_missed_by_anybody(host: FakeHost, plugin_directory: str) -> None:
    host.hide_udevd()
    async with node(plugin_directory, TTYS) as here:
        host.plug(serial_adapter())
        await here.wait_for(healthy=1)
        await here.catch_up()
        assert here.most_listed() == 1
        assert await metric(here.plugin, UEVENTS) == 0, "libudev turns a monitor off where it sees no udevd"


async def test_when_udevd_comes_its_events_are_heard(host: FakeHost, plugin_directory: str) -> None:
    host.hide_udevd()
    async with node(plugin_directory, TTYS) as here:
        host.plug(serial_adapter("ttyUSB0", "A", "1-1"))
        await here.wait_for(healthy=1)
        host.show_udevd()
        line = await here.plugin.wait_for_message("udev: udevd is there now")
        assert line.fields["level"] == "info"
        await wait_for_metric(here.plugin, "udev_device_plugin_rescans_total", 2, source="udev")
        host.plug(serial_adapter("ttyUSB1", "B", "1-2"))
        await wait_for_metric(here.plugin, UEVENTS, 4, action="add")
        await here.wait_for(healthy=2)
        assert len(warnings(here.plugin)) == 1


async def test_what_was_offered_before_udevd_came_is_not_held_back_for_it(
    host: FakeHost, plugin_directory: str
) -> None:
    host.hide_udevd()
    stick = serial_adapter()
    for device in stick:
        host.appear(device)
    async with node(plugin_directory, TTYS) as here:
        await here.wait_for(healthy=1)
        host.show_udevd()
        await wait_for_metric(here.plugin, "udev_device_plugin_rescans_total", 2, source="udev")
        host.send("change", stick.main)
        await wait_for_metric(here.plugin, UEVENTS, 1, action="change")
        await here.catch_up()
        assert here.lists() == 1
        assert await here.paths() == ["/dev/ttyUSB0"]


async def test_a_stick_that_udevds_database_loses_stays_healthy(host: FakeHost, plugin_directory: str) -> None:
    async with node(plugin_directory, TTYS) as here:
        stick = serial_adapter()
        host.plug(stick)
        await here.wait_for(healthy=1)
        os.unlink(f"/run/udev/data/{stick.main.database_name}")
        host.send("change", stick.main)
        await wait_for_metric(here.plugin, UEVENTS, 1, action="change")
        await here.catch_up()
        assert here.lists() == 2
        assert await here.paths() == ["/dev/ttyUSB0"]


async def test_a_stick_that_returns_under_the_same_number_is_held_back_anew(
    host: FakeHost, plugin_directory: str
) -> None:
    async with node(plugin_directory, every("/dev/serial/by-id/*", "/dev/ttyUSB*")) as here:
        stick = serial_adapter()
        host.plug(stick)
        await here.wait_for(healthy=1)
        with here.plugin.suspended():
            host.unplug(stick)
            for device in stick:
                host.appear(device)
        await here.wait_for(healthy=0, unhealthy=1)
        await here.catch_up()
        for device in stick:
            host.finish(device)
        await here.wait_for(healthy=1)
        assert here.most_listed() == 1
        assert await here.paths() == [stick.by_id]


async def test_a_udevd_that_goes_is_done_without(host: FakeHost, plugin_directory: str) -> None:
    async with node(plugin_directory, TTYS) as here:
        host.plug(serial_adapter("ttyUSB0", "A", "1-1"))
        await here.wait_for(healthy=1)
        host.hide_udevd()
        await here.plugin.wait_for_log(lambda line: "is not there, so udev's events cannot arrive" in line.message)
        stick = serial_adapter("ttyUSB1", "B", "1-2")
        for device in stick:
            host.appear(device)
        await here.wait_for(healthy=2)
        host.unplug(stick, silent=True)
        await here.wait_for(healthy=1, unhealthy=1)


async def test_a_udevd_that_starts_again_and_again_makes_no_second_device_of_a_stick(
    host: FakeHost, plugin_directory: str
) -> None:
    async with node(plugin_directory, every("/dev/serial/by-id/*", "/dev/ttyUSB*")) as here:
        host.plug(serial_adapter())
        await here.wait_for(healthy=1)
        before = await here.offers()
        for _ in range(5):
            host.hide_udevd()
            host.show_udevd()
        await wait_for_metric(here.plugin, "udev_device_plugin_rescans_total", 2, source="udev")
        await here.catch_up()
        assert await here.offers() == before
        assert here.lists() == 2
        # A session may begin in the very moment in which there is no control socket; nothing else is worth a word.
        assert all("/run/udev/control is not there" in line for line in warnings(here.plugin))
