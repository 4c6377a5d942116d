"""What a resource's paths may have: who a node is, which path gets it, and which host path leads to it."""

import itertools
from collections.abc import Iterable
from dataclasses import replace

import pytest

from tests.unit import inventories
from tests.unit.inventories import MadeUpInventory, Standing, no_node
from udev_device_plugin.config.specs import GroupSpec, PathSpec, PathType, ResourceSpec
from udev_device_plugin.devices.assembled import AssemblyContext
from udev_device_plugin.devices.candidates import Candidate, NodeKey, Slot, node_key
from udev_device_plugin.devices.path_assignment import candidates
from udev_device_plugin.host.looks import HostLook
from udev_device_plugin.host.model import DeviceNumber, HostDevice, NodeState, PathKind, UsbDevice
from udev_device_plugin.selectors.paths.glob import Glob
from udev_device_plugin.selectors.paths.selector import PathSelector

LINKS = "/plugins/udev-device-plugin/"
BY_ID = "/dev/serial/by-id/usb-x-if00"
XHCI = "/sys/devices/pci0000:00/0000:00:14.0"


def number(minor: int) -> DeviceNumber:
    return DeviceNumber("c", 188, minor)


def by_path(at: int) -> str:
    return f"/dev/serial/by-path/usb-0:{at}:1.0"


def stick(
    minor: int,
    at: int,
    serial: str = "",
    *,
    links: Iterable[str] | None = None,
    leading_here: Iterable[str] | None = None,
) -> HostDevice:
    claimed = tuple([BY_ID, by_path(at)] if links is None else links)
    return HostDevice(
        sys_path=f"{XHCI}/usb1/1-{at}/1-{at}:1.0/ttyUSB{minor}/tty/ttyUSB{minor}",
        subsystem="tty",
        number=number(minor),
        devnode=f"/dev/ttyUSB{minor}",
        devlinks=claimed,
        links=claimed if leading_here is None else tuple(leading_here),
        serial=serial,
        numa_node=1,
    )


def node(minor: int, path: str | None = None, *, making: int = 0, state: NodeState = NodeState.FINISHED) -> Standing:
    target = f"/dev/ttyUSB{minor}"
    return inventories.node(path or target, minor, target=target, inode=100 * making + minor, state=state)


def path(text: str, **others: object) -> PathSpec:
    return PathSpec(PathSelector(Glob.parse(text)), **others)  # type: ignore[arg-type]  # the tests' own spelling of a spec


class Host:
    """One resource's groups of one path each, on a host."""

    def __init__(self, *paths: PathSpec) -> None:
        self.spec = ResourceSpec("squat.ai/serial", tuple(GroupSpec((one,)) for one in paths))
        self.inventory = MadeUpInventory(self.spec.selectors)
        self.held: list[tuple[Slot, Candidate]] = []

    def has(self, *things: HostDevice | Standing) -> "Host":
        for thing in things:
            if isinstance(thing, HostDevice):
                self.inventory.described(thing)
            else:
                self.inventory.stands(thing)
        return self

    def loses(self, *paths: str) -> "Host":
        for gone in paths:
            self.inventory.gone(gone)
        return self

    def holds_what_it_has(self) -> "Host":
        """All that may be had now is in formed devices from now on."""
        self.held = [(slot, one) for slot, found in self.candidates().items() for one in found.values()]
        return self

    def candidates(self) -> dict[Slot, dict[str, Candidate]]:
        found = candidates(self.spec, self.inventory, self.held, AssemblyContext(0.0, 0.0, LINKS))
        return {slot: dict(of_slot) for slot, of_slot in found.items()}

    @property
    def found(self) -> list[tuple[int, str, str]]:
        """Group, identity and target of all."""
        return [
            (slot.group, key, one.target) for slot, found in self.candidates().items() for key, one in found.items()
        ]

    @property
    def only(self) -> Candidate:
        (candidate,) = (one for found in self.candidates().values() for one in found.values())
        return candidate


@pytest.mark.parametrize(
    ("spec", "things", "identity", "host_path"),
    [
        pytest.param(
            path("/dev/ttyUSB0"),
            [node(0), stick(0, 1, "A")],
            "/dev/ttyUSB0",
            "/dev/ttyUSB0",
            id="a literal path is itself",
        ),
        pytest.param(
            path("/dev/ttyUSB*"), [node(0), stick(0, 1, "A")], BY_ID, BY_ID, id="a glob finds a stick by serial number"
        ),
        pytest.param(
            path("/dev/ttyUSB*"), [node(0), stick(0, 1)], by_path(1), by_path(1), id="or by port if it has none"
        ),
        pytest.param(
            path("/dev/serial/by-path/*"), [node(0, by_path(1)), stick(0, 1, "A")], BY_ID, BY_ID, id="under any name"
        ),
        pytest.param(
            path("/dev/ttyUSB*"),
            [node(0), stick(0, 1, "A", leading_here=[by_path(1)])],
            by_path(1),
            by_path(1),
            id="a link that leads elsewhere does not count",
        ),
        pytest.param(
            path("/dev/ttyUSB[0]"),
            [node(0), stick(0, 1, "A"), stick(1, 2, "A")],
            by_path(1),
            by_path(1),
            id="nor one that a clone claims, offered or not",
        ),
        pytest.param(
            path("/dev/ttyUSB*"),
            [node(0, state=NodeState.UNKNOWN)],
            "/dev/ttyUSB0",
            "/dev/ttyUSB0",
            id="unknown to udev",
        ),
        pytest.param(
            path("/dev/ttyUSB*", type=PathType.MOUNT),
            [node(0), stick(0, 1, "A")],
            "/dev/ttyUSB0",
            "/dev/ttyUSB0",
            id="a mount is its path",
        ),
    ],
)
def test_who_a_node_is(spec: PathSpec, things: list[HostDevice | Standing], identity: str, host_path: str) -> None:
    only = Host(spec).has(*things).only
    assert (only.identity, only.host_path) == (identity, host_path)


def test_a_node_without_a_link_gets_one_of_ours_with_a_name_for_a_person() -> None:
    only = Host(path("/dev/ttyUSB*")).has(node(0), stick(0, 1, "A", links=[])).only
    assert only.identity.startswith("ttyUSB/tty/ttyUSB-1:1.0@")
    assert only.host_path.startswith(f"{LINKS}ttyusb-1-1-0-")
    assert (only.target, only.numa_node) == ("/dev/ttyUSB0", 1)


def test_our_link_of_a_stick_has_the_same_name_wherever_its_node_is() -> None:
    first = Host(path("/dev/ttyUSB*")).has(node(0), stick(0, 1, links=[])).only
    second = Host(path("/dev/ttyUSB*")).has(node(7), stick(7, 1, links=[])).only
    assert (first.identity, first.host_path) == (second.identity, second.host_path)


def test_two_nodes_at_one_port_are_two() -> None:
    twice = [stick(0, 1, links=[]), replace(stick(1, 1, links=[]), place=1)]
    found = Host(path("/dev/ttyUSB*")).has(node(0), node(1), *twice).found
    assert [target for _, _, target in found] == ["/dev/ttyUSB0", "/dev/ttyUSB1"]
    assert found[1][1] == f"{found[0][1]}#1"


def test_clones_are_told_apart_by_their_ports() -> None:
    host = Host(path("/dev/ttyUSB*")).has(stick(0, 1, "A"), stick(1, 2, "A"), node(0), node(1))
    assert host.found == [(0, by_path(1), "/dev/ttyUSB0"), (0, by_path(2), "/dev/ttyUSB1")]


def test_a_later_clone_renames_nobody_but_takes_the_host_path_from_the_first() -> None:
    host = Host(path("/dev/ttyUSB*")).has(stick(0, 1, "A"), node(0)).holds_what_it_has()
    host.has(stick(1, 2, "A"), node(1))
    assert host.found == [(0, BY_ID, "/dev/ttyUSB0"), (0, by_path(2), "/dev/ttyUSB1")]
    first, second = host.candidates()[Slot(0, 0)].values()
    assert first.host_path.startswith(LINKS)
    assert second.host_path == by_path(2)


@pytest.mark.parametrize(
    "later",
    [
        pytest.param(stick(0, 1, "A"), id="a late link"),
        pytest.param(stick(0, 1, "A", links=["/dev/serial/by-id/aaa"]), id="another link"),
        pytest.param(stick(0, 3, "A"), id="another port"),
    ],
)
def test_an_identity_holds_for_as_long_as_the_node_is_there(later: HostDevice) -> None:
    host = Host(path("/dev/ttyUSB*")).has(stick(0, 1, "A", links=[by_path(1)]), node(0)).holds_what_it_has()
    assert host.has(later).only.identity == by_path(1)


def test_a_node_that_is_made_anew_is_another() -> None:
    host = Host(path("/dev/ttyUSB*")).has(stick(0, 1, "A", links=[by_path(1)]), node(0)).holds_what_it_has()
    host.loses("/dev/ttyUSB0").has(node(0, making=1), stick(0, 1, "A"))
    assert host.only.identity == BY_ID


def test_a_literal_paths_hold_on_a_node_names_it_for_nobody_else() -> None:
    host = Host(path("/dev/ttyUSB0"), path("/dev/ttyUSB*", limit=2)).has(stick(0, 1, "A"), node(0)).holds_what_it_has()
    assert host.found == [(0, "/dev/ttyUSB0", "/dev/ttyUSB0"), (1, BY_ID, "/dev/ttyUSB0")]


def test_nor_does_a_mounts() -> None:
    mounts = path("/dev/ttyUSB*", type=PathType.MOUNT)
    host = Host(mounts, path("/dev/serial/by-id/*")).has(stick(0, 1, "A"), node(0)).holds_what_it_has()
    assert host.has(node(0, BY_ID)).found == [(0, "/dev/ttyUSB0", "/dev/ttyUSB0"), (1, BY_ID, "/dev/ttyUSB0")]


@pytest.mark.parametrize(
    ("specs", "expected"),
    [
        pytest.param([path("/dev/ttyUSB*"), path("/dev/serial/by-id/*")], [(0, "/dev/ttyUSB0")], id="the first spec"),
        pytest.param([path("/dev/serial/by-id/*"), path("/dev/ttyUSB*")], [(0, BY_ID)], id="whichever that is"),
        pytest.param(
            [path("/dev/serial/by-id/*"), path("/dev/ttyUSB0")], [(1, "/dev/ttyUSB0")], id="a literal path before"
        ),
        pytest.param(
            [path("/dev/serial/by-id/*", limit=2), path("/dev/ttyUSB*")],
            [(0, BY_ID), (1, "/dev/ttyUSB0")],
            id="a limit shares",
        ),
        pytest.param(
            [path("/dev/serial/by-id/*", type=PathType.MOUNT), path("/dev/ttyUSB*")],
            [(0, BY_ID), (1, "/dev/ttyUSB0")],
            id="a mount shares",
        ),
    ],
)
def test_one_path_has_a_node(specs: list[PathSpec], expected: list[tuple[int, str]]) -> None:
    host = Host(*specs).has(stick(0, 1, "A"), node(0), node(0, BY_ID))
    found = [(slot.group, one.path) for slot, of_slot in host.candidates().items() for one in of_slot.values()]
    assert found == expected


def test_a_limit_makes_no_two_of_a_node_that_has_two_names() -> None:
    host = Host(path("/dev/serial/by-*/*", limit=2)).has(stick(0, 1, "A"), node(0, BY_ID), node(0, by_path(1)))
    assert host.only.path == BY_ID


@pytest.mark.parametrize(
    ("state", "is_described", "is_offered"),
    [
        (NodeState.UNFINISHED, False, False),
        (NodeState.UNFINISHED, True, False),
        (NodeState.FINISHED, False, False),  # it has not been looked at yet
        (NodeState.FINISHED, True, True),
        (NodeState.OVERDUE, False, True),
        (NodeState.UNKNOWN, False, True),
    ],
)
def test_a_glob_waits_until_all_is_known_of_a_node(state: NodeState, is_described: bool, is_offered: bool) -> None:
    host = Host(path("/dev/ttyUSB*")).has(node(0, state=state))
    if is_described:
        host.inventory.described(stick(0, 1))
    assert bool(host.found) is is_offered


def test_a_node_waits_until_all_nodes_of_its_usb_device_are_finished() -> None:
    usb = UsbDevice(f"{XHCI}/usb1/1-1", "0403", "6001", "A", "2")
    host = Host(path("/dev/ttyUSB*"))
    for minor, state in ((0, NodeState.FINISHED), (1, NodeState.UNFINISHED)):
        host.has(node(minor, state=state), replace(stick(minor, 1, "A", links=[]), usb_device=usb))
    assert host.found == []
    host.has(node(1, state=NodeState.FINISHED))
    assert len(host.found) == 2


@pytest.mark.parametrize("state", [NodeState.OVERDUE, NodeState.UNKNOWN])
def test_a_literal_path_waits_for_udevd_and_for_nobody_to_say_what_it_is(state: NodeState) -> None:
    assert Host(path("/dev/ttyUSB0")).has(node(0, state=NodeState.UNFINISHED)).found == []
    assert Host(path("/dev/ttyUSB0")).has(node(0, state=state)).found


def key(standing: Standing) -> NodeKey:
    return node_key(MadeUpInventory([]), standing.entry)


def test_a_node_is_one_making_of_it_and_anything_else_is_where_it_stands() -> None:
    assert key(node(0)) == key(node(0, BY_ID))
    assert key(node(0)) != key(node(0, making=1))
    directory = no_node("/dev/link", PathKind.DIRECTORY, target="/dev/snd", inode=1)
    assert key(directory) != key(no_node("/dev/dri", PathKind.DIRECTORY, inode=1))


def test_another_node_with_the_number_of_the_kernels_own_is_a_name_of_it() -> None:
    host = Host(path("/dev/ttyUSB*")).has(node(0), stick(0, 1, "A"))
    by_hand = inventories.node("/dev/ttyUSB-mine", 0, inode=77)
    host.inventory.replace(HostLook({by_hand.entry.path: by_hand.entry}))
    assert host.only.identity == BY_ID


def tty_of(usb: UsbDevice, minor: int, place: int) -> HostDevice:
    return replace(stick(minor, 1, "A", links=[BY_ID]), links=(BY_ID,) if place else (), place=place, usb_device=usb)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("port", [1, 5])
def test_nodes_of_one_usb_device_that_claim_one_link_are_told_apart_by_serial_number_and_place(
    order: tuple[int, ...], port: int
) -> None:
    usb = UsbDevice(f"{XHCI}/usb1/1-{port}", "0403", "6001", "A", "2")
    host = Host(path("/dev/ttyUSB*"))
    for place in order:
        host.has(node(7 - place), tty_of(usb, 7 - place, place))
    by_serial = "usb:0403:6001:serial=A:ttyUSB-tty-ttyUSB:1.0"
    assert {(one.identity, one.target) for one in host.candidates()[Slot(0, 0)].values()} == {
        (by_serial, "/dev/ttyUSB7"),
        (f"{by_serial}#1", "/dev/ttyUSB6"),
        (f"{by_serial}#2", "/dev/ttyUSB5"),
    }
