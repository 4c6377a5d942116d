"""What follows a host, where the order of hints, looks and what happens meanwhile matters; one case each."""

import errno
import os
import stat
from collections.abc import Callable, Iterator

import pytest

from tests.lab.following import Follower, Jobs
from tests.lab.host import QUEUE, FakeHost
from tests.lab.records import FakeDevice, FakeNode, Stick
from tests.lab.sticks import ch340, modem, serial_adapter
from udev_device_plugin.filesystem import path_watch as watching
from udev_device_plugin.host import reader
from udev_device_plugin.host.dev_paths import DevPaths
from udev_device_plugin.host.interest import Interest
from udev_device_plugin.host.inventory import Inventory
from udev_device_plugin.host.looking import Looking
from udev_device_plugin.host.looks import HostLook
from udev_device_plugin.host.memory import HOLD_BACK
from udev_device_plugin.host.model import DeviceNumber
from udev_device_plugin.host.single_scan import look_at_everything
from udev_device_plugin.host.udev.delivery_check import DeliveryCheck
from udev_device_plugin.host.udev.device import UdevDevice, read_device
from udev_device_plugin.host.udev.monitor import UdevEvent
from udev_device_plugin.selectors.kind import SelectorKind
from udev_device_plugin.selectors.paths.glob import Glob
from udev_device_plugin.selectors.paths.selector import PathSelector
from udev_device_plugin.selectors.udev_rule.rule import Rule
from udev_device_plugin.selectors.udev_rule.selector import UdevSelector

STICK = serial_adapter("ttyUSB0")
LONE = Stick((FakeDevice("/devices/virtual/tty/ttyX0", "tty", node=FakeNode("ttyX0", 4, 70)),))
NUMBER = DeviceNumber("c", 188, 0)
BY_PATH = PathSelector(Glob.parse("/dev/ttyUSB*"))
BY_RULE = UdevSelector(Rule.parse('SUBSYSTEM=="tty"'))
Following = Callable[[SelectorKind], Follower]


@pytest.fixture
def following() -> Iterator[Following]:
    """Follows the host for the sake of one selector, and is at rest."""
    made: list[Follower] = []

    def follow(selector: SelectorKind) -> Follower:
        made.append(follower := Follower(Interest(frozenset({selector})), 0.0))
        follower.rest()
        return follower

    yield follow
    for follower in made:
        follower.close()


def do_all(jobs: Jobs, looking: Looking, now: float) -> None:
    """All looks that wait, one by one; what they found is taken in."""
    while jobs.outstanding:
        jobs.do(0)
        for result in jobs.take_results():
            looking.take_result(result, now)


def hear(follower: Follower) -> None:
    follower.looking.take_paths(follower.paths.read(), follower.now)


def read(follower: Follower, number: DeviceNumber) -> None:
    """A hint about a node, and the look behind it, which is not taken in."""
    follower.looking.hint(number, follower.now, is_urgent=True)
    follower.looking.work(follower.now)
    for _ in range(follower.jobs.outstanding):
        follower.jobs.do(0)


def test_a_look_that_found_nothing_says_nothing_of_the_next_device_with_that_number(
    host: FakeHost, following: Following
) -> None:
    follower = following(BY_PATH)
    read(follower, NUMBER)
    for device in STICK:
        host.appear(device)
    hear(follower)
    follower.take()
    assert STICK.devnode in follower.inventory.entries
    assert not follower.memory.nodes.get(NUMBER), "that is no node which nobody knows"


def test_a_node_that_no_glob_asks_for_is_gone_also_if_its_unplug_is_heard_of_first(
    host: FakeHost, following: Following
) -> None:
    follower = following(BY_RULE)
    host.plug(STICK, silent=True)
    follower.rest()
    assert STICK.devnode in follower.inventory.entries
    host.unplug(STICK, silent=True)
    read(follower, NUMBER)
    follower.take()
    follower.rest()
    assert STICK.devnode not in follower.inventory.entries


def test_what_goes_before_the_first_look_at_it_is_taken_in_is_gone_though_only_its_number_is_heard_of(
    host: FakeHost, following: Following
) -> None:
    follower = following(BY_RULE)
    host.plug(STICK, silent=True)
    read(follower, NUMBER)
    host.unplug(STICK, silent=True)
    hear(follower)
    follower.take()
    follower.rest()
    assert not [device for device in STICK if device.sys_path in follower.memory.nodes.units]


def removal(stick: Stick) -> UdevEvent:
    tty = stick.main
    return UdevEvent("remove", tty.sys_path, tty.subsystem, NUMBER, stick.devnode, " ".join(tty.devlinks))


@pytest.mark.parametrize("is_told_by", ["inotify", "udev"])
def test_who_claims_a_link_of_one_that_went_is_looked_at_whoever_tells_of_it(
    host: FakeHost, following: Following, is_told_by: str
) -> None:
    stays, goes = ch340("ttyUSB1", "1-2"), ch340("ttyUSB0", "1-1")
    host.plug(stays, silent=True)
    host.plug(goes, silent=True)
    follower = following(BY_RULE)
    for device in reversed(goes.devices):
        host.vanish(device)
    follower.rest()
    for device in reversed(goes.devices):
        host.forget(device, silent=True)
    if is_told_by == "inotify":
        hear(follower)
    else:
        follower.paths.read()  # as if there were no watches left
        follower.looking.take_event(removal(goes), follower.now)
    follower.rest()
    (described,) = [one for one in follower.inventory.devices() if one.devnode == stays.devnode]
    assert goes.by_id in described.links


@pytest.mark.parametrize("stick", [serial_adapter("ttyUSB0"), LONE])
def test_what_goes_during_a_look_at_everything_is_not_shown(
    stick: Stick, host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.plug(stick, silent=True)
    really_list = os.listdir

    def list_without_it(path: str) -> list[str]:
        """Its node has been seen, and sysfs not yet: there it goes."""
        if path == "/sys/dev" and os.path.exists(stick.main.sys_path):
            host.unplug(stick, silent=True)
        return really_list(path)

    monkeypatch.setattr(os, "listdir", list_without_it)
    (node,) = [device.node.path for device in stick if device.node and device.subsystem == "tty"]
    look, _ = look_at_everything(Interest(frozenset({PathSelector(Glob.parse(node))})))
    assert look.paths == {node: None}
    assert not look.units


@pytest.mark.usefixtures("host")
def test_nodes_that_come_while_others_of_their_usb_device_are_read_are_read_too(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    usb_device, interface, first, *others = modem().devices
    for device in (usb_device, interface, first):
        host.appear(device)
    ahead = [*others]

    def read_late(number: DeviceNumber) -> UdevDevice | None:
        """The rest comes, and udevd is done with it all, before the first node is read."""
        if ahead:
            ahead.clear()
            for device in others:
                host.appear(device)
            for device in (first, *others):
                host.finish(device)
        return read_device(number)

    monkeypatch.setattr(reader, "read_device", read_late)
    look = reader.look_at_unit(usb_device.sys_path, Interest(frozenset({BY_RULE})), frozenset(), frozenset())
    assert len(look.nodes) == sum(device.node is not None for device in modem())


def test_everything_has_been_looked_at_once_the_nodes_at_paths_outside_of_dev_have() -> None:
    jobs, paths, outside = Jobs(), DevPaths(()), PathSelector(Glob.parse("/run/x*"))
    looking = Looking(paths, jobs, DeliveryCheck())
    os.mknod("/run/x0", stat.S_IFCHR, os.makedev(240, 0))
    looking.begin(Interest(frozenset({outside}), 1), 0.0, has_udevd=True)
    looks = list[HostLook]()
    for subject in (*outside.globs, DeviceNumber("c", 240, 0)):
        looking.work(1.0)
        assert jobs.do(0) == subject
        for result in jobs.take_results():
            looking.take_result(result, 1.0)
        looks.append(looking.take_look() or HostLook())
    os.unlink("/run/x0")
    assert [look.complete_for for look in looks] == [None, 1]
    looking.begin(Interest(frozenset()), 2.0, has_udevd=True)  # that ends its watch
    paths.close()


@pytest.mark.usefixtures("host")
def test_everything_has_been_looked_at_once_a_directory_could_be_read(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    jobs, paths = Jobs(), DevPaths(())
    looking, looks = Looking(paths, jobs, DeliveryCheck()), list[HostLook]()
    really_list = os.listdir

    def list_others(path: str) -> list[str]:
        if path == "/dev/odd":
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE), path)
        return really_list(path)

    def go_on(now: float) -> float:
        """What is due then; returns when more is."""
        looking.work(now)
        do_all(jobs, looking, now)
        looks.append(looking.take_look() or HostLook())
        return now + (looking.next_due(now) or 0.0)

    os.mkdir("/dev/odd")
    os.mknod("/dev/odd/x0", stat.S_IFCHR, os.makedev(240, 0))
    with monkeypatch.context() as broken:
        broken.setattr(os, "listdir", list_others)
        looking.begin(Interest(frozenset({PathSelector(Glob.parse("/dev/odd/*"))}), 1), 0.0, has_udevd=True)
        moments = [0.0]
        for _ in range(3):
            moments.append(go_on(moments[-1]))
    assert [look.complete_for for look in looks] == [None] * 3
    assert moments == pytest.approx([0.0, 0.1, 0.3, 0.7])
    go_on(go_on(moments[-1]))
    paths.close()
    assert [look.complete_for for look in looks[3:]] == [None, 1]
    assert "/dev/odd/x0" in looks[3].paths
    (message,) = caplog.messages
    assert message.startswith("/dev: could not be looked at")


def test_a_reload_for_which_there_is_no_inotify_instance_is_logged_and_tried_again(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    jobs, paths = Jobs(), DevPaths(())
    inside, outside = BY_PATH, PathSelector(Glob.parse("/run/x*"))
    looking, inventory = Looking(paths, jobs, DeliveryCheck()), Inventory((inside, outside))

    def catch_up(now: float) -> None:
        looking.work(now)
        while jobs.outstanding:
            do_all(jobs, looking, now)
            looking.work(now)
        inventory.replace(looking.take_look() or HostLook())

    def fail(**_: object) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    host.plug(serial_adapter("ttyUSB0"), silent=True)
    os.mkdir("/run/x0")
    looking.begin(Interest(frozenset({inside}), 1), 0.0, has_udevd=True)
    catch_up(1.0)
    with monkeypatch.context() as broken:
        broken.setattr(watching, "INotify", fail)
        looking.begin(Interest(frozenset({inside, outside}), 2), 2.0, has_udevd=True)
        catch_up(3.0)
    (message,) = caplog.messages
    assert message.startswith("/run/x*: could not be looked at")
    assert set(inventory.entries) == {"/dev/ttyUSB0"}
    assert inventory.is_settled(inventory.entries["/dev/ttyUSB0"])
    catch_up(5.0)
    assert set(inventory.entries) == {"/dev/ttyUSB0", "/run/x0"}
    os.rmdir("/run/x0")
    assert list(looking.outside.values()) == [*outside.globs], "it is watched now"
    looking.begin(Interest(frozenset()), 6.0, has_udevd=True)  # that ends its watch
    paths.close()


def replace_unheard_of(host: FakeHost, follower: Follower) -> None:
    """Another stick gets the number of one that goes, while udevd is at work, maybe on that one still."""
    for device in STICK:
        host.appear(device)
    follower.rest()
    for device in reversed(STICK.devices):
        host.vanish(device)
    follower.rest()
    for device in STICK:
        host.appear(device)


def test_what_udevd_has_to_do_is_noticed_only_while_it_may_be_about_a_former_device(
    host: FakeHost, following: Following
) -> None:
    follower = following(BY_PATH)
    with host.busy():
        assert not follower.paths.read()
        replace_unheard_of(host, follower)
        follower.rest()
        for device in STICK:
            host.finish(device, silent=True)
        follower.rest()
        assert STICK.devnode not in {one.devnode for one in follower.inventory.devices() if one.links}
    assert follower.paths.read() == {QUEUE}
    follower.looking.take_paths({QUEUE}, follower.now)
    follower.rest()
    assert STICK.devnode in {one.devnode for one in follower.inventory.devices() if one.links}
    with host.busy():
        assert not follower.paths.read()


def test_udevd_may_get_done_while_a_look_finds_it_at_work(host: FakeHost, following: Following) -> None:
    follower = following(BY_PATH)
    with host.busy():
        replace_unheard_of(host, follower)
        for device in STICK:
            host.finish(device, silent=True)
        follower.looking.take_paths(follower.paths.read(), follower.now)
        follower.now += 1.0
        follower.looking.work(follower.now)
        while follower.jobs.outstanding > len(follower.jobs._done):
            follower.jobs.do(0)
    follower.take()
    began = follower.now
    follower.rest()
    assert STICK.devnode in {one.devnode for one in follower.inventory.devices() if one.links}
    assert follower.now - began < HOLD_BACK
