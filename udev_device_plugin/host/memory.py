"""The nodes as of their last looks, and for each which version of udev's database entry is its own.

Pure, the time is passed in. Host thread only. A node is known by number and inode. Whether udevd is done with it cannot
be read at one moment: the entry, which is named by the number alone, may be about the former device with that number.

- The version that the former device had is never the new one's.
- While udevd may still be at work on the former device, no version counts: what concerns one number it does in the
  kernel's order, so that it may only now write the entry of the former one, although that has gone. It has done with it
  once it has announced the removal, or has nothing to do.
- A version that is older than the node (mtime; rules change the ctime) at the first look at it is about a former device
  that was never looked at; or the clock has been set back, if udevd has nothing to do later on.

What cannot be known: an entry that is written late, about a device that was never looked at, looks like the new one's.
"""

from dataclasses import dataclass, replace

from udev_device_plugin.host.looks import EntryStamp, NodeLook, UnitLook
from udev_device_plugin.host.model import DeviceNumber, HostDevice, Node, NodeState, OfferedNodes, Unit
from udev_device_plugin.host.nodes import Nodes

HOLD_BACK = 3.0
"""Seconds for which a node is held back that udevd is not done with."""


@dataclass(slots=True)
class _Origin:
    """What is known about the database entry of a node.

    Attributes:
        seen: when the node was looked at first, monotonic seconds.
        device: the inode of its place in sysfs.
        sequence: the number of the kernel's latest event at the last look: that of its removal is a higher one.
        entry: the version that its description comes from.
        foreign: the version that describes the former device with its number.
        outdated: a version that is older than the node.
        awaited: of the former device's removal the number is a higher one than this; None: it is not awaited.
    """

    seen: float
    device: int = 0
    sequence: int = 0
    entry: EntryStamp | None = None
    foreign: EntryStamp | None = None
    outdated: EntryStamp | None = None
    awaited: int | None = None

    @property
    def is_in_doubt(self) -> bool:
        """Whether the entry may count once udevd has nothing to do."""
        return self.outdated is not None or self.awaited is not None


class Memory:
    """The nodes of this host.

    Attributes:
        nodes: as of their last looks.
        in_doubt: those whose entries may count once udevd has nothing to do.
        is_first_look: not everything has been looked at yet, so that a node may be older than the first look at it.
        has_udevd: there is a udevd, which is waited for.

    Args:
        offered: what an earlier process of the plugin has offered: these are not held back.
    """

    def __init__(self, offered: OfferedNodes = frozenset()) -> None:
        self.nodes = Nodes()
        self.in_doubt: set[DeviceNumber] = set()
        self.is_first_look = self.has_udevd = True
        self._origins: dict[DeviceNumber, _Origin] = {}
        self._former: dict[DeviceNumber, _Origin] = {}  # of nodes that are gone
        self._offered, self._offered_numbers = offered, frozenset(number for number, _ in offered)
        self._removed: dict[DeviceNumber, int] = {}  # the number of the latest event that announced a removal

    def deadline(self, unit: Unit) -> float | None:
        """Return until when the first of a unit's nodes is held back, monotonic seconds; None if none is."""
        return min(self._held_back(unit).values(), default=None)

    def overdue(self, unit: Unit, now: float) -> frozenset[DeviceNumber] | None:
        """Return the nodes of a unit that have been held back for long enough; None for all."""
        if not self.has_udevd:
            return None
        late = {number for number, until in self._held_back(unit).items() if until <= now}
        offered = self._offered_numbers if self.is_first_look else frozenset[DeviceNumber]()
        return offered | late if late else offered  # not copied for each unit: there may be thousands

    def _held_back(self, unit: Unit) -> dict[DeviceNumber, float]:
        """Return the nodes of a unit that are held back, and until when."""
        return {
            node.number: self._origins[node.number].seen + HOLD_BACK
            for node in self.nodes.of(unit)
            if node.state is NodeState.UNFINISHED and node.description is None
        }

    def removal_announced(self, number: DeviceNumber, sequence: int) -> None:
        """Udevd has announced the removal of a node; ``sequence`` is the number of that event."""
        self._removed[number] = max(sequence, self._removed.get(number, 0))

    def lose(self, number: DeviceNumber) -> Unit | None:
        """Remove a node; returns its unit, None if it was not known."""
        node = self.nodes.drop(number)
        if node is None:
            return None
        self._former[number] = self._origins.pop(number)
        self.in_doubt.discard(number)
        return node.unit

    def take_in(self, look: UnitLook, now: float, *, is_named: bool) -> set[Unit]:
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
            self.nodes.put(self._judged(known, one, now, is_udevd_idle=look.is_udevd_idle))
            (self.in_doubt.add if self._origins[one.number].is_in_doubt else self.in_doubt.discard)(one.number)
        if is_named and isinstance(look.unit, DeviceNumber):
            changed.add(self.lose(look.unit))
            self._origins[look.unit] = _Origin(now)
            self.nodes.put(Node(look.unit, look.unit, NodeState.UNKNOWN))
        return {unit for unit in changed if unit is not None}

    def _first_seen(self, look: NodeLook, now: float) -> _Origin:
        is_offered = self.is_first_look and (look.number, look.inode) in self._offered
        former = self._former.pop(look.number, None)
        origin = _Origin(now - HOLD_BACK if is_offered else now, look.device)
        if former is not None:
            if former.device == look.device:  # the node was removed and created by hand
                return replace(former, seen=now)
            origin.foreign, origin.awaited = former.entry or former.foreign, former.sequence or None
        is_old = look.entry is not None and look.entry != origin.foreign and look.entry.written < look.made
        if is_old and not self.is_first_look:
            origin.outdated = look.entry
        return origin

    def _judged(self, known: Node, look: NodeLook, now: float, *, is_udevd_idle: bool) -> Node:
        """Return a node after a look at it."""
        origin = self._origins[look.number]
        origin.sequence = look.sequence
        if is_udevd_idle or self._removed.get(look.number, 0) > (origin.awaited or 0):
            origin.awaited = None
        if look.inode == 0:  # no node in /dev: it counts as a sibling, and is not waited for
            return replace(known, state=NodeState.UNKNOWN, description=_without_entry(look.description))
        is_described = look.entry is not None and look.description is not None
        is_late = self.has_udevd and now >= origin.seen + HOLD_BACK
        if is_udevd_idle and is_late:
            origin.outdated = None
        is_its_own = origin.awaited is None and look.entry not in (origin.foreign, origin.outdated)
        if is_described and is_its_own and not look.is_processing:
            origin.entry, origin.outdated = look.entry, None
            return replace(known, state=NodeState.FINISHED, description=look.description)
        if known.description is not None:
            # An absent entry, or one that udevd is at work on, replaces no description.
            is_begun_again = look.is_processing and known.state is NodeState.FINISHED
            return replace(known, state=NodeState.UNFINISHED) if is_begun_again else known
        # A look that began before the deadline has not read what sysfs alone says: there will be another one.
        if (self.has_udevd and not is_late) or look.description is None:
            return replace(known, state=NodeState.UNFINISHED)
        return replace(known, state=NodeState.OVERDUE, description=_without_entry(look.description))


def _without_entry(device: HostDevice | None) -> HostDevice | None:
    """Return what sysfs alone says: the database entry is absent, or that of a former device."""
    return device and replace(device, devlinks=(), links=(), serial="")
