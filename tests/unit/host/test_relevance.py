"""Which of udev's events are hints at all."""

import pytest

from udev_device_plugin.host.interest import Interest
from udev_device_plugin.host.looks import EntryStamp, NodeLook, UnitLook
from udev_device_plugin.host.memory import Memory
from udev_device_plugin.host.model import DeviceNumber, HostDevice
from udev_device_plugin.host.nodes import Nodes
from udev_device_plugin.host.relevance import is_relevant
from udev_device_plugin.host.udev.monitor import UdevEvent
from udev_device_plugin.selectors.paths.glob import Glob
from udev_device_plugin.selectors.paths.selector import PathSelector
from udev_device_plugin.selectors.udev_rule.rule import Rule
from udev_device_plugin.selectors.udev_rule.selector import UdevSelector

NUMBER = DeviceNumber("c", 188, 0)
PATH = "/sys/devices/virtual/x/x0"
INTEREST = Interest(
    frozenset({PathSelector(Glob.parse("/dev/wanted*")), UdevSelector(Rule.parse('SUBSYSTEM=="ruled"'))})
)


def event(
    action: str = "change", *, subsystem: str = "misc", devnode: str = "/dev/x0", devlinks: str = ""
) -> UdevEvent:
    return UdevEvent(action, PATH, subsystem, NUMBER, devnode, devlinks)


def remembering(*devlinks: str, is_wanted: bool = False, is_described: bool = True) -> Nodes:
    memory = Memory()
    described = HostDevice(PATH, "misc", NUMBER, "/dev/x0", devlinks, is_wanted=is_wanted)
    entry = EntryStamp(1, 1) if is_described else None
    look = NodeLook(NUMBER, 1, "/dev/x0", 1, 0, entry, description=described if is_described else None)
    memory.take_in(UnitLook(NUMBER, (look,)), 0.0, is_named=False)
    return memory.nodes


NOTHING = Nodes()


@pytest.mark.parametrize(
    ("nodes", "one", "expected"),
    [
        pytest.param(NOTHING, event("add"), False, id="nobody asks for it"),
        pytest.param(NOTHING, event("add", devnode="/dev/wanted0"), True, id="a glob asks for its node"),
        pytest.param(NOTHING, event("add", devlinks="/dev/wanted0"), True, id="a glob asks for its link"),
        pytest.param(NOTHING, event("add", devlinks="/dev/other"), True, id="it claims a link"),
        pytest.param(NOTHING, event("add", subsystem="ruled"), True, id="a rule may match"),
        pytest.param(NOTHING, event("remove", subsystem="ruled"), False, id="what was never known goes"),
        pytest.param(NOTHING, event("remove", devlinks="/dev/other"), True, id="a claim that was never known goes"),
        pytest.param(remembering(is_wanted=True), event(), True, id="it is asked for"),
        pytest.param(remembering(is_described=False), event(), True, id="it is not finished"),
        pytest.param(remembering("/dev/a"), event(devlinks="/dev/a"), False, id="its links are as known"),
        pytest.param(
            remembering("/dev/a", "/dev/b"), event(devlinks="/dev/b /dev/a"), False, id="its links in another order"
        ),
        pytest.param(remembering("/dev/a"), event(devlinks="/dev/a /dev/b"), True, id="it claims one more"),
        pytest.param(remembering("/dev/a"), event(), True, id="it claims none any more"),
        pytest.param(remembering("/dev/a"), event("remove", devlinks="/dev/a"), True, id="what is known goes"),
    ],
)
def test_an_event_is_a_hint_if_it_can_change_anything(nodes: Nodes, one: UdevEvent, expected: bool) -> None:
    assert is_relevant(one, INTEREST, nodes) is expected


def test_an_event_about_nothing_that_has_a_node_changes_nothing() -> None:
    assert not is_relevant(UdevEvent("add", PATH, "net", None, "", ""), INTEREST, NOTHING)
