"""Groups nodes by their USB device: a device is made of several nodes of one USB device.

Pure. Any thread. A USB device's nodes come one after the other (a modem's four ttys take a second); it is offered once
they are all there, and is Unhealthy as soon as one of them is gone. Where the number of nodes is not given, the largest
set that was seen counts, and the first time a second without a change.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, runtime_checkable

from udev_device_plugin.selectors.grouping import (
    Composition,
    Formed,
    Group,
    GroupPath,
    M,
    Match,
    Moment,
    Numbers,
    Parts,
    SettlingUsbDevice,
)

QUIET = 1.0
"""Seconds without a change after which a USB device with an open number of nodes is taken to be whole."""


@runtime_checkable
class SelectsNodes(Protocol):
    """A selector of USB devices that says which of their nodes are handed over."""

    @property
    def nodes(self) -> Numbers:
        """How many nodes of which subsystem it takes to be whole, in the order in which they are handed over."""

    @property
    def is_open_ended(self) -> bool:
        """Further nodes of these subsystems belong to it too: those numbers are the least."""


class WholeUsbDevices:
    """Every USB device that one of the paths selects is a device."""

    is_by_usb_device = True
    needs_every_path = False

    def path_of(self, member: int, number: int) -> int:  # noqa: ARG002 - all of them
        """One path for all members."""
        return member

    def can_be_of(self, device: Composition[Match], paths: int) -> bool:
        """Whether there is the path that selects it."""
        return 0 <= device.member < paths

    def group(
        self,
        index: int,
        paths: Sequence[GroupPath],
        found: Sequence[Mapping[str, M]],
        known: Iterable[Composition[M]],
    ) -> Group[M]:
        """A group of USB devices."""
        needs = {device.identity[0]: device.needs for device in known}
        seen = {one.usb_device: one for one in _seen(paths, found, needs)}
        return _GroupOfUsbDevices(index, seen)


@dataclass(frozen=True, slots=True)
class _Seen(Generic[M]):
    """The nodes of one USB device that are there now.

    Attributes:
        usb_device: its identity.
        member: which of the group's paths selects it.
        nodes: in the order in which they are handed over.
        needs: how many it takes to be whole: what is configured, or more if more were seen.
        is_whole: whether they are there.
        is_open_ended: whether there may be more of them than were seen.
    """

    usb_device: str
    member: int
    nodes: tuple[M, ...]
    needs: Numbers
    is_whole: bool
    is_open_ended: bool


class _GroupOfUsbDevices(Generic[M]):
    def __init__(self, index: int, seen: Mapping[str, _Seen[M]]) -> None:
        self._index = index
        self._seen = seen

    def renewed(self, device: Composition[M], /) -> Composition[M]:
        """With the nodes that it has now, if they are all there, else with those that it had."""
        now = self._seen.get(device.identity[0])
        if now is None:
            return Parts(device.identity, device.members, False, device.member, device.needs)
        here = {node.identity: node for node in now.nodes}
        before = (node for node in device.members if node is not None)
        members = now.nodes if now.is_whole else tuple(here.get(node.identity, node) for node in before)
        return Parts(device.identity, members, now.is_whole, now.member, now.needs)

    def formed(self, known: Sequence[Composition[M]], moment: Moment, /) -> Formed[M]:
        """New are the USB devices that are whole, and have been for long enough."""
        identities = {device.identity for device in known}
        new, settling = [], []
        for seen in self._seen.values():
            if (seen.usb_device,) in identities or not seen.is_whole:
                continue
            if seen.is_open_ended and not moment.is_first:
                one = self._settling(seen, moment)
                if moment.now < one.until:
                    settling.append(one)
                    continue
            new.append(Parts((seen.usb_device,), seen.nodes, member=seen.member, needs=seen.needs))
        return Formed(known, new, settling)

    def _settling(self, seen: _Seen[M], moment: Moment) -> SettlingUsbDevice:
        """A USB device that may not be offered yet, with the time at which it may."""
        nodes = frozenset(node.node for node in seen.nodes)
        for earlier in moment.settling:
            if (earlier.group, earlier.usb_device, earlier.nodes) == (self._index, seen.usb_device, nodes):
                return earlier
        return SettlingUsbDevice(self._index, seen.usb_device, nodes, moment.now + QUIET)


def _seen(
    paths: Sequence[GroupPath], found: Sequence[Mapping[str, M]], needs: Mapping[str, Numbers]
) -> Iterator[_Seen[M]]:
    """The USB devices of which a node is there; ``needs``: how many were seen at most."""
    for member, (path, matches) in enumerate(zip(paths, found, strict=True)):
        if not isinstance(path.selector, SelectsNodes):
            continue
        by_usb_device: defaultdict[str, list[M]] = defaultdict(list)
        for match in matches.values():
            by_usb_device[match.usb_device].append(match)
        for usb_device, nodes in by_usb_device.items():
            yield _counted(path.selector, usb_device, member, nodes, dict(needs.get(usb_device, ())))


def _counted(
    selector: SelectsNodes, usb_device: str, member: int, nodes: Sequence[M], most: Mapping[str, int]
) -> _Seen[M]:
    here, least = Counter(node.subsystem for node in nodes), dict(selector.nodes)
    if selector.is_open_ended:
        least = {subsystem: max(number, most.get(subsystem, 0), here[subsystem]) for subsystem, number in least.items()}
    handed_over = tuple(node for subsystem, number in least.items() for node in _of(nodes, subsystem)[:number])
    is_whole = not Counter(least) - here
    return _Seen(usb_device, member, handed_over, tuple(least.items()), is_whole, selector.is_open_ended)


def _of(nodes: Iterable[M], subsystem: str) -> list[M]:
    """A USB device's nodes of one subsystem, by interface, whatever their numbers."""
    mine = (node for node in nodes if node.subsystem == subsystem)
    return sorted(mine, key=lambda node: (len(node.identity), node.identity))
