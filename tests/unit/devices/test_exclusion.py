"""What may be excluded is not offered before it is known that it is not."""

import pytest

from tests.unit import inventories
from tests.unit.inventories import MadeUpInventory
from udev_device_plugin.config.specs import GroupSpec, PathSpec, ResourceSpec
from udev_device_plugin.devices.assembled import AssemblyContext
from udev_device_plugin.devices.candidates import Candidate, Slot
from udev_device_plugin.devices.path_assignment import candidates
from udev_device_plugin.host.model import DeviceNumber, HostDevice, NodeState, UsbDevice
from udev_device_plugin.selectors.hid.selector import HidSelector
from udev_device_plugin.selectors.kind import SelectorKind
from udev_device_plugin.selectors.paths.glob import Glob
from udev_device_plugin.selectors.paths.selector import PathSelector
from udev_device_plugin.selectors.udev_rule.rule import Rule
from udev_device_plugin.selectors.udev_rule.selector import UdevSelector
from udev_device_plugin.selectors.usb.selector import UsbSelector

TTY, HIDRAW = "/dev/ttyUSB0", "/dev/hidraw0"
STICK = UsbDevice("/sys/devices/pci0000:00/0000:00:14.0/usb1/1-2", "0403", "6001", "A", "2")
UPS = HidSelector("0403", "6001", usage_page="0084")
LITERAL = ResourceSpec("squat.ai/serial", (GroupSpec((PathSpec(PathSelector(Glob.of(TTY))),)),))


def described(minor: int, path: str, subsystem: str, *usage_pages: str) -> HostDevice:
    return HostDevice(
        f"{STICK.sys_path}/1-2:1.{minor}/{subsystem}",
        subsystem,
        DeviceNumber("c", inventories.TTY_USB, minor),
        path,
        usage_pages=frozenset(usage_pages),
        usb_device=STICK,
    )


def found(inventory: MadeUpInventory, *exclude: SelectorKind, present: tuple[str, ...] = ()) -> list[Candidate]:
    spec = ResourceSpec(LITERAL.resource, LITERAL.groups, exclude)
    inventory.select(spec.selectors)
    slot = Slot(0, 0)
    return [
        *candidates(spec, inventory, (), AssemblyContext(0.0, 0.0, "/links/"), [(slot, path) for path in present])[
            slot
        ].values()
    ]


def test_a_node_that_takes_anothers_place_is_offered_at_once_only_if_nothing_can_exclude_it() -> None:
    inventory = MadeUpInventory(LITERAL.selectors)
    inventory.stands(inventories.node(TTY, 0, state=NodeState.UNFINISHED))
    assert found(inventory, present=(TTY,)) != []
    assert found(inventory, UsbSelector("0403", "6001", nodes=()), present=(TTY,)) == []


@pytest.mark.parametrize("page", ["0084", "0001"])
def test_a_literal_path_waits_for_the_interface_by_which_its_stick_may_be_excluded(page: str) -> None:
    inventory = MadeUpInventory({*LITERAL.selectors, UPS})
    inventory.described(described(0, TTY, "tty"))
    inventory.stands(inventories.node(TTY, 0))
    inventory.described(described(1, HIDRAW, "hidraw", page))
    inventory.stands(inventories.node(HIDRAW, 1, state=NodeState.UNFINISHED))
    assert found(inventory) != []
    assert found(inventory, UPS) == []
    inventory.stands(inventories.node(HIDRAW, 1))
    assert (found(inventory, UPS) == []) == (page == "0084")


@pytest.mark.parametrize(
    ("excluded", "is_offered"),
    [
        (PathSelector(Glob.parse("/dev/serial/by-id/*CONSOLE*")), False),
        (UdevSelector(Rule.parse('ENV{ID_MODEL}=="CONSOLE"')), False),
        (UPS, True),
        (UsbSelector("0403", "6002", nodes=()), True),
    ],
    ids=str,
)
def test_what_udevd_has_not_got_to_in_time_is_not_offered_if_that_may_exclude_it(
    excluded: SelectorKind, is_offered: bool
) -> None:
    inventory = MadeUpInventory(LITERAL.selectors)
    inventory.described(described(0, TTY, "tty"))
    inventory.stands(inventories.node(TTY, 0, state=NodeState.OVERDUE))
    assert found(inventory) != []
    assert (found(inventory, excluded) != []) == is_offered
    inventory.stands(inventories.node(TTY, 0, state=NodeState.FINISHED))
    assert found(inventory, excluded) != []
