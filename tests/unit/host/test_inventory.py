"""The host as last looked at: what replaces what, and for whom that changes something."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from tests.unit.inventories import described, gone, node
from udev_device_plugin.host.inventory import Inventory
from udev_device_plugin.host.looks import HostLook
from udev_device_plugin.host.model import DeviceNumber, HostDevice, Node, NodeState, PathEntry, Unit, UsbDevice
from udev_device_plugin.selectors.kind import SelectorKind
from udev_device_plugin.selectors.paths.glob import Glob
from udev_device_plugin.selectors.paths.selector import PathSelector
from udev_device_plugin.selectors.usb.selector import UsbSelector

TTYS, ALL, FIRST_TTY = (PathSelector(Glob.parse(text)) for text in ("/dev/ttyUSB*", "/dev/*", "/dev/ttyUSB0"))
USB = UsbSelector("0403", "6001", nodes=(("tty", 1),))
SELECTORS: list[SelectorKind] = [TTYS, ALL, FIRST_TTY, USB]
LINK = "/dev/serial/by-id/link"


def entry(minor: int, path: str = "", inode: int = 0) -> PathEntry:
    return node(path or f"/dev/ttyUSB{minor}", minor, target=f"/dev/ttyUSB{minor}", inode=inode or minor).entry


def device(minor: int, *links: str, port: int = 0) -> HostDevice:
    stick = UsbDevice(f"/sys/devices/usb1/1-{port}", "0403", "6001", "A") if port else None
    number = DeviceNumber("c", 188, minor)
    return HostDevice(f"/sys/devices/{minor}", "tty", number, f"/dev/ttyUSB{minor}", links, links, usb_device=stick)


def there(minor: int, *links: str, port: int = 0) -> HostLook:
    return described(device(minor, *links, port=port), [entry(minor)])


def pulled(minor: int) -> HostLook:
    return gone(f"/dev/ttyUSB{minor}", DeviceNumber("c", 188, minor))


def unfinished(minor: int) -> HostLook:
    number, at = DeviceNumber("c", 188, minor), entry(minor)
    return HostLook({at.path: at}, {number: (Node(number, number, NodeState.UNFINISHED, at.inode, at.path),)})


def knowing(*looks: HostLook) -> Inventory:
    inventory = Inventory(SELECTORS)
    for look in looks:
        inventory.replace(look)
    return inventory


def state(inventory: Inventory) -> object:
    """All that can be asked of it."""
    matches = {selector: dict(inventory.matches(selector)) for selector in SELECTORS}
    at = {path: (inventory.node_at(one), inventory.is_settled(one)) for path, one in inventory.entries.items()}
    devices = sorted(inventory.devices(), key=lambda one: one.number)
    sole = [(one.number, [inventory.is_sole_claim(one, link) for link in one.devlinks]) for one in devices]
    serials = [one.usb_device is None or inventory.sharing_serial(one.usb_device) for one in devices]
    return matches, at, devices, sole, serials


def test_nothing_is_complete_before_everything_was_looked_at() -> None:
    inventory = knowing(there(0))
    assert not inventory.is_complete
    inventory.replace(HostLook(complete_for=3))
    assert (inventory.is_complete, inventory.complete_for) == (True, 3)


def test_a_look_touches_the_selectors_that_match_and_no_other() -> None:
    assert knowing().replace(there(1)) == {TTYS, ALL}
    assert knowing().replace(there(0)) == {TTYS, ALL, FIRST_TTY}
    assert knowing().replace(there(0, port=1)) == {TTYS, ALL, FIRST_TTY, USB}
    assert knowing().replace(described(device(7))) == set()


def test_the_same_once_more_touches_nobody() -> None:
    inventory = knowing(there(0, LINK))
    node_of = inventory.node_at(entry(0))
    assert node_of is not None
    assert inventory.replace(HostLook({"/dev/ttyUSB0": entry(0)}, {node_of.unit: (node_of,)})) == set()


def test_a_node_that_udevd_works_on_is_nobodys_match_yet_but_its_finish_is() -> None:
    inventory = knowing()
    assert inventory.replace(HostLook({"/dev/ttyUSB0": entry(0)})) == set()
    assert inventory.replace(described(device(0), [entry(0)])) == {TTYS, ALL, FIRST_TTY}


def test_what_goes_touches_whoever_matched_it() -> None:
    assert knowing(there(0)).replace(pulled(0)) == {TTYS, ALL, FIRST_TTY}


def test_a_path_that_leads_to_another_node_now_is_a_change() -> None:
    link = "/dev/link"
    inventory = knowing(there(0), there(1), HostLook({link: entry(0, link)}))
    assert ALL in inventory.replace(HostLook({link: entry(1, link)}))


def test_a_node_that_was_made_anew_is_not_described_by_what_was_said_of_the_former() -> None:
    inventory = knowing(there(0))
    again = entry(0, inode=99)
    inventory.replace(HostLook({again.path: again}))
    assert inventory.node_at(again) is None
    assert not inventory.is_settled(again)


def test_another_node_with_the_number_of_the_kernels_own_is_a_name_of_it() -> None:
    inventory = knowing(there(0))
    by_hand = node("/dev/mine", 0, inode=99).entry
    inventory.replace(HostLook({by_hand.path: by_hand}))
    assert inventory.device_at(by_hand) == device(0)


def test_a_node_is_settled_when_all_nodes_of_its_usb_device_are() -> None:
    unit: Unit = "/sys/devices/usb1/1-1"
    nodes = tuple(
        Node(DeviceNumber("c", 188, minor), unit, state, minor + 1, f"/dev/ttyUSB{minor}", device(minor, port=1))
        for minor, state in ((0, NodeState.FINISHED), (1, NodeState.UNFINISHED))
    )
    inventory = knowing(HostLook({"/dev/ttyUSB0": entry(0)}, {unit: nodes}))
    assert not inventory.is_settled(entry(0))
    done = tuple(replace(one, state=NodeState.FINISHED) for one in nodes)
    assert inventory.replace(HostLook(units={unit: done})) == {TTYS, ALL, FIRST_TTY, USB}
    assert inventory.is_settled(entry(0))


def test_a_link_is_a_devices_own_for_as_long_as_no_other_claims_it() -> None:
    inventory = knowing(there(0, LINK))
    assert inventory.is_sole_claim(device(0, LINK), LINK)
    inventory.replace(described(device(7, LINK)))
    assert not inventory.is_sole_claim(device(0, LINK), LINK)
    inventory.replace(HostLook(units={DeviceNumber("c", 188, 7): ()}))
    assert inventory.is_sole_claim(device(0, LINK), LINK)


@pytest.mark.parametrize("look", [described(device(7, LINK)), HostLook(units={DeviceNumber("c", 188, 8): ()})])
def test_who_claims_a_link_or_gives_it_up_touches_what_the_others_are_matched_by(look: HostLook) -> None:
    inventory = knowing(there(0, LINK), described(device(8, LINK)))
    assert inventory.replace(look) == {TTYS, ALL, FIRST_TTY}


def test_claims_within_one_usb_device_differ_from_those_of_others() -> None:
    inventory = Inventory(SELECTORS)
    unit: Unit = "/sys/devices/usb1/1-1"
    nodes = tuple(
        Node(number, unit, NodeState.FINISHED, minor + 1, f"/dev/ttyUSB{minor}", device(minor, LINK, port=1))
        for minor in (0, 1)
        for number in (DeviceNumber("c", 188, minor),)
    )
    inventory.replace(HostLook(units={unit: nodes}))
    assert inventory.is_claimed_within(device(0, LINK, port=1), LINK)
    inventory.replace(described(device(5, LINK, port=2)))
    assert not inventory.is_claimed_within(device(0, LINK, port=1), LINK)


LOOKS = st.sampled_from(
    [
        *(there(minor, *links) for minor in (0, 1) for links in ((), (LINK,))),
        *(there(minor, LINK, port=1) for minor in (0, 1)),
        *(unfinished(minor) for minor in (0, 1)),
        *(pulled(minor) for minor in (0, 1)),
        HostLook(units={"/sys/devices/usb1/1-1": ()}),
        HostLook({"/dev/link": entry(0, "/dev/link")}),
        HostLook({"/dev/link": entry(1, "/dev/link")}),
        HostLook({"/dev/link": None}),
    ]
)
EVERYTHING: Sequence[HostLook] = (
    HostLook(dict.fromkeys(["/dev/ttyUSB0", "/dev/ttyUSB1", "/dev/link"])),
    HostLook(units={"/sys/devices/usb1/1-1": (), **{DeviceNumber("c", 188, minor): () for minor in (0, 1)}}),
    there(1, LINK),
)


@given(st.lists(LOOKS))
def test_any_sequence_of_looks_and_then_one_at_everything_equals_that_one_alone(looks: list[HostLook]) -> None:
    assert state(knowing(*looks, *EVERYTHING)) == state(knowing(*EVERYTHING))


@given(st.lists(LOOKS))
def test_matches_are_always_what_the_selectors_match(looks: list[HostLook]) -> None:
    inventory = knowing(*looks)
    for selector in (TTYS, ALL, FIRST_TTY):
        matches = {path: one for path, one in inventory.entries.items() if selector.glob.matches(path)}
        assert inventory.matches(selector) == matches


@given(st.lists(LOOKS), LOOKS)
def test_who_is_not_touched_by_a_look_has_the_same_matches_after_it(looks: list[HostLook], last: HostLook) -> None:
    inventory = knowing(*looks)

    def seen(selector: SelectorKind) -> object:
        matches = dict(inventory.matches(selector))
        finished = {path: one for path, one in matches.items() if inventory.is_settled(one)}
        return {path: (one, inventory.device_at(one)) for path, one in finished.items()}

    before = {selector: seen(selector) for selector in SELECTORS}
    touched = inventory.replace(last)
    assert {one: seen(one) for one in SELECTORS if one not in touched} == {
        one: before[one] for one in SELECTORS if one not in touched
    }
