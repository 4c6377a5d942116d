"""What must be remembered from one look to the next: for each making of a node, its last description.

Host thread only; pure, with the time passed in. A making is a number and an inode. Whether udevd is done with a node
cannot be read at one moment: the database entry may be that of the number's former device. So what the former making
had is remembered, and at the first look at a making an entry that is older than the node (its mtime; rules change its
ctime) is taken for a former one's too. Every other version that comes later is its own.
"""

from dataclasses import dataclass, replace

from udev_device_plugin.host.looks import EntryStamp, NodeLook, UnitLook
from udev_device_plugin.host.model import DeviceNumber, HostDevice, Node, NodeState, Unit
from udev_device_plugin.host.nodes import Nodes

HOLD_BACK = 3.0
"""For how many seconds a node is held back that udevd has not finished with."""


@dataclass(slots=True)
class _Making:
    """One making of a node.

    Attributes:
        seen: when it was looked at first, monotonic seconds.
        device: the inode of its device's directory in sysfs.
        entry: the version of udev's database entry that its description comes from.
        foreign: the version that describes the number's former device.
        former: the inode of that device's directory in sysfs; 0 if it is not known.
        is_foreign_by_age: that is said by the wall clock alone, which may have been set back.
    """

    seen: float
    device: int = 0
    entry: EntryStamp | None = None
    foreign: EntryStamp | None = None
    former: int = 0
    is_foreign_by_age: bool = False


class Memory:
    """The nodes of this host, as last looked at.

    Attributes:
        nodes: as they were published last.
        is_first_look: until everything has been looked at once, what is new to us need not be new to the host.
    """

    def __init__(self) -> None:
        self.nodes = Nodes()
        self.is_first_look = True
        self._makings: dict[DeviceNumber, _Making] = {}
        self._former: dict[DeviceNumber, tuple[EntryStamp, int]] = {}  # entry and device of the last making

    def deadline(self, unit: Unit) -> float | None:
        """When the first of a unit's nodes has been held back for long enough, monotonic seconds."""
        return min(self._held_back(unit).values(), default=None)

    def overdue(self, unit: Unit, now: float) -> frozenset[DeviceNumber]:
        """The nodes of a unit that have been held back for long enough."""
        return frozenset(number for number, until in self._held_back(unit).items() if until <= now)

    def _held_back(self, unit: Unit) -> dict[DeviceNumber, float]:
        """The nodes of a unit that are held back, and until when."""
        return {
            node.number: self._makings[node.number].seen + HOLD_BACK
            for node in self.nodes.of(unit)
            if node.state is NodeState.UNFINISHED and node.description is None
        }

    def lose(self, number: DeviceNumber) -> Unit | None:
        """A node is not there any more; returns its unit, None if it was not known."""
        node = self.nodes.drop(number)
        if node is None:
            return None
        making = self._makings.pop(number)
        if making.entry is not None:
            self._former[number] = making.entry, making.device
        elif making.foreign is not None:
            self._former[number] = making.foreign, making.former
        return node.unit

    def take_in(self, look: UnitLook, now: float, *, has_udevd: bool, is_named: bool) -> set[Unit]:
        """Have a unit be as it was looked at.

        Args:
            look: the look.
            now: monotonic seconds.
            has_udevd: whether there is a udevd to wait for.
            is_named: whether something stands at a configured path with the unit's number: then that counts, even if
                sysfs knows of no such node.

        Returns:
            The units that are others now; one that loses a node to this one is among them.
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
                self._makings[one.number] = self._first_seen(one, now)
                known = Node(one.number, look.unit, NodeState.UNFINISHED, one.inode, one.devnode)
            self.nodes.put(self._judged(known, one, now, has_udevd=has_udevd))
        if is_named and not (look.nodes or look.is_elsewhere or isinstance(look.unit, str)):
            changed.add(self.lose(look.unit))
            self._makings[look.unit] = _Making(now)
            self.nodes.put(Node(look.unit, look.unit, NodeState.UNKNOWN))
        return {unit for unit in changed if unit is not None}

    def _first_seen(self, look: NodeLook, now: float) -> _Making:
        foreign, former = self._former.pop(look.number, (None, 0))
        if foreign is not None and former == look.device:  # somebody removed the node by hand, and made it again
            return _Making(now, look.device)
        if foreign is None and look.entry is not None and look.entry.written < look.made and not self.is_first_look:
            return _Making(now, look.device, foreign=look.entry, is_foreign_by_age=True)
        return _Making(now, look.device, foreign=foreign, former=former)

    def _judged(self, known: Node, look: NodeLook, now: float, *, has_udevd: bool) -> Node:
        """What is known of a node after a look at it."""
        making = self._makings[look.number]
        if look.inode == 0:  # no node in /dev: it counts as a sibling, and is never waited for
            return replace(known, state=NodeState.UNKNOWN, description=_without_entry(look.description))
        is_described = look.entry is not None and look.description is not None
        is_late = has_udevd and now >= making.seen + HOLD_BACK
        is_its_own = look.entry != making.foreign and not look.is_processing
        is_accepted_late = is_late and making.is_foreign_by_age and known.description is None
        if is_described and (is_its_own or is_accepted_late):
            making.entry = look.entry
            return replace(known, state=NodeState.FINISHED, description=look.description)
        if known.description is not None:
            # An absent entry, or one that udevd is at work on, takes nothing from what was known.
            is_begun_again = look.is_processing and known.state is NodeState.FINISHED
            return replace(known, state=NodeState.UNFINISHED) if is_begun_again else known
        # A look that began before the time was up has not read what sysfs alone says: there will be another one.
        if (has_udevd and not is_late) or look.description is None:
            return replace(known, state=NodeState.UNFINISHED)
        return replace(known, state=NodeState.OVERDUE, description=_without_entry(look.description))


def _without_entry(device: HostDevice | None) -> HostDevice | None:
    """What sysfs alone says: the database speaks of the number's former device, or not at all."""
    return device and replace(device, devlinks=(), links=(), serial="", is_initialized=False)
