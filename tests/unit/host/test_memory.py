"""Whether what udev's database says of a node is about that node, and what stays known of it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from udev_device_plugin.host.looks import EntryStamp, NodeLook, UnitLook
from udev_device_plugin.host.memory import HOLD_BACK, Memory
from udev_device_plugin.host.model import DeviceNumber, HostDevice, Node, NodeState, OfferedNodes

NUMBER = DeviceNumber("c", 188, 0)
PLUGGED = 1_000  # by the wall clock, nanoseconds
OLD, NEW = EntryStamp(1, PLUGGED - 1), EntryStamp(2, PLUGGED + 1)


def described(serial: str) -> HostDevice:
    link = f"/dev/serial/by-id/{serial}"
    return HostDevice("/sys/devices/x", "tty", NUMBER, "/dev/ttyUSB0", (link,), (link,), serial=serial)


FIRST, SECOND = described("first"), described("second")


def look(
    entry: EntryStamp | None,
    description: HostDevice | None = None,
    *,
    inode: int = 1,
    device: int = 0,
    is_processing: bool = False,
    sequence: int = 0,
) -> NodeLook:
    of_device = device or inode
    return NodeLook(NUMBER, of_device, "/dev/ttyUSB0", inode, PLUGGED, entry, is_processing, description, sequence)


class Host:
    """A memory, and a clock."""

    def __init__(
        self, *, is_first_look: bool = False, has_udevd: bool = True, offered: OfferedNodes = frozenset()
    ) -> None:
        self.memory = Memory(offered)
        self.memory.is_first_look = is_first_look
        self.now = 100.0
        self.memory.has_udevd = has_udevd
        self.is_idle = True

    def sees(self, *nodes: NodeLook, is_named: bool = False) -> Node | None:
        self.memory.take_in(UnitLook(NUMBER, nodes, is_udevd_idle=self.is_idle), self.now, is_named=is_named)
        return self.memory.nodes.get(NUMBER)

    def state(self, *nodes: NodeLook) -> tuple[NodeState, str]:
        """How far udev is with the node now, and the serial number that is known."""
        node = self.sees(*nodes)
        assert node is not None
        return node.state, node.description.serial if node.description else ""


UNFINISHED = (NodeState.UNFINISHED, "")


def test_a_node_is_finished_with_an_entry_that_is_not_older_than_itself() -> None:
    host = Host()
    assert host.state(look(None)) == UNFINISHED
    assert host.state(look(NEW, FIRST)) == (NodeState.FINISHED, "first")


def test_an_entry_that_is_older_than_the_node_is_that_of_the_numbers_former_device() -> None:
    host = Host()
    assert host.state(look(OLD, SECOND)) == UNFINISHED
    assert host.state(look(None)) == UNFINISHED
    assert host.state(look(NEW, FIRST)) == (NodeState.FINISHED, "first")


def test_a_node_that_was_there_before_the_plugin_may_be_newer_than_its_entry() -> None:
    assert Host(is_first_look=True).state(look(OLD, FIRST)) == (NodeState.FINISHED, "first")


@pytest.mark.parametrize(("inode", "state"), [(1, NodeState.OVERDUE), (2, NodeState.UNFINISHED)])
def test_a_node_that_an_earlier_process_has_offered_is_not_held_back_and_another_with_its_number_is(
    inode: int, state: NodeState
) -> None:
    host = Host(is_first_look=True, offered=frozenset({(NUMBER, 1)}))
    assert host.memory.overdue(NUMBER, host.now) == frozenset({NUMBER})
    assert host.state(look(None, replace(FIRST, serial=""), inode=inode))[0] is state


class Counted(frozenset[tuple[DeviceNumber, int]]):
    """Nodes that were offered, and how often they were gone through."""

    passes = 0

    def __iter__(self) -> Iterator[tuple[DeviceNumber, int]]:
        type(self).passes += 1
        return super().__iter__()


def test_what_was_offered_is_gone_through_once_and_not_for_each_unit() -> None:
    memory = Memory(Counted({(NUMBER, 1), (NUMBER, 2)}))
    for unit in ("/sys/devices/usb1/1-1", "/sys/devices/usb1/1-2", NUMBER):
        assert memory.overdue(unit, 0.0) == frozenset({NUMBER})
    assert Counted.passes == 1


def test_an_entry_that_the_former_node_had_is_not_the_new_ones_whatever_the_clock_says() -> None:
    host = Host()
    host.sees(look(NEW, FIRST))
    assert host.state(look(NEW, FIRST, inode=2)) == UNFINISHED  # the clock was set back before it was plugged
    assert host.state(look(OLD, SECOND, inode=2)) == (NodeState.FINISHED, "second")


def test_an_old_entry_is_not_the_new_nodes_even_if_its_device_came_and_went_between_two_looks() -> None:
    host = Host()
    host.sees(look(EntryStamp(3, PLUGGED - 2), described("former")))
    host.sees()
    assert host.state(look(OLD, SECOND, inode=2)) == UNFINISHED
    assert host.state(look(NEW, FIRST, inode=2)) == (NodeState.FINISHED, "first")


def test_a_node_that_goes_and_comes_between_two_looks_is_another_one() -> None:
    host = Host()
    host.sees(look(NEW, FIRST))
    host.sees()
    assert host.memory.nodes.get(NUMBER) is None
    assert host.state(look(NEW, FIRST, inode=2)) == UNFINISHED


def test_a_node_that_somebody_made_again_by_hand_is_still_the_same_devices() -> None:
    host = Host()
    host.sees(look(NEW, FIRST, device=7))
    assert host.state(look(NEW, FIRST, inode=2, device=7)) == (NodeState.FINISHED, "first")


@pytest.mark.parametrize("later", [look(None), look(None, replace(FIRST, serial=""))])
def test_a_database_that_is_emptied_takes_nothing_from_what_is_known(later: NodeLook) -> None:
    host = Host()
    host.sees(look(NEW, FIRST))
    assert host.state(later) == (NodeState.FINISHED, "first")


def test_an_entry_that_udevd_works_on_takes_nothing_from_what_is_known_but_is_not_finished() -> None:
    host = Host()
    host.sees(look(NEW, FIRST))
    assert host.state(look(EntryStamp(3, PLUGGED), FIRST, is_processing=True)) == (NodeState.UNFINISHED, "first")
    assert host.state(look(EntryStamp(4, PLUGGED), SECOND)) == (NodeState.FINISHED, "second")


def test_an_entry_that_udevd_works_on_says_nothing_of_a_new_node() -> None:
    host = Host()
    assert host.state(look(NEW, FIRST, is_processing=True)) == UNFINISHED


def test_a_node_that_udevd_does_not_get_to_is_held_back_for_three_seconds() -> None:
    host = Host()
    host.sees(look(None))
    assert host.memory.deadline(NUMBER) == host.now + HOLD_BACK
    host.now += HOLD_BACK - 0.1
    assert host.state(look(None)) == UNFINISHED
    assert host.memory.overdue(NUMBER, host.now) == frozenset()
    host.now += 0.1
    assert host.memory.overdue(NUMBER, host.now) == frozenset({NUMBER})
    assert host.state(look(None, FIRST)) == (NodeState.OVERDUE, "")  # what a database says is not read then
    assert host.memory.deadline(NUMBER) is None


def test_a_node_that_udevd_has_been_at_work_on_for_too_long_is_overdue_at_each_look() -> None:
    host = Host()
    host.sees(look(NEW, FIRST, is_processing=True))
    host.now += HOLD_BACK
    for _ in range(2):
        assert host.state(look(NEW, FIRST, is_processing=True)) == (NodeState.OVERDUE, "")
    assert host.state(look(EntryStamp(3, PLUGGED), SECOND)) == (NodeState.FINISHED, "second")


def test_an_entry_that_is_old_only_by_the_clock_is_taken_when_the_time_is_up() -> None:
    host = Host()
    host.sees(look(OLD, FIRST))
    host.now += HOLD_BACK
    assert host.state(look(OLD, FIRST)) == (NodeState.FINISHED, "first")


def test_the_former_devices_entry_is_not_taken_even_when_the_time_is_up() -> None:
    host = Host()
    host.sees(look(NEW, FIRST))
    host.sees(look(NEW, FIRST, inode=2))
    host.now += HOLD_BACK
    assert host.state(look(NEW, FIRST, inode=2)) == (NodeState.OVERDUE, "")


@pytest.fixture
def busy() -> Host:
    """A host whose udevd is at work, and on which a device has been replaced; the kernel's event 7 told of it."""
    host = Host()
    host.is_idle = False
    host.sees(look(None, sequence=6))
    host.sees(look(None, inode=2, sequence=8))
    return host


def test_what_is_written_after_a_device_has_gone_may_be_about_that_until_udevd_has_told_of_its_removal(
    busy: Host,
) -> None:
    late = look(NEW, SECOND, inode=2, sequence=9)
    assert busy.state(late) == UNFINISHED
    busy.memory.removal_announced(NUMBER, 6)  # of one that had the number before both
    assert busy.state(late) == UNFINISHED
    busy.memory.removal_announced(NUMBER, 7)
    assert busy.state(look(EntryStamp(3, PLUGGED), FIRST, inode=2)) == (NodeState.FINISHED, "first")


def test_a_removal_counts_though_it_was_told_before_a_look_missed_the_device() -> None:
    host = Host()
    host.is_idle = False
    host.sees(look(None, sequence=6))
    host.memory.removal_announced(NUMBER, 7)
    assert host.state(look(NEW, FIRST, inode=2, sequence=8)) == (NodeState.FINISHED, "first")


def test_a_removal_that_nobody_told_of_is_over_once_udevd_has_nothing_to_do(busy: Host) -> None:
    assert busy.state(look(NEW, FIRST, inode=2)) == UNFINISHED
    assert busy.memory.in_doubt == {NUMBER}
    busy.is_idle = True
    assert busy.state(look(NEW, FIRST, inode=2)) == (NodeState.FINISHED, "first")
    assert not busy.memory.in_doubt


def test_a_device_without_a_node_in_dev_is_not_in_doubt_for_ever(busy: Host) -> None:
    without_node = look(None, device=3, inode=0, sequence=9)
    busy.sees(without_node)
    busy.is_idle = True
    busy.sees(without_node)
    assert not busy.memory.in_doubt


def test_a_node_whose_number_udevd_does_not_get_done_with_is_overdue_and_described_later(busy: Host) -> None:
    busy.now += HOLD_BACK
    assert busy.state(look(NEW, SECOND, inode=2)) == (NodeState.OVERDUE, "")
    busy.memory.removal_announced(NUMBER, 7)
    assert busy.state(look(EntryStamp(3, PLUGGED), FIRST, inode=2)) == (NodeState.FINISHED, "first")


def test_an_outdated_entry_is_not_taken_while_udevd_is_at_work() -> None:
    host = Host()
    host.is_idle = False
    host.sees(look(OLD, SECOND))
    host.now += HOLD_BACK
    assert host.state(look(OLD, SECOND)) == (NodeState.OVERDUE, "")
    assert host.memory.in_doubt == {NUMBER}
    host.is_idle = True
    assert host.state(look(OLD, SECOND)) == (NodeState.FINISHED, "second")


def test_a_node_whose_own_entry_has_come_is_in_doubt_no_more() -> None:
    host = Host()
    host.sees(look(OLD, SECOND))
    assert host.memory.in_doubt == {NUMBER}
    assert host.state(look(NEW, FIRST)) == (NodeState.FINISHED, "first")
    assert not host.memory.in_doubt


def test_an_entry_that_comes_late_counts() -> None:
    host = Host()
    host.sees(look(None))
    host.now += HOLD_BACK
    host.sees(look(None))
    assert host.state(look(NEW, FIRST)) == (NodeState.FINISHED, "first")


def test_nothing_is_waited_for_where_there_is_no_udevd() -> None:
    assert Host(has_udevd=False).state(look(None, FIRST)) == (NodeState.OVERDUE, "")


def test_a_device_without_a_node_is_not_waited_for_and_claims_no_link() -> None:
    node = Host().sees(look(NEW, FIRST, inode=0))
    assert node is not None
    assert node.state is NodeState.UNKNOWN
    assert node.description is not None
    assert node.description.devlinks == ()


def test_a_node_that_sysfs_does_not_know_is_what_it_is_where_a_path_leads_to_it() -> None:
    host = Host()
    assert host.sees() is None
    assert host.sees(is_named=True) == Node(NUMBER, NUMBER, NodeState.UNKNOWN)


def test_a_number_that_moves_to_another_unit_is_taken_from_the_former_one() -> None:
    host = Host()
    host.sees(look(NEW, FIRST))
    moved = UnitLook("/sys/devices/usb1/1-1", (look(NEW, SECOND, inode=2),))
    changed = host.memory.take_in(moved, host.now, is_named=False)
    assert changed == {NUMBER, "/sys/devices/usb1/1-1"}
    assert host.memory.nodes.of(NUMBER) == ()
    assert [node.number for node in host.memory.nodes.of("/sys/devices/usb1/1-1")] == [NUMBER]


def test_a_unit_is_finished_when_all_its_nodes_are() -> None:
    memory, unit = Memory(), "/sys/devices/usb1/1-1"
    memory.is_first_look = False
    other = DeviceNumber("c", 188, 1)
    for entry, is_finished in ((None, False), (NEW, True)):
        late = replace(look(entry, replace(SECOND, number=other)), number=other)
        memory.take_in(UnitLook(unit, (look(NEW, FIRST), late)), 0.0, is_named=False)
        assert memory.nodes.is_finished(unit) is is_finished
    assert not memory.nodes.is_finished("/sys/devices/usb1/1-2")  # which nobody knows
