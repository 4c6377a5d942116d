"""Forming anew only what changed comes to the same as forming all anew."""

from collections.abc import Sequence

from hypothesis import given, settings, strategies as st

from udev_device_plugin.changes import MAX_CHANGES, Changes
from udev_device_plugin.config.specs import GroupSpec, PathSpec, ResourceSpec
from udev_device_plugin.device import DeviceNumber, HostDevice, PathEntry, PathKind, Readiness
from udev_device_plugin.device_sets import DeviceSets, device_set
from udev_device_plugin.formation import form
from udev_device_plugin.formed import Circumstances, Formation
from udev_device_plugin.forming import FEW, Former
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
from udev_device_plugin.rules import Rule

LINKS = ("/dev/serial/by-id/usb-0", "/dev/serial/by-id/usb-1", "/dev/serial/by-path/port-0")
RULE = Rule.parse('SUBSYSTEM=="tty"')
CONTROLLER = "/sys/devices/pci0000:00/0000:00:14.0/usb1"
PORTS = (f"{CONTROLLER}/1-1/1-1:1.0", f"{CONTROLLER}/1-2/1-2:1.0")


def spec(*selectors: Glob | Rule) -> ResourceSpec:
    groups = (GroupSpec((PathSpec(selector),), count=2) for selector in selectors)
    return ResourceSpec("squat.ai/serial", tuple(groups))


SPECS = st.sampled_from(
    [
        spec(Glob.parse("/dev/serial/by-id/*")),
        spec(Glob.parse("/dev/ttyUSB*"), Glob.parse("/dev/serial/*/*")),
        spec(Glob.parse("/dev/serial/by-*/*"), Glob.parse("/dev/ttyUSB0"), RULE),
        spec(RULE),
    ]
)


def device(minor: int, links: Sequence[str], port: str, serial: str, *, is_ruled: bool) -> HostDevice:
    number, rules = DeviceNumber("c", 188, minor), frozenset({str(RULE)} if is_ruled else ())
    return HostDevice(
        f"{port}/ttyUSB{minor}",
        "tty",
        number,
        f"/dev/ttyUSB{minor}",
        tuple(links),
        tuple(links),
        serial=serial,
        rules=rules,
    )


def entry(path: str, minor: int, inode: int, readiness: Readiness) -> PathEntry:
    target = f"/dev/ttyUSB{minor}" if "serial" in path else path
    return PathEntry(path, PathKind.NODE, DeviceNumber("c", 188, minor), target, inode, readiness)


MINORS = st.integers(0, 2)
PATHS = st.sampled_from(["/dev/ttyUSB0", "/dev/ttyUSB1", "/dev/ttyUSB2", *LINKS])
READINESSES = st.sampled_from([Readiness.DONE, Readiness.DONE, Readiness.UNKNOWN, Readiness.AWAITED])
ENTRIES = st.builds(entry, PATHS, MINORS, st.integers(0, 1), READINESSES)
DEVICES = st.builds(
    device,
    MINORS,
    st.lists(st.sampled_from(LINKS), max_size=2, unique=True),
    st.sampled_from(PORTS),
    st.sampled_from(["", "S"]),
    is_ruled=st.booleans(),
)
SINGLE: st.SearchStrategy[Observation] = st.one_of(
    st.builds(PathObserved, ENTRIES),
    st.builds(PathVanished, PATHS),
    st.builds(DeviceObserved, DEVICES),
    st.builds(DeviceRemoved, st.builds(lambda port, minor: f"{port}/ttyUSB{minor}", st.sampled_from(PORTS), MINORS)),
    st.builds(DeviceUnknown, st.builds(lambda minor: DeviceNumber("c", 188, minor), MINORS)),
)
RESYNCS: st.SearchStrategy[Observation] = st.one_of(
    st.builds(
        lambda devices: UdevResync(tuple({one.number: one for one in devices}.values())), st.lists(DEVICES, max_size=3)
    ),
    st.builds(
        lambda entries: PathsResync(tuple({one.path: one for one in entries}.values())), st.lists(ENTRIES, max_size=6)
    ),
)
OBSERVATIONS = st.one_of(*[SINGLE] * 9, RESYNCS)


@settings(max_examples=400)
@given(SPECS, st.lists(st.tuples(OBSERVATIONS, st.booleans()), max_size=24), st.lists(st.integers(0, 24), max_size=2))
def test_forming_what_changed_comes_to_the_same_as_forming_all(
    wanted: ResourceSpec, steps: Sequence[tuple[Observation, bool]], asked_at: Sequence[int]
) -> None:
    inventory, former, sets = Inventory(wanted.selectors), Former(few=0), DeviceSets()
    inventory.select(wanted.selectors)
    formation = Formation()
    for number, (observation, is_gathered) in enumerate(steps):
        inventory.observe(observation)
        inventory.take_changed_nodes()
        former.note(inventory.take_changes())
        if is_gathered:
            continue
        # Each other time pods hold something that is offered, and something that is not.
        ids = [*list(device_set(wanted, formation).by_id)[:1], "usb-gone-0123456789-0"]
        held = frozenset(ids if number % 2 else ()) if number in asked_at else None
        given_now = Circumstances(1000.0 + number, 5.0, "/links/", held)
        formation = form(wanted, inventory, formation, given_now)
        changed = former.form(wanted, inventory, given_now)
        described = sets.describe(wanted, former.formation, changed)
        assert described == device_set(wanted, formation)


def test_of_many_devices_only_those_are_formed_anew_that_a_change_can_concern() -> None:
    wanted, former = spec(Glob.parse("/dev/ttyUSB*")), Former()
    inventory = Inventory(wanted.selectors)
    for minor in range(FEW + 1):
        inventory.observe(PathObserved(entry(f"/dev/ttyUSB{minor}", minor, 0, Readiness.UNKNOWN)))
    circumstances = Circumstances(1000.0, 5.0)
    former.note(inventory.take_changes())
    assert former.form(wanted, inventory, circumstances) is None
    inventory.observe(PathVanished("/dev/ttyUSB7"))
    former.note(inventory.take_changes())
    assert former.form(wanted, inventory, circumstances) == frozenset({("/dev/ttyUSB7",)})
    assert [one.identity for one in former.formation.formed if not one.is_healthy] == [("/dev/ttyUSB7",)]


def test_who_may_get_a_link_back_is_formed_anew_with_the_rival_that_went() -> None:
    wanted, former = spec(Glob.parse("/dev/ttyUSB*")), Former(few=0)
    inventory = Inventory(wanted.selectors)
    for minor, port in enumerate(PORTS):
        inventory.observe(PathObserved(entry(f"/dev/ttyUSB{minor}", minor, 0, Readiness.DONE)))
        inventory.observe(DeviceObserved(device(minor, LINKS[:1], port, "S", is_ruled=False)))
    former.note(inventory.take_changes())
    former.form(wanted, inventory, Circumstances(1000.0, 5.0, "/links/"))
    inventory.observe(PathVanished("/dev/ttyUSB1"))
    former.note(inventory.take_changes())
    changed = former.form(wanted, inventory, Circumstances(1001.0, 5.0, "/links/"))
    assert changed is not None
    assert len(changed) == len(PORTS)


def test_more_changes_than_can_be_told_one_by_one_are_a_change_of_everything() -> None:
    changes = Changes()
    for minor in range(MAX_CHANGES + 1):
        changes.note(path=f"/dev/ttyUSB{minor}")
    assert changes == Changes(is_everything=True)
