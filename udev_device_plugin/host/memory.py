"""The nodes as of their last looks, and for each which version of udev's database entry is its own.

Pure, the time is passed in. Host thread only. A node is known by number and inode. Whether udevd is done with it cannot
be read at one moment: the entry may be that of the former node with its number. So that node's entry is kept, and at
the first look at a node an entry that is older than it (mtime; rules change the ctime) counts as foreign, too. Every
other version that comes later is its own.
"""

from dataclasses import dataclass, replace

from udev_device_plugin.host.looks import EntryStamp, NodeLook, UnitLook
from udev_device_plugin.host.model import DeviceNumber, HostDevice, Node, NodeState, Unit
from udev_device_plugin.host.nodes import Nodes

HOLD_BACK = 3.0
"""Seconds for which a node is held back that udevd is not done with."""


@dataclass(slots=True)
class _Origin:
    """What is known about the database entry of a node.

    Attributes:
        seen: when the node was looked at first, monotonic seconds.
        device: the inode of its place in sysfs.
        entry: the version that its description comes from.
        foreign: the version that describes the former device with its number.
        former: the inode of that device's place in sysfs; 0 if not known.
        is_foreign_by_age: only by the wall clock, which may have been set back.
    """

    seen: float
    device: int = 0
    entry: EntryStamp | None = None
    foreign: EntryStamp | None = None
    former: int = 0
    is_foreign_by_age: bool = False


class Memory:
    """The nodes of this host.

    Attributes:
        nodes: as of their last looks.
        is_first_look: not everything has been looked at yet, so that a node may be older than the first look at it.
    """

    def __init__(self) -> None:
        self.nodes = Nodes()
        self.is_first_look = True
        self._origins: dict[DeviceNumber, _Origin] = {}
        self._former: dict[DeviceNumber, tuple[EntryStamp, int]] = {}  # entry and device of the last node

    def deadline(self, unit: Unit) -> float | None:
        """Return until when the first of a unit's nodes is held back, monotonic seconds; None if none is."""
        return min(self._held_back(unit).values(), default=None)

    def overdue(self, unit: Unit, now: float) -> frozenset[DeviceNumber]:
        """Return the nodes of a unit that have been held back for long enough."""
        return frozenset(number for number, until in self._held_back(unit).items() if until <= now)

    def _held_back(self, unit: Unit) -> dict[DeviceNumber, float]:
        """Return the nodes of a unit that are held back, and until when."""
        return {
            node.number: self._origins[node.number].seen + HOLD_BACK
            for node in self.nodes.of(unit)
            if node.state is NodeState.UNFINISHED and node.description is None
        }

    def lose(self, number: DeviceNumber) -> Unit | None:
        """Remove a node; returns its unit, None if it was not known."""
        node = self.nodes.drop(number)
        if node is None:
            return None
        origin = self._origins.pop(number)
        if origin.entry is not None:
            self._former[number] = origin.entry, origin.device
        elif origin.foreign is not None:
            self._former[number] = origin.foreign, origin.former
        return node.unit

    def take_in(self, look: UnitLook, now: float, *, has_udevd: bool, is_named: bool) -> set[Unit]:
        """Replace what is known of a unit.

        If it ``is_named``, a node with its number is at a configured path: that counts even if sysfs has no such node.

        Returns:
            The units that were replaced: this one, and others that lost a node to it.
        """
        changed: set[Unit | None] = {look.unit}
        seen = {one.number for one in look.nodes}
        for node in self.nodes.of(look.unit):
            if node.number not in seen:
                self.lose(node.number)
        for one in look.nodes:
            known = self.nodes.get(one.number)
            if known is not None and (known.inode != one.inode or known.unit != look.unit):
                changed.add(self.lose(one.number))
                known = None
            if known is None:
                self._origins[one.number] = self._first_seen(one, now)
                known = Node(one.number, look.unit, NodeState.UNFINISHED, one.inode, one.devnode)
            self.nodes.put(self._judged(known, one, now, has_udevd=has_udevd))
        if is_named and not (look.nodes or look.is_elsewhere or isinstance(look.unit, str)):
            changed.add(self.lose(look.unit))
            self._origins[look.unit] = _Origin(now)
            self.nodes.put(Node(look.unit, look.unit, NodeState.UNKNOWN))
        return {unit for unit in changed if unit is not None}

    def _first_seen(self, look: NodeLook, now: float) -> _Origin:
        foreign, former = self._former.pop(look.number, (None, 0))
        if foreign is not None and former == look.device:  # the node was removed and created by hand
            return _Origin(now, look.device)
        is_old = look.entry is not None and look.entry != foreign and look.entry.written < look.made
        if (
            is_old and not self.is_first_look
        ):  # that of the former device, or of one in between that was never looked at
            return _Origin(now, look.device, foreign=look.entry, is_foreign_by_age=True)
        return _Origin(now, look.device, foreign=foreign, former=former)

    def _judged(self, known: Node, look: NodeLook, now: float, *, has_udevd: bool) -> Node:
        """Return a node after a look at it."""
        origin = self._origins[look.number]
        if look.inode == 0:  # no node in /dev: it counts as a sibling, and is not waited for
            return replace(known, state=NodeState.UNKNOWN, description=_without_entry(look.description))
        is_described = look.entry is not None and look.description is not None
        is_late = has_udevd and now >= origin.seen + HOLD_BACK
        is_its_own = look.entry != origin.foreign and not look.is_processing
        is_accepted_late = is_late and origin.is_foreign_by_age and known.description is None
        if is_described and (is_its_own or is_accepted_late):
            origin.entry = look.entry
            return replace(known, state=NodeState.FINISHED, description=look.description)
        if known.description is not None:
            # An absent entry, or one that udevd is at work on, replaces no description.
            is_begun_again = look.is_processing and known.state is NodeState.FINISHED
            return replace(known, state=NodeState.UNFINISHED) if is_begun_again else known
        # A look that began before the deadline has not read what sysfs alone says: there will be another one.
        if (has_udevd and not is_late) or look.description is None:
            return replace(known, state=NodeState.UNFINISHED)
        return replace(known, state=NodeState.OVERDUE, description=_without_entry(look.description))


def _without_entry(device: HostDevice | None) -> HostDevice | None:
    """Return what sysfs alone says: the database entry is absent, or that of a former device."""
    return device and replace(device, devlinks=(), links=(), serial="", is_initialized=False)
