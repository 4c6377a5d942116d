"""What a container gets for the IDs that the kubelet chose, which ones to choose, and what it must wait for."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from udev_device_plugin.config.specs import PathType
from udev_device_plugin.devices.allocation import USB_BUS, absences, allocate, prefer
from udev_device_plugin.devices.device import Device, DeviceSet, Member
from udev_device_plugin.devices.identity import device_id
from udev_device_plugin.errors import AllocationError
from udev_device_plugin.host.model import DeviceNumber

RESOURCE = "squat.ai/serial"
FOREIGN = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"  # the origin's plugin makes such IDs


def device(
    *hosts: str,
    container: str | None = None,
    count: int = 1,
    is_healthy: bool = True,
    since: float = 0.0,
    numa_nodes: tuple[int, ...] = (),
) -> Device:
    members = tuple(Member(host, host, container or host, PathType.DEVICE, "mrw") for host in hosts)
    return Device(hosts, members, count, is_healthy, since, numa_nodes)


def named(name: str) -> str:
    """The ID of ``a0``: replica 0 of the device /dev/a."""
    return device_id(RESOURCE, (f"/dev/{name[0]}",), int(name[1:]))


def names(ids: tuple[str, ...]) -> list[str]:
    back = {named(f"{letter}{replica}"): f"{letter}{replica}" for letter in "abcd" for replica in range(12)}
    return [back[id_] for id_ in ids]


def ids(devices: DeviceSet, *hosts: str) -> list[str]:
    return [id_ for id_, found in devices.by_id.items() if found.identity == hosts]


def test_no_container_gets_what_the_identity_record_alone_says() -> None:
    devices = DeviceSet("squat.ai/serial", (replace(device("/etc"), is_recorded=True),))
    (id_,) = devices.by_id
    with pytest.raises(AllocationError, match="is no longer what the configuration selects: delete the pod"):
        allocate(devices, [id_])


def test_devices_come_sorted_by_identity_whatever_order_the_kubelet_asks_in() -> None:
    devices = DeviceSet("squat.ai/serial", (device("/dev/a"), device("/dev/b"), device("/dev/c")))
    asked = [*ids(devices, "/dev/c"), *ids(devices, "/dev/a")]
    assert [member.host_path for member in allocate(devices, asked).members] == ["/dev/a", "/dev/c"]


def test_members_come_in_the_order_of_the_spec() -> None:
    devices = DeviceSet("squat.ai/av", (device("/dev/video0", "/dev/snd"),))
    members = allocate(devices, ids(devices, "/dev/video0", "/dev/snd")).members
    assert [member.host_path for member in members] == ["/dev/video0", "/dev/snd"]


def test_two_replicas_of_one_device_hand_it_over_once() -> None:
    devices = DeviceSet("squat.ai/serial", (device("/dev/a", count=3),))
    assert len(ids(devices, "/dev/a")) == 3
    assert len(allocate(devices, ids(devices, "/dev/a")).members) == 1


def test_a_member_that_two_devices_share_is_handed_over_once() -> None:
    devices = DeviceSet("squat.ai/x", (device("/dev/a", "/dev/fuse"), device("/dev/b", "/dev/fuse")))
    asked = [*ids(devices, "/dev/a", "/dev/fuse"), *ids(devices, "/dev/b", "/dev/fuse")]
    members = allocate(devices, asked).members
    assert [member.host_path for member in members] == ["/dev/a", "/dev/fuse", "/dev/b"]


def test_an_absent_device_is_answered_from_its_description() -> None:
    devices = DeviceSet("squat.ai/serial", (device("/dev/a", is_healthy=False),))
    assert allocate(devices, ids(devices, "/dev/a")).members[0].host_path == "/dev/a"


def test_an_unknown_id_is_refused_by_name() -> None:
    with pytest.raises(AllocationError, match=r"squat\.ai/serial: the device 'nobody-0' is not known"):
        allocate(DeviceSet("squat.ai/serial"), ["nobody-0"])


def test_two_devices_that_would_land_on_one_path_are_refused_with_both_named() -> None:
    devices = DeviceSet("squat.ai/x", (device("/dev/a", container="/dev/m"), device("/dev/b", container="/dev/m")))
    with pytest.raises(AllocationError, match=r"/dev/a and /dev/b would both be /dev/m"):
        allocate(devices, [*ids(devices, "/dev/a"), *ids(devices, "/dev/b")])


def test_a_replica_beyond_a_lowered_count_is_answered_too() -> None:
    link = "/dev/serial/by-id/usb-Silicon_Labs_CP2102_USB_to_UART_Bridge_Controller_0001-if00-port0"
    devices = DeviceSet(RESOURCE, (device(link, count=1),))
    for replica in (1, 10, 9999):
        assert allocate(devices, [device_id(RESOURCE, (link,), replica)]).members[0].host_path == link


def test_a_device_of_which_only_the_id_is_known_is_refused_with_what_to_do() -> None:
    devices = DeviceSet(RESOURCE, unseen=((named("a0"), 1.0),))
    with pytest.raises(AllocationError, match="has not been seen since this plugin started: plug it in, then delete"):
        allocate(devices, [named("a0")])


@pytest.mark.parametrize(("id_", "shown"), [("a" * 63, "a" * 63), ("b" * 5000, "b" * 63 + "…"), ("\n\x1b", r"\n\x1b")])
def test_an_unknown_id_is_shown_on_one_line_of_reasonable_length(id_: str, shown: str) -> None:
    with pytest.raises(AllocationError) as raised:
        allocate(DeviceSet(RESOURCE), [id_])
    assert f"the device '{shown}' is not known" in str(raised.value)


def test_one_unknown_id_refuses_the_whole_request() -> None:
    with pytest.raises(AllocationError, match="is not known to this plugin"):
        allocate(DeviceSet(RESOURCE, (device("/dev/a"),)), [named("a0"), named("b0")])


@pytest.mark.parametrize(
    ("resource", "variable"),
    [
        ("squat.ai/serial", "UDEV_RESOURCE_SQUAT_AI_SERIAL"),
        ("devices.example-site.org/usb-stick", "UDEV_RESOURCE_DEVICES_EXAMPLE_SITE_ORG_USB_STICK"),
        ("squat.ai/a.b", "UDEV_RESOURCE_SQUAT_AI_A_B"),
    ],
)
def test_the_environment_names_the_resource(resource: str, variable: str) -> None:
    devices = DeviceSet(resource, (device("/dev/a"),))
    assert allocate(devices, devices.by_id).environment == {variable: "/dev/a"}


def test_the_environment_lists_devices_by_identity_and_no_mounts() -> None:
    first = device("/dev/b", "/dev/x", container=None)
    mount = Member("/etc/a", "/etc/a", "/etc/a", PathType.MOUNT)
    second = Device(("/dev/c",), (mount, Member("/dev/c", "/links/c", "/dev/ttyUSB0", PathType.DEVICE)), 1, True, 0.0)
    devices = DeviceSet(RESOURCE, (second, first))
    allocation = allocate(devices, list(devices.by_id))
    assert allocation.environment == {"UDEV_RESOURCE_SQUAT_AI_SERIAL": "/dev/b,/dev/x,/dev/ttyUSB0"}
    assert allocate(devices, reversed(list(devices.by_id))) == allocation


def test_the_bus_is_mounted_once_for_all_raw_nodes_and_at_no_place_of_something_else() -> None:
    def raw(name: str) -> Device:
        member = Member(name, f"/links/{name}", f"/dev/nodes/{name}", PathType.DEVICE, "rw", needs_bus=True)
        return Device((name,), (member,), 1, True, 0.0)

    devices = DeviceSet(RESOURCE, (raw("a"), raw("b"), device("/dev/c")))
    given = allocate(devices, devices.by_id)
    paths = [member.container_path for member in given.members]
    assert paths == ["/dev/c", "/dev/nodes/a", "/dev/bus/usb", "/dev/nodes/b"]
    assert [member for member in given.members if member.type is PathType.MOUNT] == [USB_BUS]
    assert given.environment == {"UDEV_RESOURCE_SQUAT_AI_SERIAL": "/dev/c,/dev/nodes/a,/dev/nodes/b"}
    assert USB_BUS not in allocate(devices, ids(devices, "/dev/c")).members
    other = DeviceSet(RESOURCE, (raw("a"), device("/dev/d", container="/dev/bus/usb")))
    with pytest.raises(AllocationError, match="/dev/d and /dev/bus/usb would both be /dev/bus/usb in the container"):
        allocate(other, other.by_id)


def test_a_node_that_a_device_has_by_two_names_is_handed_over_once_at_one_path() -> None:
    number, other = DeviceNumber("c", 188, 0), DeviceNumber("c", 188, 1)
    first, second, third = (
        Member(host, host, "/dev/x", PathType.DEVICE, number=one)
        for host, one in (("/dev/a", number), ("/dev/link", number), ("/dev/b", other))
    )
    both = DeviceSet(RESOURCE, (Device(("/dev/a", "/dev/link"), (first, second), 1, True, 0.0),))
    assert allocate(both, both.by_id).members == (first,)
    for devices in (
        (Device(("/dev/a", "/dev/b"), (first, third), 1, True, 0.0),),
        (Device(("/dev/a",), (first,), 1, False, 0.0), Device(("/dev/link",), (second,), 1, True, 0.0)),
    ):
        with pytest.raises(AllocationError, match="would both be /dev/x"):
            allocate(DeviceSet(RESOURCE, devices), DeviceSet(RESOURCE, devices).by_id)


# What a container must wait for.


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        pytest.param(["a0"], [], id="it is there"),
        pytest.param(["b0"], [("/dev/b", 7.0)], id="it is away"),
        pytest.param(["b0", "b1"], [("/dev/b", 7.0)], id="said once for all replicas"),
        pytest.param(["b11"], [("/dev/b", 7.0)], id="a replica that is not offered any more: the device counts"),
        pytest.param(["a11"], [], id="and passes if it is there"),
        pytest.param(["a0", "b0"], [("/dev/b", 7.0)], id="one of two is away"),
        pytest.param(["c0"], [(named("c0"), None)], id="never seen"),
        pytest.param(["d0"], [(named("d0"), None)], id="never seen, and remembered"),
        pytest.param([], [], id="nothing asked"),
    ],
)
def test_a_container_waits_for_what_is_away(ids: list[str], expected: list[tuple[str, float | None]]) -> None:
    devices = DeviceSet(
        RESOURCE,
        (device("/dev/a"), device("/dev/b", is_healthy=False, since=7.0, count=2)),
        ((named("d0"), 3.0),),
    )
    found = absences(devices, map(named, ids))
    assert [(absence.name, absence.since) for absence in found] == expected


def test_ids_of_another_form_pass() -> None:
    assert absences(DeviceSet(RESOURCE), [FOREIGN, "", "/dev/ttyUSB0"]) == ()


def test_a_zipped_device_is_named_by_all_its_members() -> None:
    devices = DeviceSet(RESOURCE, (device("/dev/a", "/dev/b", is_healthy=False),))
    (absence,) = absences(devices, devices.by_id)
    assert absence.name == "/dev/a + /dev/b"


# Which to choose.


@pytest.mark.parametrize(
    ("available", "must_include", "size", "expected"),
    [
        pytest.param("a0 b0 c0", "", 1, "a0", id="the first"),
        pytest.param("a0 a1 b0 b1", "", 2, "a0 b0", id="different devices before replicas of one"),
        pytest.param("a0 a1 b0", "", 3, "a0 b0 a1", id="replicas of one if there is nothing else"),
        pytest.param("a1 a2 b0 b1 b2", "", 1, "b0", id="the least shared first: a0 is in use"),
        pytest.param("a2 b1 b2", "", 1, "b1", id="the least shared, of two that are"),
        pytest.param("a0 a1 b0 b1 c0", "b0", 2, "b0 a0", id="what must be in it first"),
        pytest.param("a0 a1 b0 b1", "a0 a1", 3, "a0 a1 b0", id="what must be in it counts as taken"),
        pytest.param("a0 b0 c0 d0", "c0", 2, "c0 d0", id="near what is taken: c and d are on node 1"),
        pytest.param("a0 b0 c0 d0", "d0", 3, "d0 c0 a0", id="near first, then any"),
        pytest.param("a0 a1 a2 c0 c1 c2 d1", "d0", 2, "d0 c0", id="near and free"),
        pytest.param("b0 b1 b2 d2", "c0", 2, "c0 b0", id="free before near"),
        pytest.param("a0", "", 3, "a0", id="fewer than wanted"),
        pytest.param("a0 b0", "a0 b0", 2, "a0 b0", id="nothing to choose"),
        pytest.param("a0 b0", "c0", 0, "c0", id="less than must be"),
        pytest.param("", "", 2, "", id="nothing"),
    ],
)
def test_what_is_preferred(available: str, must_include: str, size: int, expected: str) -> None:
    near_to_0, near_to_1 = (0,), (1,)
    devices = DeviceSet(
        RESOURCE,
        tuple(
            device(f"/dev/{letter}", count=3, numa_nodes=numa_nodes)
            for letter, numa_nodes in zip("abcd", (near_to_0, near_to_0, near_to_1, near_to_1), strict=True)
        ),
    )
    chosen = prefer(
        devices, [named(one) for one in available.split()], [named(one) for one in must_include.split()], size
    )
    assert names(chosen) == expected.split()


def test_ids_that_are_not_known_are_never_chosen() -> None:
    devices = DeviceSet(RESOURCE, (device("/dev/a"),))
    assert prefer(devices, [FOREIGN, named("b0"), named("a0")], [], 3) == (named("a0"),)


REPLICAS = [f"{letter}{replica}" for letter in "abcd" for replica in range(3)]


@given(
    st.sets(st.sampled_from(REPLICAS)),
    st.lists(st.sampled_from(REPLICAS), unique=True, max_size=3),
    st.integers(0, 12),
    st.lists(st.sampled_from([(), (0,), (1,), (0, 1)]), min_size=4, max_size=4),
    st.randoms(use_true_random=False),
)
def test_the_same_question_has_the_same_answer_in_whatever_order_it_is_asked(
    free: set[str], given_before: list[str], size: int, numa_nodes: list[tuple[int, ...]], order: random.Random
) -> None:
    offered = [
        device(f"/dev/{letter}", count=3, numa_nodes=near) for letter, near in zip("abcd", numa_nodes, strict=True)
    ]
    devices = DeviceSet(RESOURCE, tuple(offered))
    available, must_include = [named(one) for one in sorted(free)], [named(one) for one in given_before]
    chosen = prefer(devices, available, must_include, size)
    shuffled = order.sample(available, len(available))
    assert prefer(devices, shuffled, must_include, size) == chosen
    assert list(chosen[: len(must_include)]) == must_include
    assert len(set(chosen)) == len(chosen) == max(len(must_include), min(size, len({*available, *must_include})))
    assert set(chosen) <= {*available, *must_include}
