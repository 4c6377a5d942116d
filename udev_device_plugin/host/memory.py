"""What must be remembered from one look to the next: for each making of a node, its last description.

Host thread only; pure, with the time passed in. A making is a number and an inode. Whether udevd is done with a node
cannot be read at one moment: the database entry may be that of the number's former device. So what the former making
had is remembered, and at the first look at a making an entry that is older than the node (its mtime; rules change its
ctime) is taken for a former one's too. Every other version that comes later is its own.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from udev_device_plugin.host.looks import EntryStamp, NodeLook, UnitLook
from udev_device_plugin.host.model import DeviceNumber, HostDevice, Node, NodeState, Unit
from udev_device_plugin.host.sharing import Sharing

HOLD_BACK = 3.0
"""For how many seconds a node is held back that udevd has not finished with."""


@dataclass(slots=True)
class _Making:
    """One making of a node.

    Attributes:
        node: as it was published last.
        seen: when it was looked at first, monotonic seconds.
        device: the inode of its device's directory in sysfs.
        entry: the version of udev's database entry that its description comes from.
        foreign: the version that describes the number's former device.
        former: the inode of that device's directory in sysfs; 0 if it is not known.
        is_foreign_by_age: that is said by the wall clock alone, which may have been set back.
    """

    node: Node
    seen: float
    device: int = 0
    entry: EntryStamp | None = None
    foreign: EntryStamp | None = None
    former: int = 0
    is_foreign_by_age: bool = False


class Memory:
    """The nodes of this host, as last looked at.

    Attributes:
        sharing: who shares links, serial numbers and places.
        is_first_look: until everything has been looked at once, what is new to us need not be new to the host.
    """

    def __init__(self) -> None:
        self.sharing = Sharing()
        self.is_first_look = True
        self._makings: dict[DeviceNumber, _Making] = {}
        self._former: dict[DeviceNumber, tuple[EntryStamp, int]] = {}  # entry and device of the last making
        self._units: dict[Unit, set[DeviceNumber]] = {}

    @property
    def units(self) -> Collection[Unit]:
        """All units that are known."""
        return self._units.keys()

    def node(self, number: DeviceNumber) -> Node | None:
        """A node as last published."""
        making = self._makings.get(number)
        return None if making is None else making.node

    def nodes(self, unit: Unit) -> tuple[Node, ...]:
        """The nodes of a unit."""
        return tuple(self._makings[number].node for number in sorted(self._units.get(unit, ())))

    def is_finished(self, unit: Unit) -> bool:
        """Whether udevd is done with all nodes of a unit; not so of one that is unknown."""
        numbers = self._units.get(unit)
        return numbers is not None and all(
            self._makings[number].node.state is not NodeState.UNFINISHED for number in numbers
        )

    def deadline(self, unit: Unit) -> float | None:
        """When the first of a unit's nodes has been held back for long enough, monotonic seconds."""
        waiting = (self._makings[number] for number in self._units.get(unit, ()))
        return min((one.seen + HOLD_BACK for one in waiting if _is_held_back(one)), default=None)

    def overdue(self, unit: Unit, now: float) -> frozenset[DeviceNumber]:
        """The nodes of a unit that have been held back for long enough, monotonic seconds."""
        makings = ((number, self._makings[number]) for number in self._units.get(unit, ()))
        return frozenset(number for number, one in makings if _is_held_back(one) and now >= one.seen + HOLD_BACK)

    def lose(self, number: DeviceNumber) -> Unit | None:
        """A node is not there any more; returns its unit, None if it was not known."""
        making = self._makings.pop(number, None)
        if making is None:
            return None
        if making.entry is not None:
            self._former[number] = making.entry, making.device
        elif making.foreign is not None:
            self._former[number] = making.foreign, making.former
        if making.node.description is not None:
            self.sharing.discard(making.node.description)
        numbers = self._units[making.node.unit]
        numbers.discard(number)
        if not numbers:
            del self._units[making.node.unit]
        return making.node.unit

    def take_in(self, look: UnitLook, now: float, *, has_udevd: bool, is_named: bool) -> Iterator[Unit]:
        """Have a unit be as it was looked at.

        Args:
            look: the look.
            now: monotonic seconds.
            has_udevd: whether there is a udevd to wait for.
            is_named: whether something stands at a configured path with the unit's number: then that counts, even if
                sysfs knows of no such node.

        Yields:
            The units that are others now; one that loses a node to this one is among them.
        """
        seen = {one.number for one in look.nodes}
        for number in sorted(self._units.get(look.unit, set()) - seen):
            self.lose(number)
        for one in look.nodes:
            known = self._makings.get(one.number)
            if known is not None and (known.node.inode != one.inode or known.node.unit != look.unit):
                former = self.lose(one.number)
                if former is not None and former != look.unit:
                    yield former
            self._take_in_node(look.unit, one, now, has_udevd=has_udevd)
        if is_named and not (look.nodes or look.is_elsewhere or isinstance(look.unit, str)):
            if (former := self.lose(look.unit)) is not None and former != look.unit:
                yield former
            self._put(_Making(Node(look.unit, look.unit, NodeState.UNKNOWN), now))
        yield look.unit

    def _take_in_node(self, unit: Unit, look: NodeLook, now: float, *, has_udevd: bool) -> None:
        making = self._makings.get(look.number) or self._new(unit, look, now)
        self._put(self._judged(making, look, now, has_udevd=has_udevd))

    def _new(self, unit: Unit, look: NodeLook, now: float) -> _Making:
        """A making at its first look."""
        node = Node(look.number, unit, NodeState.UNFINISHED, look.inode, look.devnode)
        foreign, former = self._former.pop(look.number, (None, 0))
        if foreign is not None and former == look.device:  # somebody removed the node by hand, and made it again
            return _Making(node, now, look.device)
        if foreign is None and look.entry is not None and look.entry.written < look.made and not self.is_first_look:
            return _Making(node, now, look.device, foreign=look.entry, is_foreign_by_age=True)
        return _Making(node, now, look.device, foreign=foreign, former=former)

    def _judged(self, making: _Making, look: NodeLook, now: float, *, has_udevd: bool) -> _Making:
        """A making after a look at it."""
        if look.inode == 0:  # no node in /dev: it counts as a sibling, and is never waited for
            description = None if look.description is None else _without_entry(look.description)
            return replace(making, node=replace(making.node, state=NodeState.UNKNOWN, description=description))
        is_described = look.entry is not None and look.description is not None
        if is_described and look.entry != making.foreign and not look.is_processing:
            return self._finished(making, look)
        if making.node.description is not None:
            # An absent entry, or one that udevd is at work on, takes nothing from what was known.
            is_begun_again = look.is_processing and making.node.state is NodeState.FINISHED
            state = NodeState.UNFINISHED if is_begun_again else making.node.state
            return replace(making, node=replace(making.node, state=state))
        # A look that began before the time was up has not read what sysfs alone says: there will be another one.
        if (has_udevd and now < making.seen + HOLD_BACK) or look.description is None:
            return replace(making, node=replace(making.node, state=NodeState.UNFINISHED))
        if has_udevd and is_described and making.is_foreign_by_age:
            return self._finished(making, look)
        description = _without_entry(look.description)
        return replace(making, node=replace(making.node, state=NodeState.OVERDUE, description=description))

    @staticmethod
    def _finished(making: _Making, look: NodeLook) -> _Making:
        node = replace(making.node, state=NodeState.FINISHED, description=look.description)
        return replace(making, node=node, entry=look.entry)

    def _put(self, making: _Making) -> None:
        node = making.node
        former = self._makings.get(node.number)
        if former is not None and former.node.description is not None:
            self.sharing.discard(former.node.description)
        self._makings[node.number] = making
        self._units.setdefault(node.unit, set()).add(node.number)
        if node.description is not None:
            self.sharing.add(node.description)


def _is_held_back(making: _Making) -> bool:
    return making.node.state is NodeState.UNFINISHED and making.node.description is None


def _without_entry(device: HostDevice) -> HostDevice:
    """What sysfs alone says: the database speaks of the number's former device, or not at all."""
    return replace(device, devlinks=(), links=(), serial="", is_initialized=False)
