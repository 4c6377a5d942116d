"""What the host has, joined from what both sources tell."""

from collections.abc import Sequence

from hypothesis import given, strategies as st

from udev_device_plugin.device import DeviceNumber, HostDevice, PathEntry, PathKind
from udev_device_plugin.globs import Glob
from udev_device_plugin.inventory import Inventory
from udev_device_plugin.observations import (
    DeviceObserved,
    DeviceRemoved,
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


def entry(path: str, minor: int = 0) -> PathEntry:
    return PathEntry(path, PathKind.NODE, DeviceNumber("c", 188, minor), path)


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


MINORS = st.integers(0, 3)
PATHS = st.sampled_from(["/dev/ttyUSB0", "/dev/ttyUSB1", "/dev/null", "/run/x"])
ENTRIES = st.builds(entry, PATHS, MINORS)
DEVICES = st.builds(device, MINORS, st.lists(st.sampled_from(["/dev/a", "/dev/b"]), max_size=2))
OBSERVATIONS: st.SearchStrategy[Observation] = st.one_of(
    st.builds(DeviceObserved, DEVICES),
    st.builds(DeviceRemoved, st.builds("/sys/devices/{}".format, MINORS)),
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


@given(st.lists(OBSERVATIONS, max_size=20))
def test_what_a_glob_matches_is_always_the_entries_that_it_matches(events: list[Observation]) -> None:
    inventory = Inventory(GLOBS)
    for observation in events:
        inventory.observe(observation)
    for glob in GLOBS:
        assert inventory.matches(glob) == {
            path: found for path, found in inventory.entries.items() if glob.matches(path)
        }
