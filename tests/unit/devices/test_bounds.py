"""What matches beyond the bounds is not offered, and takes no place from what is."""

from dataclasses import replace

import pytest

from udev_device_plugin.config.specs import MAX_IDS_OF_RESOURCE, GroupSpec, PathSpec, ResourceSpec
from udev_device_plugin.devices.assembled import AssembledDevice, AssembledResource, UnseenDevice
from udev_device_plugin.devices.bounds import within_bounds
from udev_device_plugin.selectors.paths.glob import Glob
from udev_device_plugin.selectors.paths.selector import PathSelector

GROUP = GroupSpec((PathSpec(PathSelector(Glob.of("/dev/a"))),))
SPEC = ResourceSpec("squat.ai/a", (GROUP, replace(GROUP, count=4)))
NOTHING = AssembledResource()


def device(name: str, group: int = 0) -> AssembledDevice:
    return AssembledDevice((name,), group, (), True, 0.0)


def unseen(name: str) -> UnseenDevice:
    return UnseenDevice(name, 0.0, 0.0)


@pytest.mark.parametrize(
    ("devices", "known", "ids_left", "offered", "left_out"),
    [
        pytest.param("abc", "", 3, "abc", 0, id="enough left"),
        pytest.param("abc", "", 2, "ab", 1, id="the last ones are left out"),
        pytest.param("abc", "c", 2, "ac", 1, id="what is offered stays"),
        pytest.param("abC", "", 4, "ab", 4, id="a device is offered as often as it is to be, or not at all"),
        pytest.param("Cab", "ab", 5, "ab", 4, id="one that comes before others takes no place from them"),
        pytest.param("abc", "abc", 0, "", 3, id="none left"),
        pytest.param("abc", "abc", -5, "", 3, id="less than none"),
    ],
)
def test_of_too_many_devices_the_known_ones_come_first(
    devices: str, known: str, ids_left: int, offered: str, left_out: int
) -> None:
    assembled = AssembledResource(tuple(device(name, int(name.isupper())) for name in devices), left_out=7)
    now = within_bounds(assembled, AssembledResource(tuple(map(device, known))), SPEC, ids_left)
    assert "".join(one.identity[0] for one in now.devices) == offered
    assert now.left_out == left_out


def test_devices_that_are_not_here_have_what_is_left() -> None:
    assembled = AssembledResource((device("a"),), tuple(map(unseen, "xyz")))
    now = within_bounds(assembled, NOTHING, SPEC, 3)
    assert (len(now.devices), len(now.unseen), now.left_out) == (1, 2, 1)


def test_ten_thousand_of_one_resource_are_possible_and_no_more() -> None:
    devices = tuple(device(str(number)) for number in range(MAX_IDS_OF_RESOURCE + 5))
    now = within_bounds(AssembledResource(devices), NOTHING, SPEC, 10**9)
    assert (len(now.devices), now.left_out) == (10_000, 5)
