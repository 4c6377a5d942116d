"""Devices that are whole sticks: which nodes they have, when they are offered, and who they are."""

import itertools
from collections.abc import Iterable, Sequence

import pytest

from tests.unit import inventories
from tests.unit.inventories import MadeUpInventory
from udev_device_plugin.config.specs import GroupSpec, PathSpec, ResourceSpec
from udev_device_plugin.devices.assembled import AssembledDevice, AssembledResource, AssemblyContext
from udev_device_plugin.devices.assembly import assemble
from udev_device_plugin.devices.candidates import Candidate, NodeKey
from udev_device_plugin.devices.describe import device_set
from udev_device_plugin.devices.usb_devices import QUIET, UsbDeviceGroup
from udev_device_plugin.host.model import DeviceNumber, HostDevice, NodeState, UsbDevice
from udev_device_plugin.selectors.paths.glob import Glob
from udev_device_plugin.selectors.paths.selector import PathSelector
from udev_device_plugin.selectors.usb.selector import UsbSelector

XHCI = "/sys/devices/pci0000:00/0000:00:14.0"
MODEM = UsbSelector("2c7c", "0125", nodes=(("tty", 2), ("usbmisc", 1)))
OPEN = UsbSelector("2c7c", "0125", nodes=(("tty", 1),), is_open_ended=True)

Node = tuple[str, int, int]
"""Subsystem, interface and number."""

WHOLE: Sequence[Node] = (("tty", 0, 0), ("tty", 1, 1), ("usbmisc", 2, 0))


def described(node: Node, port: int, serial: str) -> HostDevice:
    subsystem, interface, number = node
    place = f"{XHCI}/usb1/1-{port}"
    stick = UsbDevice(place, "2c7c", "0125", serial, "2")
    name, major = (f"ttyUSB{number}", 188) if subsystem == "tty" else (f"cdc-wdm{number}", 180)
    sys_path = f"{place}/1-{port}:1.{interface}/{name}/{subsystem}/{name}"
    return HostDevice(
        sys_path,
        subsystem,
        DeviceNumber("c", major, number),
        f"/dev/{name}",
        serial=serial,
        usb_device=stick,
    )


class Host:
    """One resource on a host; the time goes on only in `waits`."""

    makings = 0

    def __init__(self, *selectors: UsbSelector, others: Iterable[GroupSpec] = (), grace_period: float = 300.0) -> None:
        groups = (GroupSpec((PathSpec(selector, permissions="rw"),)) for selector in selectors)
        self.spec = ResourceSpec("squat.ai/modem", (*groups, *others))
        self.inventory = MadeUpInventory(self.spec.selectors)
        self.formation = AssembledResource(is_first=False)
        self.grace_period = grace_period
        self.now = 1000.0

    def plugs(self, *nodes: Node, port: int = 1, serial: str = "") -> "Host":
        for node in nodes:
            device = described(node, port, serial)
            self.inventory.described(device)
            Host.makings += 1
            entry = inventories.node(
                device.devnode,
                device.number.minor,
                major=device.number.major,
                inode=Host.makings,
                state=NodeState.FINISHED,
            )
            self.inventory.stands(entry)
            self.forms()
        return self

    def pulls(self, *nodes: Node, port: int = 1) -> "Host":
        for node in nodes:
            self.inventory.gone(described(node, port, "").devnode)
        return self.forms()

    def waits(self, seconds: float) -> "Host":
        self.now += seconds
        return self.forms()

    def forms(self) -> "Host":
        given = AssemblyContext(self.now, self.grace_period, "/links/", frozenset())
        self.formation = assemble(self.spec, self.inventory, self.formation, given)
        return self

    @property
    def offers(self) -> dict[str, tuple[bool, list[str]]]:
        """Health and nodes of each device, by identity."""
        devices = device_set(self.spec, self.formation).devices
        return {
            "+".join(device.identity): (
                device.is_healthy,
                [member.node.rpartition("/")[2] for member in device.members],
            )
            for device in devices
        }


BY_SERIAL = "usb:2c7c:0125:serial=A"
BY_PORT = f"usb:2c7c:0125:port=1@{XHCI.removeprefix('/sys/devices/')}/usb2"
NODES = ["ttyUSB0", "ttyUSB1", "cdc-wdm0"]


def test_a_stick_is_offered_when_all_of_its_nodes_are_there_and_in_the_order_that_was_asked_for() -> None:
    host = Host(MODEM)
    for node in reversed(WHOLE[1:]):
        assert host.plugs(node).offers == {}
    assert host.plugs(WHOLE[0]).offers == {BY_PORT: (True, NODES)}


def test_it_is_unhealthy_when_one_of_them_goes_and_keeps_its_others() -> None:
    host = Host(MODEM).plugs(*WHOLE).pulls(WHOLE[1])
    assert host.offers == {BY_PORT: (False, NODES)}
    assert host.plugs(("tty", 1, 5)).offers == {BY_PORT: (True, ["ttyUSB0", "ttyUSB5", "cdc-wdm0"])}


FOUR: Sequence[Node] = tuple(("tty", number, number) for number in range(4))


@pytest.mark.parametrize(
    ("selector", "before", "later"),
    [
        (UsbSelector("2c7c", "0125", nodes=(("tty", 2),)), FOUR, ()),
        (OPEN, FOUR[:2], FOUR[2:3]),
    ],
    ids=["of more than it needs", "one that came since"],
)
def test_no_other_node_takes_the_place_of_one_that_went(
    selector: UsbSelector, before: Sequence[Node], later: Sequence[Node]
) -> None:
    host = Host(selector).plugs(*before).waits(QUIET)
    assert host.offers == {BY_PORT: (True, NODES[:2])}
    assert host.pulls(FOUR[1]).plugs(*later).offers == {BY_PORT: (False, NODES[:2])}
    ((is_healthy, nodes),) = host.plugs(("tty", 1, 7)).offers.values()
    assert is_healthy
    assert nodes[:2] == ["ttyUSB0", "ttyUSB7"]


def test_nodes_of_other_subsystems_and_further_ones_are_not_handed_over() -> None:
    host = Host(MODEM).plugs(*WHOLE, ("net", 3, 9), ("tty", 4, 4))
    assert host.offers == {BY_PORT: (True, NODES)}


USB = "usb:2040:8268:serial=TV1"


def places(selector: UsbSelector, *names: str, known: Sequence[str] = ()) -> list[str]:
    """Which of these nodes a stick is offered with, in order; ``known``: those that it was offered with before."""
    number = itertools.count()
    nodes = {
        f"{USB}:{name}": Candidate(
            identity=f"{USB}:{name}",
            path=f"/dev/{name}",
            node=NodeKey(DeviceNumber("c", 1, next(number)), 1, ""),
            target=f"/dev/{name}",
            host_path=f"/dev/{name}",
            usb_device=USB,
            subsystem=selector.nodes[0][0],
        )
        for name in names
    }
    members = tuple(nodes[f"{USB}:{name}"] for name in known)
    before = AssembledDevice((USB,), 0, members, True, 0.0, needs=selector.nodes)
    previous = AssembledResource((before,) if known else ())
    now = UsbDeviceGroup(0, selector, nodes.values(), previous, 0.0).renewed(before)
    return [member.identity.removeprefix(f"{USB}:") for member in now.members if member is not None]


TUNERS = [f"dvb-dvb.{kind}:1.0{place}" for kind in ("frontend", "demux", "dvr") for place in ("", "#1")]
CARD = ["sound-card-pcmCDp:1.0", "sound-card-pcmCDc:1.0", "sound-card-pcmCDc:1.0#1", "sound-card-controlC:1.0"]


@pytest.mark.parametrize(
    ("selector", "nodes", "expected"),
    [
        pytest.param(("dvb", 3), TUNERS, [TUNERS[2], TUNERS[4], TUNERS[0]], id="of two tuners those of the first"),
        pytest.param(("sound", 1), CARD, [CARD[3]], id="of a sound card the control node"),
        pytest.param(("sound", 4), CARD, [CARD[3], CARD[1], CARD[0], CARD[2]], id="then what it records and plays"),
        pytest.param(("tty", 3), ["t:1.10", "t:1.9", "t:2.0", "t:1.2"], ["t:1.2", "t:1.9", "t:1.10"], id="interfaces"),
        pytest.param(("tty", 3), ["t:1.0#10", "t:1.0#9", "t:1.0"], ["t:1.0", "t:1.0#9", "t:1.0#10"], id="ports"),
        pytest.param(("block", 3), ["sd10:1.0", "sd2:1.0", "sd:1.0"], ["sd:1.0", "sd2:1.0", "sd10:1.0"], id="disks"),
        pytest.param(("usb", 2), ["usb", "x#b"], ["usb", "x#b"], id="what is no place"),
    ],
)
def test_nodes_are_taken_in_the_order_of_their_places(
    selector: tuple[str, int], nodes: list[str], expected: list[str]
) -> None:
    one = UsbSelector("2040", "8268", nodes=(selector,))
    assert places(one, *nodes) == expected
    assert places(one, *reversed(nodes)) == expected


def test_a_stick_that_is_known_keeps_its_nodes() -> None:
    assert places(UsbSelector("0d8c", "0014", nodes=(("sound", 1),)), *CARD, known=[CARD[0]]) == [CARD[0]]
    assert places(UsbSelector("0d8c", "0014", nodes=(("sound", 2),)), *CARD, known=[CARD[2], CARD[0]]) == [
        CARD[0],
        CARD[2],
    ]


def test_a_stick_is_known_by_its_serial_number_wherever_it_is() -> None:
    host = Host(MODEM).plugs(*WHOLE, serial="A").pulls(*WHOLE)
    assert host.offers == {BY_SERIAL: (False, NODES)}
    host.plugs(("tty", 0, 7), ("tty", 1, 8), ("usbmisc", 2, 3), port=2, serial="A")
    assert host.offers == {BY_SERIAL: (True, ["ttyUSB7", "ttyUSB8", "cdc-wdm3"])}


def test_of_two_with_one_serial_number_the_second_is_known_by_its_port() -> None:
    host = Host(MODEM).plugs(*WHOLE, serial="A")
    host.plugs(("tty", 0, 7), ("tty", 1, 8), ("usbmisc", 2, 3), port=2, serial="A")
    assert host.offers == {
        BY_SERIAL: (True, NODES),
        BY_PORT.replace("port=1", "port=2"): (True, ["ttyUSB7", "ttyUSB8", "cdc-wdm3"]),
    }


def test_two_that_come_together_are_both_known_by_their_ports() -> None:
    host = Host(MODEM).plugs(*WHOLE[1:], serial="A")
    host.plugs(("tty", 0, 7), ("tty", 1, 8), ("usbmisc", 2, 3), port=2, serial="A")
    host.plugs(WHOLE[0], serial="A")
    assert [health for health, _ in host.offers.values()] == [True, True]
    assert len(host.offers) == 2


def test_links_of_our_own_lead_to_its_nodes() -> None:
    host = Host(MODEM).plugs(*WHOLE)
    (device,) = device_set(host.spec, host.formation).devices
    assert all(member.host_path == member.own_link for member in device.members)
    assert len({member.own_link for member in device.members}) == 3
    assert device.members[0].own_link.startswith("/links/usb-2c7c-0125-port-1-")
    again = Host(MODEM).plugs(("tty", 0, 4), ("tty", 1, 5), ("usbmisc", 2, 6))
    (other,) = device_set(again.spec, again.formation).devices
    assert [member.own_link for member in other.members] == [member.own_link for member in device.members]


# Without numbers.


def test_without_numbers_a_stick_is_offered_after_a_second_of_quiet() -> None:
    host = Host(OPEN).plugs(("tty", 0, 0)).waits(QUIET / 2).plugs(("tty", 1, 1))
    assert host.formation.settles_at == host.now + QUIET
    assert host.waits(QUIET * 0.9).offers == {}
    assert host.waits(QUIET * 0.1).offers == {BY_PORT: (True, ["ttyUSB0", "ttyUSB1"])}
    assert host.formation.settles_at is None


def test_the_most_nodes_that_were_seen_are_what_it_takes_to_be_whole() -> None:
    host = Host(OPEN).plugs(("tty", 0, 0)).waits(QUIET)
    assert host.offers == {BY_PORT: (True, ["ttyUSB0"])}
    assert host.plugs(("tty", 1, 1)).offers == {BY_PORT: (True, ["ttyUSB0", "ttyUSB1"])}
    assert host.pulls(("tty", 1, 1)).offers == {BY_PORT: (False, ["ttyUSB0", "ttyUSB1"])}
    assert host.pulls(("tty", 0, 0)).plugs(("tty", 0, 3)).offers == {BY_PORT: (False, ["ttyUSB3", "ttyUSB1"])}
    assert host.plugs(("tty", 1, 4)).offers == {BY_PORT: (True, ["ttyUSB3", "ttyUSB4"])}


def test_what_is_there_at_the_first_look_is_as_complete_as_it_gets() -> None:
    host = Host(OPEN)
    host.formation = AssembledResource()
    assert host.plugs(("tty", 0, 0)).offers == {BY_PORT: (True, ["ttyUSB0"])}


@pytest.mark.parametrize("selector", [MODEM, OPEN])
def test_a_stick_that_leaves_while_it_is_counted_leaves_nothing_behind(selector: UsbSelector) -> None:
    host = Host(selector).plugs(("tty", 0, 0)).pulls(("tty", 0, 0)).waits(QUIET)
    assert (host.offers, host.formation.settles_at) == ({}, None)


# Who has which node.


def test_a_node_of_a_stick_is_not_offered_once_more_by_its_path() -> None:
    host = Host(MODEM, others=[GroupSpec((PathSpec(PathSelector(Glob.parse("/dev/ttyUSB*"))),))])
    host.plugs(*WHOLE, ("tty", 9, 9), port=1)
    assert host.offers[BY_PORT] == (True, NODES)
    assert not any(key != BY_PORT for key in host.offers), "a further node of the stick's is the stick's too"


def test_a_node_that_a_glob_may_share_stays_what_it_is_for_each() -> None:
    shared = GroupSpec((PathSpec(PathSelector(Glob.parse("/dev/ttyUSB*")), limit=2),))
    host = Host(UsbSelector("2c7c", "0125", nodes=(("tty", 1),)), others=[shared]).plugs(("tty", 0, 0))
    offered = host.offers
    assert offered[BY_PORT] == (True, ["ttyUSB0"])
    assert len(offered) == 2
    assert host.forms().offers == offered


def test_of_two_entries_that_mean_one_stick_the_first_has_it() -> None:
    host = Host(MODEM, OPEN).plugs(*WHOLE).waits(QUIET)
    assert host.offers == {BY_PORT: (True, NODES)}


def test_serial_numbers_are_compared_exactly() -> None:
    host = Host(UsbSelector("2c7c", "0125", "A", (("tty", 1),)))
    assert host.plugs(("tty", 0, 0), serial="a").offers == {}
    assert host.plugs(("tty", 0, 1), port=2, serial="A").offers == {BY_SERIAL: (True, ["ttyUSB1"])}
