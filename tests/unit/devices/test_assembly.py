"""Which devices a resource offers, given what stands on the host: the origin's rules, and ours on top."""

from collections.abc import Iterable

import pytest
from hypothesis import given, strategies as st

from tests.unit import inventories
from tests.unit.inventories import MadeUpInventory, Standing, no_node
from udev_device_plugin.config.specs import GroupSpec, PathSpec, PathType, ResourceSpec
from udev_device_plugin.devices.assembled import AssembledDevice, AssembledResource, AssemblyContext
from udev_device_plugin.devices.assembly import assemble
from udev_device_plugin.devices.describe import device_set
from udev_device_plugin.devices.identity import device_id
from udev_device_plugin.devices.retention import FRESH, MIN_ASK
from udev_device_plugin.host.model import DeviceNumber, HostDevice, NodeState, PathKind
from udev_device_plugin.selectors.paths.glob import Glob
from udev_device_plugin.selectors.paths.selector import PathSelector

MINORS: dict[str, int] = {}


def node(path: str, *, same_as: str | None = None, awaits_udev: bool = False) -> Standing:
    target = same_as or path
    minor = MINORS.setdefault(target, len(MINORS))
    state = NodeState.UNFINISHED if awaits_udev else NodeState.UNKNOWN
    return inventories.node(path, minor, target=target, inode=minor, state=state)


def path(text: str, **others: object) -> PathSpec:
    return PathSpec(PathSelector(Glob.parse(text)), **others)  # type: ignore[arg-type]  # the tests' own spelling of a spec


def group(*paths: PathSpec, count: int = 1) -> GroupSpec:
    return GroupSpec(paths, count)


class Host:
    """An inventory and the formation of one resource, which is formed anew after each change."""

    def __init__(self, *groups: GroupSpec, grace_period: float = 300.0) -> None:
        self.spec = ResourceSpec("squat.ai/serial", groups)
        self.inventory = MadeUpInventory(self.spec.selectors)
        self.formation = AssembledResource()
        self.now = 1000.0
        self.grace_period = grace_period
        self.held: frozenset[str] | None = frozenset()
        self.fresh: frozenset[str] = frozenset()

    def has(self, *entries: Standing | str) -> "Host":
        for entry in entries:
            self.inventory.stands(node(entry) if isinstance(entry, str) else entry)
        return self._form()

    def loses(self, *paths: str) -> "Host":
        for gone in paths:
            self.inventory.gone(gone)
        return self._form()

    def waits(self, seconds: float) -> "Host":
        self.now += seconds
        return self._form()

    def _form(self) -> "Host":
        given = AssemblyContext(self.now, self.grace_period, "/links/", self.held, self.fresh)
        self.formation = assemble(self.spec, self.inventory, self.formation, given)
        return self

    @property
    def offers(self) -> dict[tuple[str, ...], bool]:
        """Host paths of each device's members, and whether it is Healthy."""
        devices = device_set(self.spec, self.formation).devices
        return {tuple(member.host_path for member in device.members): device.is_healthy for device in devices}


def paths(formed: AssembledDevice) -> tuple[str, ...]:
    return tuple(member.path for member in formed.members if member is not None)


def healthy(*devices: Iterable[str]) -> dict[tuple[str, ...], bool]:
    return {tuple(device): True for device in devices}


def test_every_node_that_matches_a_glob_is_one_device() -> None:
    host = Host(group(path("/dev/ttyUSB*")), group(path("/dev/ttyACM*")))
    host.has("/dev/ttyUSB0", "/dev/ttyUSB1", "/dev/ttyACM0")
    assert host.offers == healthy(["/dev/ttyACM0"], ["/dev/ttyUSB0"], ["/dev/ttyUSB1"])


@pytest.mark.parametrize(
    ("paths", "present", "expected"),
    [
        pytest.param(
            [path("/dev/a*"), path("/dev/b*")],
            ["/dev/a1", "/dev/a2", "/dev/b1", "/dev/b2"],
            [["/dev/a1", "/dev/b1"], ["/dev/a2", "/dev/b2"]],
            id="match i of every path goes into device i",
        ),
        pytest.param(
            [path("/dev/a*"), path("/dev/b*")],
            ["/dev/a1", "/dev/a2", "/dev/b1"],
            [["/dev/a1", "/dev/b1"]],
            id="the shortest list caps",
        ),
        pytest.param(
            [path("/dev/a*"), path("/dev/fuse", limit=10)],
            ["/dev/a1", "/dev/a2", "/dev/a3", "/dev/fuse"],
            [["/dev/a1", "/dev/fuse"], ["/dev/a2", "/dev/fuse"], ["/dev/a3", "/dev/fuse"]],
            id="a limit lets a match be shared",
        ),
        pytest.param(
            [path("/dev/a*", limit=2), path("/dev/b*")],
            ["/dev/a1", "/dev/a2", "/dev/b1", "/dev/b2", "/dev/b3"],
            [["/dev/a1", "/dev/b1"], ["/dev/a2", "/dev/b2"], ["/dev/a1", "/dev/b3"]],
            id="a shared list is gone through again from its beginning",
        ),
        pytest.param(
            [path("/dev/fuse", limit=10)],
            ["/dev/fuse"],
            [["/dev/fuse"]],
            id="a limit alone makes no more devices than there are matches",
        ),
        pytest.param(
            [path("/dev/a*"), path("/dev/b*", optional=True)],
            ["/dev/a1", "/dev/a2"],
            [["/dev/a1"], ["/dev/a2"]],
            id="an optional path without matches is left out",
        ),
        pytest.param(
            [path("/dev/a*"), path("/dev/b*", optional=True)],
            ["/dev/a1", "/dev/a2", "/dev/b1"],
            [["/dev/a1", "/dev/b1"]],
            id="an optional path with matches constrains",
        ),
        pytest.param(
            [path("/dev/a*"), path("/dev/missing")],
            ["/dev/a1"],
            [],
            id="a required path without matches gives no device",
        ),
        pytest.param(
            [path("/dev/a*", optional=True), path("/dev/b*", optional=True)],
            ["/dev/b1"],
            [["/dev/b1"]],
            id="of optional paths alone, one is enough",
        ),
        pytest.param([path("/dev/a*", optional=True), path("/dev/b*", optional=True)], [], [], id="but none is not"),
    ],
)
def test_the_paths_of_a_group_are_zipped(paths: list[PathSpec], present: list[str], expected: list[list[str]]) -> None:
    assert Host(group(*paths)).has(*present).offers == healthy(*expected)


def test_matches_are_sorted_bytewise_as_the_origin_sorts_them() -> None:
    host = Host(group(path("/dev/a*"), path("/dev/b*")))
    host.has("/dev/a10", "/dev/a9", "/dev/b10", "/dev/b9")
    assert host.offers == healthy(["/dev/a10", "/dev/b10"], ["/dev/a9", "/dev/b9"])


def test_a_node_is_one_device_however_many_names_lead_to_it() -> None:
    host = Host(group(path("/dev/ttyUSB*")), group(path("/dev/serial/by-id/*")))
    host.has("/dev/ttyUSB0", node("/dev/serial/by-id/usb-x", same_as="/dev/ttyUSB0"))
    assert host.offers == healthy(["/dev/ttyUSB0"])


LINK_0, LINK_1 = "/dev/serial/by-id/b", "/dev/serial/by-id/a"
"""Links to ttyUSB0 and ttyUSB1, whose order is not that of the nodes."""


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        pytest.param([path("/dev/ttyUSB0"), path(LINK_0)], [["/dev/ttyUSB0", LINK_0]], id="its number and its link"),
        pytest.param(
            [path("/dev/ttyUSB0", mount_path="/dev/a"), path("/dev/ttyUSB0", mount_path="/dev/b")],
            [["/dev/ttyUSB0", "/dev/ttyUSB0"]],
            id="under two paths in the container",
        ),
        pytest.param(
            [path("/dev/ttyUSB*", mount_path="/dev/a"), path("/dev/ttyUSB*", mount_path="/dev/b")],
            [["/dev/ttyUSB0", "/dev/ttyUSB0"], ["/dev/ttyUSB1", "/dev/ttyUSB1"]],
            id="each of a glob's",
        ),
        pytest.param(
            [path("/dev/ttyUSB*"), path("/dev/serial/by-id/*")],
            [["/dev/ttyUSB0", LINK_1]],
            id="in another order: the second device would have the first one's nodes",
        ),
        pytest.param([path("/dev/ttyUSB*"), path(LINK_0)], [["/dev/ttyUSB0", LINK_0]], id="a condition"),
        pytest.param(
            [path("/dev/ttyUSB*"), path(LINK_0, optional=True)], [["/dev/ttyUSB0", LINK_0]], id="one of them optional"
        ),
        pytest.param(
            [path("/dev/ttyUSB*"), path(LINK_0, limit=2)],
            [["/dev/ttyUSB0", LINK_0], ["/dev/ttyUSB1", LINK_0]],
            id="one of them shared",
        ),
    ],
)
def test_the_paths_of_a_group_may_name_one_node(paths: list[PathSpec], expected: list[list[str]]) -> None:
    host = Host(group(*paths))
    host.has("/dev/ttyUSB0", "/dev/ttyUSB1", node(LINK_0, same_as="/dev/ttyUSB0"), node(LINK_1, same_as="/dev/ttyUSB1"))
    assert host.offers == healthy(*expected)
    assert host.has("/dev/other").offers == healthy(*expected)
    host.loses("/dev/ttyUSB0", LINK_0)
    host.has("/dev/ttyUSB0", node(LINK_0, same_as="/dev/ttyUSB0"))
    assert host.offers.items() >= healthy(*expected).items(), "without an optional match there may be more"


def test_another_group_still_gets_no_node_that_a_group_names_twice() -> None:
    host = Host(group(path("/dev/ttyUSB0"), path(LINK_0)), group(path("/dev/ttyUSB*")), group(path("/dev/serial/*/*")))
    host.has("/dev/ttyUSB0", node(LINK_0, same_as="/dev/ttyUSB0"))
    assert host.offers == healthy(["/dev/ttyUSB0", LINK_0])


def test_a_literal_path_claims_its_node_before_a_glob_that_stands_earlier() -> None:
    host = Host(
        group(path("/dev/ttyUSB*", mount_path="/dev/any")), group(path("/dev/ttyUSB1", mount_path="/dev/modem"))
    )
    host.has("/dev/ttyUSB0", "/dev/ttyUSB1")
    devices = device_set(host.spec, host.formation).devices
    assert {device.identity: device.members[0].container_path for device in devices} == {
        ("/dev/ttyUSB0",): "/dev/any",
        ("/dev/ttyUSB1",): "/dev/modem",
    }


def test_a_late_name_takes_no_node_away_from_the_device_that_has_it() -> None:
    host = Host(group(path("/dev/*")))
    host.has("/dev/ttyUSB0").has(node("/dev/a-link", same_as="/dev/ttyUSB0"))
    assert host.offers == healthy(["/dev/ttyUSB0"])


def test_a_device_glob_takes_nodes_only_and_a_literal_path_directories_too() -> None:
    directory = no_node("/dev/snd", PathKind.DIRECTORY)
    file = no_node("/dev/file", PathKind.FILE)
    assert Host(group(path("/dev/*"))).has(directory, file).offers == {}
    assert Host(group(path("/dev/file"))).has(file).offers == {}
    assert Host(group(path("/dev/snd"))).has(directory).offers == healthy(["/dev/snd"])


def test_a_mount_may_be_anything_and_is_shared_between_groups() -> None:
    mount = path("/etc/asound.conf", type=PathType.MOUNT, read_only=True)
    host = Host(group(path("/dev/a*"), mount), group(path("/dev/b*"), mount))
    host.has("/dev/a1", "/dev/b1", no_node("/etc/asound.conf", PathKind.FILE))
    assert host.offers == healthy(["/dev/a1", "/etc/asound.conf"], ["/dev/b1", "/etc/asound.conf"])
    device = device_set(host.spec, host.formation).devices[0]
    assert device.identity == ("/dev/a1",)
    assert (device.members[1].type, device.members[1].read_only) == (PathType.MOUNT, True)


def test_a_node_that_udevd_has_not_finished_with_is_held_back() -> None:
    host = Host(group(path("/dev/ttyUSB*"))).has(node("/dev/ttyUSB0", awaits_udev=True))
    assert host.offers == {}
    assert host.has("/dev/ttyUSB0").offers == healthy(["/dev/ttyUSB0"])


def test_an_unplugged_device_stays_listed_as_unhealthy_through_the_grace_period() -> None:
    host = Host(group(path("/dev/ttyUSB*")), grace_period=300).has("/dev/ttyUSB0").loses("/dev/ttyUSB0")
    assert host.offers == {("/dev/ttyUSB0",): False}
    assert host.formation.expires_at == host.now + 300
    assert host.waits(299).offers == {("/dev/ttyUSB0",): False}
    assert host.waits(1).offers == {}
    assert host.formation.expires_at is None


def test_without_a_grace_period_it_is_forgotten_at_once() -> None:
    assert Host(group(path("/dev/a")), grace_period=0).has("/dev/a").loses("/dev/a").offers == {}


def test_a_device_that_comes_back_is_healthy_and_its_grace_period_starts_anew() -> None:
    host = Host(group(path("/dev/a"))).has("/dev/a").loses("/dev/a").waits(200).has("/dev/a")
    assert host.offers == healthy(["/dev/a"])
    assert host.loses("/dev/a").waits(200).offers == {("/dev/a",): False}


def test_a_zipped_device_stays_together_while_a_member_is_out() -> None:
    host = Host(group(path("/dev/a*"), path("/dev/b*"))).has("/dev/a1", "/dev/b1", "/dev/a2", "/dev/b2")
    host.loses("/dev/a1").has("/dev/a3")
    # b1 stays reserved for a1, so that a3 has no partner.
    assert host.offers == {("/dev/a1", "/dev/b1"): False, ("/dev/a2", "/dev/b2"): True}
    assert host.waits(300).offers == healthy(["/dev/a2", "/dev/b2"], ["/dev/a3", "/dev/b1"])


def test_only_unpaired_members_form_new_devices() -> None:
    host = Host(group(path("/dev/a*"), path("/dev/b*"))).has("/dev/a2", "/dev/b2").has("/dev/a1", "/dev/b1")
    assert host.offers == healthy(["/dev/a1", "/dev/b1"], ["/dev/a2", "/dev/b2"])


def test_an_optional_member_comes_and_goes_without_touching_health_or_identity() -> None:
    host = Host(group(path("/dev/a*"), path("/dev/b", optional=True))).has("/dev/a1")
    assert host.has("/dev/b").offers == healthy(["/dev/a1", "/dev/b"])
    assert host.loses("/dev/b").offers == healthy(["/dev/a1"])
    assert [formed.identity for formed in host.formation.devices] == [("/dev/a1",)]


def test_a_missing_mount_makes_a_device_unhealthy() -> None:
    host = Host(group(path("/dev/a"), path("/etc/b", type=PathType.MOUNT)))
    host.has("/dev/a", no_node("/etc/b", PathKind.FILE)).loses("/etc/b")
    assert host.offers == {("/dev/a", "/etc/b"): False}


def test_two_groups_that_spell_one_shared_device_offer_it_once() -> None:
    shared = path("/dev/fuse", limit=10)
    assert Host(group(shared, count=2), group(shared, count=3)).has("/dev/fuse").formation.devices[0].group == 0


# Who is it after a replug.


class Sticks(Host):
    """A host whose nodes udev knows: each is one stick, by its serial number."""

    makings = 0

    def plugs(self, serial: str, name: str, *others: str) -> "Sticks":
        Sticks.makings += 1
        number = DeviceNumber("c", 188, int(name[-1]))
        link = f"/dev/serial/by-id/{serial}"
        device = HostDevice(f"/sys/{Sticks.makings}", "tty", number, name, (link,), (link,), serial=serial)
        for path in (name, *others):
            self.inventory.stands(
                inventories.node(path, number.minor, target=name, inode=Sticks.makings, state=NodeState.FINISHED)
            )
        self.inventory.described(device)
        self._form()
        return self

    @property
    def sticks(self) -> dict[tuple[str, ...], tuple[str, ...] | None]:
        """Serial numbers of each device's members, and where they are now; None if it is absent."""
        return {
            tuple(one.rsplit("/", 1)[-1] for one in device.identity): tuple(member.node for member in device.members)
            if device.is_healthy
            else None
            for device in device_set(self.spec, self.formation).devices
        }


def test_a_stick_is_the_same_under_another_number() -> None:
    host = Sticks(group(path("/dev/ttyUSB*"))).plugs("A", "/dev/ttyUSB0")
    before = device_set(host.spec, host.formation)
    assert host.loses("/dev/ttyUSB0").offers == {("/dev/serial/by-id/A",): False}
    assert host.plugs("A", "/dev/ttyUSB3").sticks == {("A",): ("/dev/ttyUSB3",)}
    assert device_set(host.spec, host.formation).by_id.keys() == before.by_id.keys()


def test_another_stick_under_its_number_is_another_device() -> None:
    host = Sticks(group(path("/dev/ttyUSB*"))).plugs("A", "/dev/ttyUSB0")
    host.loses("/dev/ttyUSB0")
    assert host.plugs("B", "/dev/ttyUSB0").sticks == {("A",): None, ("B",): ("/dev/ttyUSB0",)}


def test_a_link_of_our_own_is_good_for_as_long_as_its_device_is_known() -> None:
    host = Sticks(group(path("/dev/ttyUSB*"))).plugs("A", "/dev/ttyUSB0")

    def links() -> list[tuple[str, bool]]:
        found = [member for device in device_set(host.spec, host.formation).devices for member in device.members]
        return [(member.own_link, member.host_path == member.own_link) for member in found if member.own_link]

    assert links() == [], "udev's link suffices"
    host.plugs("A", "/dev/ttyUSB1")
    (own,) = [own for own, _ in links() if own.startswith("/links/a-")]
    assert (own, True) in links(), "a clone claims the link too"
    host.inventory.unplugged(DeviceNumber("c", 188, 1))
    host.loses("/dev/ttyUSB1")
    assert (own, False) in links(), "the link is its own again; who was handed ours uses that on"
    host.loses("/dev/ttyUSB0")
    host.plugs("A", "/dev/ttyUSB3")
    assert (own, False) in links(), "as well after a replug"


def test_two_sticks_may_swap_their_numbers() -> None:
    host = Sticks(group(path("/dev/ttyUSB*"))).plugs("A", "/dev/ttyUSB0").plugs("B", "/dev/ttyUSB1")
    host.loses("/dev/ttyUSB0", "/dev/ttyUSB1")
    host.plugs("A", "/dev/ttyUSB1")
    assert host.plugs("B", "/dev/ttyUSB0").sticks == {("A",): ("/dev/ttyUSB1",), ("B",): ("/dev/ttyUSB0",)}


def test_partners_find_each_other_again_under_whatever_numbers() -> None:
    host = Sticks(group(path("/dev/a*"), path("/dev/b*")))
    for serial, name in (("A", "/dev/a0"), ("X", "/dev/b5"), ("B", "/dev/a1"), ("Y", "/dev/b6")):
        host.plugs(serial, name)
    assert host.sticks == {("A", "X"): ("/dev/a0", "/dev/b5"), ("B", "Y"): ("/dev/a1", "/dev/b6")}
    host.loses("/dev/a0", "/dev/a1")
    assert host.sticks == {("A", "X"): None, ("B", "Y"): None}
    host.plugs("B", "/dev/a0").plugs("A", "/dev/a1")
    assert host.sticks == {("A", "X"): ("/dev/a1", "/dev/b5"), ("B", "Y"): ("/dev/a0", "/dev/b6")}


@pytest.mark.parametrize("first", ["/dev/ttyUSB*", "/dev/ttyACM*"])
def test_a_stick_that_another_group_reaches_now_is_the_same(first: str) -> None:
    second = {"/dev/ttyUSB*": "/dev/ttyACM*", "/dev/ttyACM*": "/dev/ttyUSB*"}[first]
    host = Sticks(group(path(first), count=1), group(path(second), count=2)).plugs("A", "/dev/ttyUSB0")
    host.loses("/dev/ttyUSB0")
    assert host.plugs("A", "/dev/ttyACM1").sticks == {("A",): ("/dev/ttyACM1",)}
    assert device_set(host.spec, host.formation).count == (1 if first == "/dev/ttyACM*" else 2)
    host.loses("/dev/ttyACM1")
    assert host.sticks == {("A",): None}
    assert host.plugs("A", "/dev/ttyUSB2").sticks == {("A",): ("/dev/ttyUSB2",)}


def test_a_late_name_in_an_earlier_group_changes_nothing_until_the_next_replug() -> None:
    host = Sticks(group(path("/dev/serial/by-id/*")), group(path("/dev/ttyUSB*"))).plugs("A", "/dev/ttyUSB0")
    assert [formed.group for formed in host.formation.devices] == [1]
    link = "/dev/serial/by-id/A"
    host.has(inventories.node(link, 0, target="/dev/ttyUSB0", inode=Sticks.makings, state=NodeState.FINISHED))
    assert [formed.group for formed in host.formation.devices] == [1]
    host.loses("/dev/ttyUSB0", "/dev/serial/by-id/A")
    host.plugs("A", "/dev/ttyUSB1", "/dev/serial/by-id/A")
    assert [(formed.group, formed.is_healthy) for formed in host.formation.devices] == [(0, True)]


# What pods hold.


def id_of(path: str, replica: int = 0) -> str:
    return device_id("squat.ai/serial", (path,), replica)


@pytest.mark.parametrize("replica", [0, 3, 12])
def test_what_a_pod_holds_is_not_forgotten_and_asked_about_again_later(replica: int) -> None:
    host = Host(group(path("/dev/a")), grace_period=10).has("/dev/a")
    host.held = frozenset({id_of("/dev/a", replica)})
    assert host.loses("/dev/a").formation.expires_at == host.now + 10
    assert host.waits(10).offers == {("/dev/a",): False}
    assert host.formation.expires_at == host.now + MIN_ASK
    host.held = frozenset()
    assert host.waits(MIN_ASK - 1).offers == {("/dev/a",): False}, "nobody tells when a pod ends"
    assert host.waits(1).offers == {}


def test_a_long_grace_period_is_how_often_it_is_asked() -> None:
    host = Host(group(path("/dev/a")), grace_period=1000).has("/dev/a")
    host.held = frozenset({id_of("/dev/a")})
    host.loses("/dev/a").waits(1000)
    assert host.formation.expires_at == host.now + 1000


def test_while_nobody_has_asked_nothing_is_forgotten() -> None:
    host = Host(group(path("/dev/a")), grace_period=0).has("/dev/a")
    host.held = None
    assert host.loses("/dev/a").waits(10_000).offers == {("/dev/a",): False}
    host.held = frozenset()
    assert host.waits(0).offers == {}


def test_what_a_pod_holds_of_another_device_keeps_nothing() -> None:
    host = Host(group(path("/dev/a")), grace_period=10).has("/dev/a").loses("/dev/a")
    host.held = frozenset({id_of("/dev/b"), "of-another-form"})
    assert host.waits(10).offers == {}


def test_what_is_being_handed_out_is_not_forgotten_before_the_kubelet_can_tell_that_a_pod_holds_it() -> None:
    host = Host(group(path("/dev/a")), grace_period=0).has("/dev/a")
    host.fresh = frozenset({id_of("/dev/a")})
    assert host.loses("/dev/a").offers == {("/dev/a",): False}
    assert host.formation.expires_at == host.now + FRESH
    host.fresh, host.held = frozenset(), frozenset({id_of("/dev/a")})
    assert host.waits(FRESH).offers == {("/dev/a",): False}
    host.held = frozenset()
    assert host.waits(MIN_ASK).offers == {}


def test_what_was_handed_out_and_is_held_by_no_pod_a_moment_later_is_forgotten() -> None:
    host = Host(group(path("/dev/a")), grace_period=0).has("/dev/a")
    host.fresh = frozenset({id_of("/dev/a")})
    host.loses("/dev/a")
    host.fresh = frozenset()
    assert host.waits(FRESH).offers == {}


def remembered(host: Host) -> list[str]:
    return [id_ for id_, _ in device_set(host.spec, host.formation).unseen]


def test_what_a_pod_holds_and_was_never_seen_is_remembered_by_its_id() -> None:
    host = Host(group(path("/dev/a"), count=2), grace_period=10)
    host.held = frozenset({id_of("/dev/a"), id_of("/dev/a", 1), "of-another-form"})
    host.waits(0)
    since = host.now
    assert set(remembered(host)) == {id_of("/dev/a"), id_of("/dev/a", 1)}
    assert host.formation.expires_at == since + MIN_ASK
    host.waits(MIN_ASK)
    assert {when for _, when in device_set(host.spec, host.formation).unseen} == {since}
    assert host.formation.expires_at == host.now + MIN_ASK


def test_when_it_is_seen_it_is_a_device_and_nothing_to_remember() -> None:
    host = Host(group(path("/dev/a"), count=2))
    host.held = frozenset({id_of("/dev/a"), id_of("/dev/a", 7)})
    assert len(remembered(host.waits(0))) == 2
    assert host.has("/dev/a").offers == healthy(["/dev/a"])
    assert remembered(host) == []
    assert remembered(host.loses("/dev/a")) == [], "it is known what it is now"


def test_when_no_pod_holds_it_any_more_it_is_forgotten_at_its_time() -> None:
    host = Host(group(path("/dev/a")), grace_period=100)
    host.held = frozenset({id_of("/dev/a")})
    host.waits(0)
    host.held = None
    assert remembered(host.waits(1000)) == [id_of("/dev/a")], "nobody has asked"
    host.held = frozenset()
    assert remembered(host.waits(0)) == []


PATHS = [f"/dev/{kind}{number}" for kind in "ab" for number in range(3)]


@given(
    st.lists(st.tuples(st.sampled_from(["plug", "unplug", "wait"]), st.sampled_from(PATHS)), max_size=30),
    st.integers(1, 2),
    st.booleans(),
    st.sampled_from(["/dev/b*", "/dev/?[012]"]),
)
def test_whatever_happens_no_node_is_in_two_devices_and_no_partner_is_swapped(
    steps: list[tuple[str, str]], limit: int, optional: bool, second: str
) -> None:
    host = Host(group(path("/dev/a*"), path(second, limit=limit, optional=optional)), grace_period=10)
    partners: dict[tuple[str, ...], tuple[str, ...]] = {}
    for what, where in steps:
        if what == "plug":
            host.has(where)
        elif what == "unplug":
            host.loses(where)
        else:
            host.waits(4)
        formed = host.formation.devices
        used = [member for device in formed for member in {*paths(device)}]
        if limit == 1:
            assert len(used) == len({*used})
        assert all(used.count(member) <= limit + ("a" in member) * (limit > 1) for member in used)
        assert len({device.identity for device in formed}) == len(formed)
        if not optional:
            now = {device.identity: paths(device) for device in formed}
            assert all(now[key] == partners[key] for key in now.keys() & partners.keys())
            partners = now
    host.waits(10.0)
    present = set(host.inventory.entries)
    assert all(set(paths(device)) <= present and device.is_healthy for device in host.formation.devices)
