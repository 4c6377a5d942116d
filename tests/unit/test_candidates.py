"""What a resource's paths may have: who a node is, which path gets it, and which host path leads to it."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from tests.lab import inventories
from tests.lab.inventories import MadeUpInventory, no_node
from udev_device_plugin.candidates import Candidate, Slot, candidates, node_key
from udev_device_plugin.config.specs import GroupSpec, PathSpec, PathType, ResourceSpec
from udev_device_plugin.device import DeviceNumber, HostDevice, PathEntry, PathKind, Readiness
from udev_device_plugin.globs import Glob

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
        usb_version="2",
        numa_node=1,
    )


def node(minor: int, path: str | None = None, *, making: int = 0, readiness: Readiness = Readiness.DONE) -> PathEntry:
    target = f"/dev/ttyUSB{minor}"
    return inventories.node(path or target, minor, target=target, inode=100 * making + minor, readiness=readiness)


def path(text: str, **others: object) -> PathSpec:
    return PathSpec(Glob.parse(text), **others)  # type: ignore[arg-type]  # the tests' own spelling of a spec


class Host:
    """One resource's groups of one path each, on a host."""

    def __init__(self, *paths: PathSpec) -> None:
        self.spec = ResourceSpec("squat.ai/serial", tuple(GroupSpec((one,)) for one in paths))
        self.inventory = MadeUpInventory(self.spec.selectors)
        self.held: list[tuple[Slot, Candidate]] = []

    def has(self, *things: HostDevice | PathEntry) -> "Host":
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
        found = candidates(self.spec, self.inventory, self.held, LINKS)
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
            [node(0, readiness=Readiness.UNKNOWN)],
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
def test_who_a_node_is(spec: PathSpec, things: list[HostDevice | PathEntry], identity: str, host_path: str) -> None:
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
    twice = [stick(0, 1, links=[]), stick(1, 1, links=[])]
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


def test_a_node_that_is_offered_needs_no_word_of_udevs_to_stay() -> None:
    host = Host(path("/dev/ttyUSB*")).has(stick(0, 1, "A"), node(0)).holds_what_it_has()
    before = host.only
    moved = HostDevice(
        stick(0, 1).sys_path, "tty", number(7), "/dev/ttyUSB7"
    )  # an event that lies, or a change of number
    assert not host.has(moved).inventory.is_settled(node(0))
    assert host.only == before


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
    ("readiness", "told", "is_offered"),
    [
        (Readiness.AWAITED, [], False),
        (Readiness.AWAITED, [stick(0, 1)], False),
        (Readiness.DONE, [], False),
        (Readiness.DONE, [stick(0, 1)], True),
        (Readiness.DONE, [number(0)], False),  # it may be about the number's former device
        (Readiness.DONE, [number(0)] * 2, True),
        (Readiness.OVERDUE, [], False),
        (Readiness.OVERDUE, [number(0)], True),
        (Readiness.UNKNOWN, [], True),
    ],
)
def test_a_glob_waits_until_all_is_known_of_a_node(
    readiness: Readiness, told: list[HostDevice | DeviceNumber], is_offered: bool
) -> None:
    host = Host(path("/dev/ttyUSB*")).has(node(0, readiness=readiness))
    for one in told:
        if isinstance(one, HostDevice):
            host.inventory.described(one)
        else:
            host.inventory.undescribed(one)
    assert bool(host.found) is is_offered


@pytest.mark.parametrize("readiness", [Readiness.DONE, Readiness.OVERDUE, Readiness.UNKNOWN])
def test_a_literal_path_waits_for_udevd_and_for_nobody_to_say_what_it_is(readiness: Readiness) -> None:
    assert Host(path("/dev/ttyUSB0")).has(node(0, readiness=Readiness.AWAITED)).found == []
    assert Host(path("/dev/ttyUSB0")).has(node(0, readiness=readiness)).found


def test_a_node_is_one_making_of_it_and_anything_else_is_where_it_stands() -> None:
    assert node_key(node(0)) == node_key(node(0, BY_ID))
    assert node_key(node(0)) != node_key(node(0, making=1))
    directory = no_node("/dev/link", PathKind.DIRECTORY, target="/dev/snd", inode=1)
    assert node_key(directory) != node_key(no_node("/dev/dri", PathKind.DIRECTORY, inode=1))


@pytest.mark.parametrize(
    ("before", "now", "identity"),
    [
        pytest.param(5, 5, BY_ID, id="the same making"),
        pytest.param(0, 5, BY_ID, id="udevd had not finished with it then"),
        pytest.param(5, 0, BY_ID, id="its stamp cannot be read now"),
        pytest.param(5, 9, "ttyUSB/tty/ttyUSB-2:1.0@pci0000:00/0000:00:14.0/usb2", id="another with its inode"),
    ],
)
def test_a_node_keeps_its_identity_for_as_long_as_it_is_the_same_making(before: int, now: int, identity: str) -> None:
    host = Host(path("/dev/ttyUSB*")).has(replace(node(0), initialized_at=before), stick(0, 1, "A"))
    host.holds_what_it_has()
    host.has(replace(node(0), initialized_at=now), stick(0, 2, "B", links=()))
    assert host.only.identity == identity


def test_a_node_that_udevs_database_was_wrong_about_is_named_by_what_udev_says_then() -> None:
    host = Host(path("/dev/ttyUSB*")).has(replace(node(0), initialized_at=5))
    host.has(replace(stick(0, 1, links=()), initialized_at=5)).holds_what_it_has()
    host.has(replace(stick(0, 1, "A"), initialized_at=9))
    assert host.only.identity == BY_ID
