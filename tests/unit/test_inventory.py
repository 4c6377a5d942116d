"""What the host has, joined from what both sources tell."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from tests.lab.inventories import node
from udev_device_plugin.device import DeviceNumber, HostDevice, PathEntry, Readiness
from udev_device_plugin.globs import Glob
from udev_device_plugin.inventory import Inventory
from udev_device_plugin.observations import (
    DeviceObserved,
    DeviceRemoved,
    DeviceUnknown,
    Observation,
    PathObserved,
    PathsResync,
    PathVanished,
    UdevResync,
)

GLOBS = [Glob.parse("/dev/ttyUSB*"), Glob.parse("/dev/*"), Glob.parse("/dev/ttyUSB0")]


def device(minor: int, links: Sequence[str] = ()) -> HostDevice:
    number = DeviceNumber("c", 188, minor)
    return HostDevice(f"/sys/devices/{minor}", "tty", number, f"/dev/ttyUSB{minor}", tuple(links))


def entry(path: str, minor: int = 0, inode: int = 0, readiness: Readiness | None = None) -> PathEntry:
    return node(path, minor, inode=inode, readiness=readiness)


LINK, OTHER_LINK = "/dev/link", "/dev/other-link"
FIRST = DeviceNumber("c", 188, 0)


def made(path: str, minor: int = 0, *, inode: int = 1, readiness: Readiness = Readiness.DONE) -> PathObserved:
    return PathObserved(node(path, minor, target=f"/dev/ttyUSB{minor}", inode=inode, readiness=readiness))


def knowing(*observations: Observation, globs: Sequence[Glob] = GLOBS) -> Inventory:
    inventory = Inventory(globs)
    for observation in observations:
        inventory.observe(observation)
    return inventory


def is_settled(inventory: Inventory, path: str) -> bool:
    return inventory.is_settled(inventory.entries[path])


def test_nothing_is_complete_before_both_sources_have_looked() -> None:
    inventory = Inventory(GLOBS)
    inventory.observe(PathObserved(entry("/dev/ttyUSB0")))
    inventory.observe(PathsResync(()))
    assert not inventory.is_complete
    inventory.observe(UdevResync(()))
    assert inventory.is_complete


def test_an_observation_touches_the_globs_that_match_it_and_no_other() -> None:
    inventory = Inventory(GLOBS)
    assert inventory.observe(PathObserved(entry("/dev/ttyUSB1"))) == {GLOBS[0], GLOBS[1]}
    assert inventory.observe(PathObserved(entry("/dev/ttyUSB1"))) == frozenset()
    assert inventory.observe(PathObserved(entry("/run/elsewhere"))) == frozenset()
    assert inventory.observe(PathVanished("/dev/ttyUSB1")) == {GLOBS[0], GLOBS[1]}
    assert inventory.observe(PathVanished("/dev/ttyUSB1")) == frozenset()


def test_a_new_node_counts_once_it_is_known_what_it_is() -> None:
    inventory = Inventory(GLOBS)
    assert inventory.observe(made("/dev/ttyUSB1", 1, readiness=Readiness.AWAITED)) == frozenset()
    assert inventory.observe(made("/dev/ttyUSB1", 1)) == frozenset()
    assert inventory.observe(DeviceObserved(device(1))) == {GLOBS[0], GLOBS[1]}


def test_a_new_node_counts_once_udev_does_not_know_it_and_has_been_asked_again_if_its_database_does() -> None:
    number = DeviceNumber("c", 188, 1)
    inventory = Inventory(GLOBS)
    assert inventory.observe(made("/dev/ttyUSB1", 1)) == frozenset()
    assert inventory.observe(DeviceUnknown(number)) == frozenset()
    assert inventory.unidentified() == {number}
    assert inventory.observe(DeviceUnknown(number)) == {GLOBS[0], GLOBS[1]}


def test_that_udev_does_not_know_a_node_counts_for_nothing_before_udevd_is_done_with_it() -> None:
    number = DeviceNumber("c", 188, 1)
    inventory = Inventory(GLOBS)
    inventory.observe(made("/dev/ttyUSB1", 1, readiness=Readiness.AWAITED))
    assert inventory.observe(DeviceUnknown(number)) == frozenset()
    assert inventory.unidentified() == frozenset()
    assert inventory.observe(made("/dev/ttyUSB1", 1)) == frozenset()
    assert inventory.unidentified() == {number}


def test_that_udev_did_not_know_a_number_counts_for_nothing_when_it_is_given_to_a_node() -> None:
    number = DeviceNumber("c", 188, 1)
    inventory = Inventory(GLOBS)
    assert inventory.observe(DeviceUnknown(number)) == frozenset()
    inventory.observe(made("/dev/ttyUSB1", 1, readiness=Readiness.AWAITED))
    inventory.observe(made("/dev/ttyUSB1", 1))
    assert not is_settled(inventory, "/dev/ttyUSB1")
    assert inventory.unidentified() == {number}


def test_a_node_counts_when_udevd_does_not_get_to_it() -> None:
    inventory = Inventory(GLOBS)
    inventory.observe(made("/dev/ttyUSB1", 1, readiness=Readiness.AWAITED))
    assert inventory.observe(made("/dev/ttyUSB1", 1, readiness=Readiness.OVERDUE)) == {GLOBS[0], GLOBS[1]}


def test_who_names_a_path_need_not_know_what_stands_there_but_that_udevd_is_done_with_it() -> None:
    inventory = Inventory(GLOBS)
    assert inventory.observe(made("/dev/ttyUSB0", readiness=Readiness.AWAITED)) == frozenset()
    assert inventory.observe(made("/dev/ttyUSB0")) == {GLOBS[2]}


def test_a_node_that_is_known_counts_under_a_new_name_at_once() -> None:
    inventory = knowing(DeviceObserved(device(1)))
    assert inventory.observe(made("/dev/ttyUSB1", 1)) == {GLOBS[0], GLOBS[1]}


def test_a_path_that_leads_to_another_node_now_is_a_change() -> None:
    inventory = Inventory(GLOBS)
    inventory.observe(PathObserved(entry("/dev/ttyUSB0", minor=0)))
    assert inventory.observe(PathObserved(entry("/dev/ttyUSB0", minor=1)))
    assert inventory.matches(GLOBS[2])["/dev/ttyUSB0"].number == DeviceNumber("c", 188, 1)


def test_a_resync_of_the_paths_reports_what_came_and_what_went() -> None:
    inventory = Inventory(GLOBS)
    inventory.observe(PathsResync((entry("/dev/ttyUSB0"), entry("/dev/null"))))
    assert inventory.observe(PathsResync((entry("/dev/null"), entry("/dev/zero")))) == set(GLOBS)
    assert set(inventory.entries) == {"/dev/null", "/dev/zero"}


def test_the_names_of_a_device_are_remembered_until_it_is_removed() -> None:
    inventory = Inventory(GLOBS)
    inventory.observe(DeviceObserved(device(0, ["/dev/serial/by-id/x"])))
    assert inventory.names("/sys/devices/0") == ("/dev/ttyUSB0", "/dev/serial/by-id/x")
    inventory.observe(DeviceRemoved("/sys/devices/0"))
    assert inventory.names("/sys/devices/0") == ()


# When a device is forgotten, and asked about.


@pytest.mark.parametrize(
    ("then", "is_known"),
    [
        pytest.param([PathVanished("/dev/ttyUSB0")], False, id="its only path vanished"),
        pytest.param([made(LINK), PathVanished("/dev/ttyUSB0")], True, id="another path still leads to it"),
        pytest.param([made("/dev/ttyUSB0", inode=2)], False, id="its node was made anew"),
        pytest.param([made("/dev/ttyUSB0", readiness=Readiness.OVERDUE)], True, id="its node is as it was"),
        pytest.param([made("/dev/ttyUSB0", 1, inode=2)], True, id="its path leads to another: that is to be asked"),
        pytest.param([DeviceObserved(device(1))], True, id="another device came"),
        pytest.param([DeviceRemoved("/sys/devices/0")], True, id="removed in word only"),
        pytest.param([DeviceUnknown(FIRST)], True, id="an answer that its event has overtaken"),
        pytest.param([PathVanished("/dev/ttyUSB0"), DeviceRemoved("/sys/devices/0")], False, id="vanished and removed"),
    ],
)
def test_a_device_is_forgotten_when_its_number_may_be_anothers(then: list[Observation], is_known: bool) -> None:
    inventory = knowing(DeviceObserved(device(0)), made("/dev/ttyUSB0"), *then)
    assert (inventory.device(FIRST) is not None) is is_known


def test_a_number_that_is_given_anew_is_the_new_devices() -> None:
    again = HostDevice("/sys/devices/again", "tty", FIRST, "/dev/ttyUSB0")
    inventory = knowing(DeviceObserved(device(0)), made("/dev/ttyUSB0"), DeviceObserved(again))
    assert inventory.device(FIRST) == again
    inventory.observe(DeviceRemoved("/sys/devices/0"))  # late
    assert inventory.device(FIRST) == again


@pytest.mark.parametrize(
    ("known", "settled", "asked"),
    [
        pytest.param([made("/dev/ttyUSB0")], False, {FIRST}, id="done with, and not described"),
        pytest.param([made("/dev/ttyUSB0", readiness=Readiness.OVERDUE)], False, {FIRST}, id="overdue"),
        pytest.param([made("/dev/ttyUSB0", readiness=Readiness.AWAITED)], False, set(), id="worked on"),
        pytest.param([made("/dev/ttyUSB0", readiness=Readiness.UNKNOWN)], True, set(), id="not udev's"),
        pytest.param([made("/dev/ttyUSB0"), DeviceObserved(device(0))], True, set(), id="described"),
        pytest.param(
            [made("/dev/ttyUSB0"), DeviceUnknown(FIRST)],
            False,
            {FIRST},
            id="an answer about the former device",
        ),
        pytest.param([made("/dev/ttyUSB0"), *[DeviceUnknown(FIRST)] * 2], True, set(), id="udev does not know it"),
        pytest.param(
            [made("/dev/ttyUSB0"), *[DeviceUnknown(FIRST)] * 2, made("/dev/ttyUSB0", inode=2)],
            False,
            {FIRST},
            id="made anew, and udev may know it now",
        ),
    ],
)
def test_udev_is_asked_about_what_it_is_done_with_and_has_not_described(
    known: list[Observation], settled: bool, asked: set[DeviceNumber]
) -> None:
    inventory = knowing(*known)
    assert is_settled(inventory, "/dev/ttyUSB0") is settled
    assert inventory.unidentified() == asked


# Claims.


def test_a_link_is_a_devices_own_for_as_long_as_no_other_claims_it() -> None:
    first, second = device(0, [LINK, OTHER_LINK]), device(1, [LINK])
    inventory = knowing(made("/dev/ttyUSB0"), made("/dev/ttyUSB1", 1), DeviceObserved(first))
    assert inventory.is_sole_claim(first, LINK)
    inventory.observe(DeviceObserved(second))
    assert not inventory.is_sole_claim(first, LINK)
    assert not inventory.is_sole_claim(second, LINK)
    assert inventory.is_sole_claim(first, OTHER_LINK)
    inventory.observe(DeviceObserved(device(1)))  # a change event: it gives the link up
    assert inventory.is_sole_claim(first, LINK)


@pytest.mark.parametrize(
    "others",
    [
        pytest.param([PathVanished("/dev/ttyUSB1")], id="its node is not there"),
        pytest.param([made("/dev/ttyUSB1", 2, inode=3)], id="another node is there"),
    ],
)
def test_a_claim_counts_for_nothing_if_the_filesystem_knows_that_its_device_is_gone(others: list[Observation]) -> None:
    mine, ghost = device(0, [LINK]), device(1, [LINK])
    inventory = knowing(made("/dev/ttyUSB0"), DeviceObserved(mine), *others)
    inventory.observe(UdevResync((mine, ghost)))
    assert inventory.is_sole_claim(mine, LINK), "an enumeration may end after the node went"


@pytest.mark.parametrize(
    "observation",
    [
        pytest.param(DeviceObserved(device(1, [LINK])), id="a second one claims the link"),
        pytest.param(UdevResync((device(0, [LINK]), device(1, [LINK]))), id="a resync tells of it"),
    ],
)
def test_who_claims_a_link_touches_what_the_other_claimants_are_offered_by(observation: Observation) -> None:
    inventory = knowing(DeviceObserved(device(0, [LINK])), made("/dev/ttyUSB0"))
    assert inventory.observe(observation) == set(GLOBS)
    assert inventory.observe(observation) == frozenset()


@pytest.mark.parametrize(
    "observation",
    [
        pytest.param(DeviceRemoved("/sys/devices/1"), id="an event"),
        pytest.param(PathVanished("/dev/ttyUSB1"), id="its node"),
        pytest.param(DeviceObserved(device(1)), id="a change"),
        pytest.param(UdevResync((device(0, [LINK]),)), id="a resync"),
    ],
)
def test_a_claim_that_goes_touches_them_too(observation: Observation) -> None:
    inventory = knowing(DeviceObserved(device(0, [LINK])), DeviceObserved(device(1, [LINK])), made("/dev/ttyUSB0"))
    if isinstance(observation, PathVanished):
        inventory.observe(made(observation.path, 1, inode=2))
    assert inventory.observe(observation) >= {GLOBS[2]}


def test_a_device_whose_link_may_have_come_back_is_described_anew() -> None:
    inventory = knowing(DeviceObserved(device(0, [LINK])), DeviceObserved(device(1, [LINK])), made("/dev/ttyUSB0"))
    inventory.observe(DeviceRemoved("/sys/devices/1"))
    assert inventory.unidentified() == {FIRST}
    assert is_settled(inventory, "/dev/ttyUSB0"), "it is who it was meanwhile"
    inventory.observe(DeviceObserved(device(0, [LINK])))
    assert inventory.unidentified() == set()


def test_a_device_whose_link_leads_to_its_clone_still_claims_it() -> None:
    first, clone = device(0, [LINK]), device(1, [LINK])
    seen = (DeviceObserved(first), made(LINK, 0), made(LINK, 1, inode=2), DeviceObserved(clone))
    inventory = knowing(*seen, globs=[Glob.of(LINK)])
    assert not inventory.is_sole_claim(clone, LINK)
    assert inventory.unidentified() == {FIRST}, "it may be gone all the same"


@pytest.mark.parametrize(
    ("answer", "is_sole"),
    [
        pytest.param(DeviceObserved(device(0, [LINK])), False, id="it is there"),
        pytest.param(DeviceUnknown(FIRST), True, id="it is gone"),
        pytest.param(DeviceRemoved("/sys/devices/0"), True, id="its event came"),
        pytest.param(UdevResync((device(1, [LINK]),)), True, id="all of it was looked at anew"),
    ],
)
def test_and_is_asked_about_until_it_is_known_whether_it_is_gone(answer: Observation, is_sole: bool) -> None:
    clone = device(1, [LINK])
    seen = (DeviceObserved(device(0, [LINK])), made(LINK, 0), made(LINK, 1, inode=2), DeviceObserved(clone), answer)
    inventory = knowing(*seen, globs=[Glob.of(LINK)])
    assert inventory.is_sole_claim(clone, LINK) is is_sole
    inventory.observe(DeviceObserved(clone))
    assert inventory.unidentified() == set()


def test_a_device_that_gets_its_link_back_is_offered_once_it_is_known_to_be_there() -> None:
    first, clone = device(0, [LINK]), device(1, [LINK])
    inventory = knowing(DeviceObserved(first), made(LINK), made(LINK, 1, inode=2), DeviceObserved(clone), made(LINK))
    assert not is_settled(inventory, LINK)
    assert inventory.observe(DeviceObserved(first)) == {GLOBS[1]}
    assert is_settled(inventory, LINK)


def test_nodes_at_one_port_are_in_the_kernels_order() -> None:
    port = "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0/ttyUSB{0}/tty/ttyUSB{0}"
    three = [HostDevice(port.format(n), "tty", DeviceNumber("c", 188, n), f"/dev/ttyUSB{n}") for n in (10, 9, 2)]
    inventory = knowing(*map(DeviceObserved, three))
    assert [inventory.ordinal(device) for device in three] == [2, 1, 0]
    inventory.observe(DeviceRemoved(three[2].sys_path))
    assert [inventory.ordinal(device) for device in three] == [1, 0, 0]


MINORS = st.integers(0, 3)
PATHS = st.sampled_from(["/dev/ttyUSB0", "/dev/ttyUSB1", "/dev/null", "/run/x"])
ENTRIES = st.builds(entry, PATHS, MINORS, st.integers(0, 2), st.sampled_from([Readiness.DONE, Readiness.UNKNOWN]))
DEVICES = st.builds(device, MINORS, st.lists(st.sampled_from(["/dev/a", "/dev/b"]), max_size=2))
OBSERVATIONS: st.SearchStrategy[Observation] = st.one_of(
    st.builds(DeviceObserved, DEVICES),
    st.builds(DeviceRemoved, st.builds("/sys/devices/{}".format, MINORS)),
    st.builds(DeviceUnknown, st.builds(DeviceNumber, st.just("c"), st.just(188), MINORS)),
    st.builds(UdevResync, st.lists(DEVICES, max_size=3).map(tuple)),
    st.builds(PathObserved, ENTRIES),
    st.builds(PathVanished, PATHS),
    st.builds(PathsResync, st.lists(ENTRIES, max_size=3).map(tuple)),
)


@given(
    st.lists(OBSERVATIONS, max_size=20),
    st.lists(DEVICES, max_size=4).map(tuple),
    st.lists(ENTRIES, max_size=4).map(tuple),
)
def test_any_sequence_of_events_and_then_a_resync_equals_the_resync_alone(
    events: list[Observation], devices: tuple[HostDevice, ...], entries: tuple[PathEntry, ...]
) -> None:
    eventful, alone = Inventory(GLOBS), Inventory(GLOBS)
    for observation in (*events, UdevResync(devices), PathsResync(entries)):
        eventful.observe(observation)
    for observation in (UdevResync(devices), PathsResync(entries)):
        alone.observe(observation)
    assert eventful.devices == alone.devices
    assert eventful.entries == alone.entries
    assert [eventful.matches(glob) for glob in GLOBS] == [alone.matches(glob) for glob in GLOBS]
    assert eventful.is_complete
    for described in alone.devices.values():
        assert eventful.device(described.number) == alone.device(described.number)
        assert eventful.ordinal(described) == alone.ordinal(described)
        for link in described.devlinks:
            assert eventful.is_sole_claim(described, link) == alone.is_sole_claim(described, link)
    assert eventful.unidentified() == alone.unidentified()
    assert [eventful.is_settled(found) for found in eventful.entries.values()] == [
        alone.is_settled(eventful.entries[path]) for path in eventful.entries
    ]


@given(st.lists(OBSERVATIONS, max_size=20))
def test_what_a_glob_matches_is_always_the_entries_that_it_matches(events: list[Observation]) -> None:
    inventory = Inventory(GLOBS)
    for observation in events:
        inventory.observe(observation)
    for glob in GLOBS:
        assert inventory.matches(glob) == {
            path: found for path, found in inventory.entries.items() if glob.matches(path)
        }


def test_what_was_described_before_udevd_was_done_with_it_is_asked_about_again() -> None:
    early = replace(device(0), is_initialized=False)
    inventory = knowing(made("/dev/ttyUSB0", readiness=Readiness.AWAITED), UdevResync((early,)), made("/dev/ttyUSB0"))
    assert not is_settled(inventory, "/dev/ttyUSB0")
    assert inventory.unidentified() == {FIRST}
    inventory.observe(DeviceObserved(device(0)))
    assert is_settled(inventory, "/dev/ttyUSB0")
    assert not inventory.unidentified()


def test_what_udevd_never_gets_to_is_settled_as_it_is() -> None:
    early = replace(device(0), is_initialized=False)
    inventory = knowing(UdevResync((early,)), made("/dev/ttyUSB0", readiness=Readiness.OVERDUE))
    assert is_settled(inventory, "/dev/ttyUSB0")
    assert not inventory.unidentified()


def test_what_was_said_of_the_former_device_of_a_number_is_not_said_of_the_next() -> None:
    number = DeviceNumber("c", 188, 0)
    entry = node("/dev/ttyUSB0", 0, inode=7, readiness=Readiness.DONE, sys_path="/sys/devices/next")
    inventory = knowing(PathObserved(entry), DeviceObserved(device(0)))
    assert inventory.device_at(entry) is None
    assert not inventory.is_settled(entry)
    assert inventory.unidentified() == {number}
    described = HostDevice("/sys/devices/next", "tty", number, "/dev/ttyUSB0")
    inventory.observe(DeviceObserved(described))
    assert inventory.device_at(entry) == described
    assert inventory.is_settled(entry)
    assert inventory.unidentified() == frozenset()


def test_a_stick_where_its_like_was_before_is_not_described_by_what_udev_said_of_that_one() -> None:
    former, now = replace(device(0, [LINK]), initialized_at=5), replace(device(0), initialized_at=9)
    later = replace(entry("/dev/ttyUSB0", inode=2, readiness=Readiness.DONE), initialized_at=9)
    inventory = knowing(DeviceObserved(former), PathObserved(later))
    assert inventory.device_at(later) is None
    assert not is_settled(inventory, "/dev/ttyUSB0")
    assert inventory.unidentified() == {FIRST}
    inventory.observe(DeviceObserved(now))
    assert inventory.device_at(later) == now
    assert is_settled(inventory, "/dev/ttyUSB0")
    assert inventory.unidentified() == set()


def test_what_was_seen_of_the_very_making_of_a_device_that_udev_speaks_of_vouches_for_it() -> None:
    described = replace(device(0, [LINK, OTHER_LINK]), initialized_at=9, links=(LINK,))
    seen = replace(entry("/dev/ttyUSB0", readiness=Readiness.DONE), initialized_at=9, sys_path=described.sys_path)

    def is_vouched_for(seen: PathEntry, described: HostDevice = described) -> bool:
        inventory = knowing(PathObserved(seen), globs=[Glob.parse("/dev/*")])
        return inventory.is_vouched_for(described, seen.path)

    assert is_vouched_for(seen)
    assert is_vouched_for(replace(seen, path=LINK))
    assert not is_vouched_for(replace(seen, path=OTHER_LINK))  # which led elsewhere when it was described
    assert not is_vouched_for(replace(seen, number=DeviceNumber("c", 188, 1)))
    assert not is_vouched_for(replace(seen, readiness=Readiness.AWAITED))
    assert not is_vouched_for(replace(seen, initialized_at=8))
    assert not is_vouched_for(replace(seen, sys_path="/sys/devices/other"))
    assert not is_vouched_for(replace(seen, initialized_at=0), replace(described, initialized_at=0))
    assert not Inventory([]).is_vouched_for(described, "/dev/ttyUSB0")
