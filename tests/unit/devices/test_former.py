"""Former devices: what pods hold stays what it was, whatever is configured and whatever is plugged meanwhile."""

from collections.abc import Iterable

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.unit import inventories
from tests.unit.inventories import MadeUpInventory
from udev_device_plugin.config.specs import GroupSpec, PathSpec, ResourceSpec
from udev_device_plugin.devices.assembled import AssembledResource, AssemblyContext
from udev_device_plugin.devices.assembly import assemble
from udev_device_plugin.devices.describe import device_set
from udev_device_plugin.devices.device import Device, DeviceSet
from udev_device_plugin.devices.former import carried_over, held_nodes, marked, without_vacant_groups
from udev_device_plugin.devices.identity import id_base
from udev_device_plugin.devices.retention import FRESH, MIN_ASK
from udev_device_plugin.host.inventory import Inventory
from udev_device_plugin.host.looks import HostLook
from udev_device_plugin.host.model import (
    DeviceNumber,
    HostDevice,
    Node as HostNode,
    NodeState,
    PathEntry,
    PathKind,
    UsbDevice,
)
from udev_device_plugin.selectors.paths.glob import Glob
from udev_device_plugin.selectors.paths.selector import PathSelector

MINORS = {f"/dev/{kind}{number}": 3 * place + number for place, kind in enumerate("ab") for number in range(3)}


def group(*globs: str, count: int = 1, limit: int = 1) -> GroupSpec:
    return GroupSpec(tuple(PathSpec(PathSelector(Glob.parse(glob)), limit=limit) for glob in globs), count)


class Node:
    """A host with one resource and another, and pods that hold IDs of the first."""

    def __init__(self, *groups: GroupSpec) -> None:
        self.spec = ResourceSpec("squat.ai/a", groups)
        self.other = ResourceSpec("squat.ai/b", (group("/dev/a*"),))
        self.inventory = MadeUpInventory({*self.spec.selectors, *self.other.selectors})
        self.devices, self.others = AssembledResource(), AssembledResource()
        self.held: set[str] = set()
        self.now = 1000.0

    def plugs(self, *paths: str) -> "Node":
        for path in paths:
            self.inventory.stands(inventories.node(path, MINORS[path], inode=MINORS[path]))
        return self._form()

    def pulls(self, *paths: str) -> "Node":
        for path in paths:
            self.inventory.gone(path)
        return self._form()

    def reloads(self, *groups: GroupSpec) -> "Node":
        now = ResourceSpec(self.spec.resource, groups)
        self.spec, self.devices = carried_over(self.devices, self.spec, now, excludes_the_same=True)
        self.inventory.select({*self.spec.selectors, *self.other.selectors})
        for path in [path for path in MINORS if path in self.here]:
            self.inventory.stands(inventories.node(path, MINORS[path], inode=MINORS[path]))
        return self.asks()

    def asks(self, *, fresh: Iterable[str] = ()) -> "Node":
        self.devices = marked(self.spec, self.devices, self.held, [*fresh], self.now)
        self._form()
        self.spec, self.devices = without_vacant_groups(self.spec, self.devices)
        return self

    def _form(self) -> "Node":
        self.here = {path for path in MINORS if path in self.inventory.entries}
        given = AssemblyContext(self.now, 0.0, "/links/", frozenset(self.held))
        self.devices = assemble(self.spec, self.inventory, self.devices, given)
        withheld = held_nodes(self.spec, self.devices, self.inventory, "/links/")
        self.others = assemble(
            self.other, self.inventory, self.others, AssemblyContext(self.now, 0.0, withheld=withheld)
        )
        return self

    @property
    def offered(self) -> DeviceSet:
        return device_set(self.spec, self.devices)

    @property
    def shown(self) -> dict[str, bool]:
        """The members of each listed ID, and whether it is Healthy."""
        return {
            f"{'+'.join(member.node for member in device.members)}": device.is_healthy
            for device in self.offered.by_id.values()
        }


def ids(devices: DeviceSet, *nodes: str) -> list[str]:
    return [id_ for id_, device in devices.by_id.items() if tuple(one.node for one in device.members) == nodes]


def test_a_held_device_stays_and_an_unheld_one_becomes_what_is_configured() -> None:
    node = Node(group("/dev/a*", count=2)).plugs("/dev/a0", "/dev/a1", "/dev/b0", "/dev/b1")
    (first, _) = ids(node.offered, "/dev/a0")
    node.held = {first}
    node.reloads(group("/dev/a*", "/dev/b*"))
    assert node.shown == {"/dev/a0": True, "/dev/a1+/dev/b0": True}
    assert [*node.offered.by_id] == [first, *ids(node.offered, "/dev/a1", "/dev/b0")], "and its one replica alone"
    node.held = set()
    assert node.asks().shown == {"/dev/a0+/dev/b1": True, "/dev/a1+/dev/b0": True}
    assert not any(one.is_former for one in node.spec.groups)


def test_its_nodes_are_kept_from_a_limit_too_and_from_another_resource_that_did_not_have_them() -> None:
    node = Node(group("/dev/b*"))
    node.other = ResourceSpec("squat.ai/b", (group("/dev/none"),))
    node.plugs("/dev/b0", "/dev/b1")
    node.held = {*ids(node.offered, "/dev/b0")}
    node.other = ResourceSpec("squat.ai/b", (group("/dev/b*", limit=2),))
    node.reloads(group("/dev/a*"), group("/dev/b*", "/dev/b*", limit=2))
    assert {one.identity for one in node.others.devices} == {("/dev/b1",)}
    assert set(node.shown) == {"/dev/b0", "/dev/b1+/dev/b1"}


def test_an_absent_one_comes_back_as_it_was() -> None:
    node = Node(group("/dev/a*")).plugs("/dev/a0", "/dev/b0")
    node.held = {*ids(node.offered, "/dev/a0")}
    node.reloads(group("/dev/?*", "/dev/b*")).pulls("/dev/a0")
    assert node.shown["/dev/a0"] is False
    assert node.plugs("/dev/a0").shown["/dev/a0"] is True


def test_one_that_is_formed_again_is_no_former_one() -> None:
    node = Node(group("/dev/a*")).plugs("/dev/a0", "/dev/b0")
    node.held = {*ids(node.offered, "/dev/a0")}
    node.reloads(group("/dev/a*", "/dev/b*"))
    assert [device.is_former for device in node.devices.devices] == [True]
    node.reloads(group("/dev/[ab]*"))
    assert [device.is_former for device in node.devices.devices] == [False, False]
    assert {*node.offered.by_id} > node.held


@pytest.mark.parametrize("held", [None, frozenset[str]()])
def test_what_is_not_known_counts_as_held_and_is_asked_about(held: frozenset[str] | None) -> None:
    node = Node(group("/dev/a*")).plugs("/dev/a0", "/dev/b0")
    now = ResourceSpec(node.spec.resource, (group("/dev/a*", "/dev/b*"),))
    spec, devices = carried_over(node.devices, node.spec, now, excludes_the_same=True)
    node.inventory.select(spec.selectors)
    assert devices.expires_at == 0.0
    devices = marked(spec, devices, held, [], node.now)
    is_kept = held is None
    assert bool(held_nodes(spec, devices, node.inventory, "/links/")) is is_kept
    devices = assemble(spec, node.inventory, devices, AssemblyContext(node.now, 0.0))
    assert [one.is_former for one in devices.devices] == [is_kept]
    (device,) = device_set(spec, devices).devices
    assert device.count == (0 if is_kept else 1), "it has no ID that is known to be held"


def test_pods_are_asked_for_each_minute_and_sooner_for_what_was_just_allocated() -> None:
    node = Node(group("/dev/a*")).plugs("/dev/a0")
    (id_,) = node.offered.by_id
    node.reloads(group("/dev/a*", "/dev/b*"))
    assert node.shown == {}
    node = Node(group("/dev/a*")).plugs("/dev/a0")
    now = ResourceSpec(node.spec.resource, (group("/dev/a*", "/dev/b*"),))
    spec, devices = carried_over(node.devices, node.spec, now, excludes_the_same=True)
    fresh = marked(spec, devices, [], [id_], node.now)
    assert fresh.expires_at == node.now + FRESH
    assert marked(spec, fresh, [], [], node.now + FRESH / 2) == fresh, "the kubelet may not know of it yet"
    assert marked(spec, fresh, [], [], node.now + FRESH).devices[0].held_ids == frozenset()
    assert marked(spec, fresh, [id_], [], node.now).expires_at == node.now + MIN_ASK


GROUPS = {
    "a": group("/dev/a*"),
    "a twice": group("/dev/a*", count=2),
    "a and b": group("/dev/a*", "/dev/b*"),
    "any": group("/dev/[ab]*"),
    "a0": group("/dev/a0"),
    "a shared": group("/dev/a*", limit=2),
    "b and a": group("/dev/b*", "/dev/a*"),
}
STEPS = st.one_of(
    st.tuples(st.just("plug"), st.sampled_from([*MINORS])),
    st.tuples(st.just("pull"), st.sampled_from([*MINORS])),
    st.tuples(st.just("reload"), st.lists(st.sampled_from([*GROUPS]), min_size=1, max_size=2, unique=True)),
    st.tuples(st.just("hold"), st.integers(0, 5)),
    st.tuples(st.just("release"), st.integers(0, 5)),
)


class Pods:
    """Pods that come and go, and what each of them was given."""

    def __init__(self) -> None:
        self.node = Node(GROUPS["a"]).plugs("/dev/a0", "/dev/a1", "/dev/b0")
        self.holders: dict[str, Device] = {}
        self.beside: dict[str, set[tuple[str, ...]]] = {}

    def take(self, what: str, value: object) -> None:
        match what, value:
            case "plug", str(path):
                self.node.plugs(path)
            case "pull", str(path):
                self.node.pulls(path)
            case "reload", [*groups]:
                self.node.reloads(*(GROUPS[str(name)] for name in groups))
            case "hold", _:
                listed = self.node.offered.by_id
                free = [id_ for id_, one in listed.items() if one.is_healthy and id_ not in self.holders]
                self.holders |= {id_: listed[id_] for id_ in free[:1]}
                self.node.held = {*self.holders}
            case _, int(number):
                self.holders = dict([*self.holders.items()][:number])
                self.node.held = {*self.holders}
                self.node.asks()

    def note(self) -> None:
        """Remember what each held device shares its nodes with, by a limit, while it is configured."""
        for id_ in self.holders:
            device = self.node.offered.by_base[id_base(id_)]
            if device.held_ids is None:
                nodes = {member.node for member in device.members}
                self.beside[id_] = {
                    one.identity for one in self.node.offered.devices if nodes & {other.node for other in one.members}
                }

    def check(self) -> None:
        listed = {id_base(id_): device for id_, device in self.node.offered.by_id.items()}
        for id_, device in self.holders.items():
            nodes, now = {member.node for member in device.members}, listed[id_base(id_)]
            assert {member.node for member in now.members} >= nodes
            assert now.is_healthy == all(one.node in self.node.here for one in now.members)
            if now.held_ids is not None:
                others = [one for one in listed.values() if one.identity != now.identity]
                both = {one.identity for one in others if nodes & {member.node for member in one.members}}
                assert both <= self.beside.get(id_, set()), "but for what it shared them with before"


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEPS, max_size=25))
def test_whatever_is_configured_what_a_pod_holds_is_its_own_alone(steps: list[tuple[str, object]]) -> None:
    pods = Pods()
    for step in steps:
        pods.take(*step)
        pods.check()
        pods.note()


def two_ttys(plug: int, *states: NodeState) -> HostLook:
    """A look at a USB device with a serial number and two ttys, plugged for the so many-th time."""
    stick = UsbDevice("/sys/devices/pci0000:00/0000:00:14.0/usb1/1-2", "0403", "6010", "A1", "2")
    nodes, paths = list[HostNode](), dict[str, PathEntry]()
    for interface, state in enumerate(states):
        number, path = DeviceNumber("c", 188, interface), f"/dev/ttyUSB{interface}"
        link, inode = f"/dev/serial/by-id/usb-A1-if0{interface}", 10 * plug + interface
        place = f"{stick.sys_path}/1-2:1.{interface}/ttyUSB{interface}/tty/ttyUSB{interface}"
        device = HostDevice(place, "tty", number, path, (link,), (link,), "A1", usb_device=stick)
        described = device if state is NodeState.FINISHED else None
        nodes.append(HostNode(number, stick.sys_path, state, inode, path, described))
        paths[path] = PathEntry(path, PathKind.NODE, number, path, inode)
    return HostLook(paths, {stick.sys_path: tuple(nodes)})


def test_a_path_that_is_given_waits_for_the_whole_stick_while_that_may_be_what_a_pod_holds() -> None:
    spec, path = (ResourceSpec("squat.ai/a", (group(f"/dev/ttyUSB{which}"),)) for which in "*0")
    inventory = Inventory({*spec.selectors, *path.selectors})
    both, one = (NodeState.FINISHED, NodeState.FINISHED), (NodeState.FINISHED, NodeState.UNFINISHED)
    inventory.replace(two_ttys(1, *both))
    assembled = assemble(spec, inventory, AssembledResource(), AssemblyContext(1000.0, 0.0))
    (id_, _) = device_set(spec, assembled).by_id
    now, assembled = carried_over(assembled, spec, path, excludes_the_same=True)
    assembled = marked(now, assembled, {id_}, (), 1000.0)
    unplugged = HostLook(dict.fromkeys(two_ttys(1, *both).paths), dict.fromkeys(two_ttys(1, *both).units, ()))
    for look in (two_ttys(1, *both), unplugged, two_ttys(2, *one), two_ttys(2, *both)):
        inventory.replace(look)
        assembled = assemble(now, inventory, assembled, AssemblyContext(1000.0, 0.0, has_former=True))
        assert [*device_set(now, assembled).by_id] == [id_]
    assert assembled.devices[0].is_healthy
