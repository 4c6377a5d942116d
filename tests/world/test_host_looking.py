"""What follows a host, where the order of hints, looks and what happens meanwhile matters; one case each."""

from collections.abc import Callable, Iterator

import pytest

from tests.lab.following import Follower
from tests.lab.host import FakeHost
from tests.lab.sticks import serial_adapter
from udev_device_plugin.config.specs import Selector
from udev_device_plugin.device import DeviceNumber
from udev_device_plugin.globs import Glob
from udev_device_plugin.interest import Interest
from udev_device_plugin.rules import Rule

STICK = serial_adapter("ttyUSB0")
NUMBER = DeviceNumber("c", 188, 0)
BY_PATH, BY_RULE = Glob.parse("/dev/ttyUSB*"), Rule.parse('SUBSYSTEM=="tty"')
Following = Callable[[Selector], Follower]


@pytest.fixture
def following() -> Iterator[Following]:
    """Follows the host for the sake of one selector, and is at rest."""
    made: list[Follower] = []

    def follow(selector: Selector) -> Follower:
        made.append(follower := Follower(Interest(frozenset({selector})), 0.0))
        follower.rest()
        return follower

    yield follow
    for follower in made:
        follower.close()


def hear(follower: Follower) -> None:
    follower.looking.take_paths(follower.paths.read(), follower.now)


def read(follower: Follower, number: DeviceNumber) -> None:
    """A hint about a node, and the look behind it, which is not taken in."""
    follower.looking.hint(number, follower.now, is_urgent=True)
    follower.looking.work(follower.now)
    for _ in range(follower.jobs.outstanding):
        follower.jobs.do(0)


def test_a_look_that_found_nothing_says_nothing_of_the_next_device_with_that_number(
    host: FakeHost, following: Following
) -> None:
    follower = following(BY_PATH)
    read(follower, NUMBER)
    for device in STICK:
        host.appear(device)
    hear(follower)
    follower.take()
    assert STICK.devnode in follower.inventory.entries
    assert not follower.memory.node(NUMBER), "that is no node which nobody knows"


def test_a_node_that_no_glob_asks_for_is_gone_also_if_its_unplug_is_heard_of_first(
    host: FakeHost, following: Following
) -> None:
    follower = following(BY_RULE)
    host.plug(STICK, silent=True)
    follower.rest()
    assert STICK.devnode in follower.inventory.entries
    host.unplug(STICK, silent=True)
    read(follower, NUMBER)
    follower.take()
    follower.rest()
    assert STICK.devnode not in follower.inventory.entries


def test_what_goes_before_the_first_look_at_it_is_taken_in_is_gone_though_only_its_number_is_heard_of(
    host: FakeHost, following: Following
) -> None:
    follower = following(BY_RULE)
    host.plug(STICK, silent=True)
    read(follower, NUMBER)
    host.unplug(STICK, silent=True)
    hear(follower)
    follower.take()
    follower.rest()
    assert not [device for device in STICK if device.sys_path in follower.memory.units]
