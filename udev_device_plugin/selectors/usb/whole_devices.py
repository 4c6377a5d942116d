"""Groups nodes by their USB device: a device is made of several nodes of one USB device.

Pure. Any thread. A USB device's nodes appear one after the other (a modem's four ttys take a second). It is offered
once they are all there, and is Unhealthy as soon as one is gone. Where the number of nodes is open, the largest set
that was seen counts, and the first one after a second without a change.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Generic

from udev_device_plugin.selectors.grouping import (
    Composition,
    Group,
    GroupDevices,
    M,
    Moment,
    Parts,
    SettlingUsbDevice,
)
from udev_device_plugin.selectors.records import GroupPath, Match, SelectsNodes

QUIET = 1.0
"""Seconds without a change after which a USB device with an open number of nodes counts as complete."""

_PLACE = re.compile(r":(.*?)(?::(\d{1,9})\.(\d{1,9}))?(?:#(\d{1,9}))?", re.DOTALL)
"""The end of a node's identity: kind, configuration, interface, and number among its like (``:tty:1.0#7``)."""


class WholeUsbDevices:
    """Every USB device that one of the paths selects is a device."""

    is_by_usb_device = True
    needs_every_path = False

    def path_of(self, member: int, number: int) -> int:  # noqa: ARG002 - all of them
        """One path for all members."""
        return member

    def can_be_of(self, device: Composition[Match], paths: int) -> bool:
        """Whether the path that selects it exists."""
        return 0 <= device.member < paths

    def group(
        self,
        index: int,
        paths: Sequence[GroupPath],
        found: Sequence[Mapping[str, M]],
        known: Iterable[Composition[M]],
    ) -> Group[M]:
        """Return a group of USB devices."""
        open_ended = [isinstance(path.selector, SelectsNodes) and path.selector.is_open_ended for path in paths]
        seen = _seen(paths, found, {device.identity[0]: device for device in known})
        return _GroupOfUsbDevices(index, open_ended, seen)


class _GroupOfUsbDevices(Generic[M]):
    """A group of USB devices.

    Args:
        index: which of the spec's groups it is.
        open_ended: for each path, whether a USB device may have more nodes than were seen.
        seen: the USB devices of which a node is there now.
    """

    def __init__(self, index: int, open_ended: Sequence[bool], seen: Iterable[Parts[M]]) -> None:
        self._index = index
        self._open_ended = open_ended
        self._seen = {one.identity[0]: one for one in seen}

    def renewed(self, device: Composition[M], /) -> Composition[M]:
        """With the nodes that it has now, if they are all there, else with those that it had."""
        now = self._seen.get(device.identity[0])
        if now is None:
            return Parts(device.identity, device.members, False, device.member, device.needs)
        if now.is_healthy:
            return now
        here = {node.identity: node for node in now.members if node is not None}
        return replace(now, members=tuple(here.get(node.identity, node) for node in device.members if node is not None))

    def assembled(self, known: Sequence[Composition[M]], moment: Moment, /) -> GroupDevices[M]:
        """New are the USB devices that are complete, and have been for long enough."""
        identities = {device.identity for device in known}
        new, settling = [], []
        for seen in self._seen.values():
            if seen.identity in identities or not seen.is_healthy:
                continue
            if self._open_ended[seen.member] and not moment.is_first:
                one = self._settling(seen, moment)
                if moment.now < one.until:
                    settling.append(one)
                    continue
            new.append(seen)
        return GroupDevices(known, new, settling)

    def _settling(self, seen: Parts[M], moment: Moment) -> SettlingUsbDevice:
        """Return until when the USB device has to wait: as before, if its nodes are the same as before."""
        nodes = frozenset(node.node for node in seen.members if node is not None)
        for earlier in moment.settling:
            if (earlier.group, earlier.usb_device, earlier.nodes) == (self._index, seen.identity[0], nodes):
                return earlier
        return SettlingUsbDevice(self._index, seen.identity[0], nodes, moment.now + QUIET)


def _seen(
    paths: Sequence[GroupPath], found: Sequence[Mapping[str, M]], known: Mapping[str, Composition[M]]
) -> Iterator[Parts[M]]:
    """The USB devices of which a node is there; those that are known keep their nodes."""
    for member, (path, matches) in enumerate(zip(paths, found, strict=True)):
        if not isinstance(path.selector, SelectsNodes):
            continue
        by_usb_device: defaultdict[str, defaultdict[str, list[M]]] = defaultdict(lambda: defaultdict(list))
        for match in matches.values():
            by_usb_device[match.usb_device][match.usb_device_path].append(match)
        for usb_device, by_path in by_usb_device.items():
            # One that comes at the other side of a socket may be there for a moment before the former one is gone.
            now = known.get(usb_device)
            before = {node.node for node in now.members if node is not None} if now is not None else set()
            nodes = max(by_path.values(), key=lambda nodes: sum(node.node in before for node in nodes))
            yield _counted(path.selector, usb_device, member, nodes, now)


def _counted(
    selector: SelectsNodes, usb_device: str, member: int, nodes: Collection[M], known: Composition[M] | None
) -> Parts[M]:
    """Return a USB device with the nodes that count, in the order in which a container gets them.

    It needs as many as are configured, or more if more were seen; one that is known needs those that it had: another
    one is another line, which its pod did not ask for.
    """
    here, least = Counter(node.subsystem for node in nodes), dict(selector.nodes)
    if selector.is_open_ended:
        most = dict(known.needs) if known is not None else {}
        least = {subsystem: max(number, most.get(subsystem, 0), here[subsystem]) for subsystem, number in least.items()}
    kept = {node.identity for node in known.members if node is not None} if known is not None else set()
    counting: list[M] = []
    for subsystem, number in least.items():
        of_subsystem = sorted((node for node in nodes if node.subsystem == subsystem), key=_place)
        of_subsystem.sort(key=lambda node: node.identity not in kept)
        counting += sorted(of_subsystem[:number], key=_place)
    is_whole = not Counter(least) - here and kept <= {node.identity for node in nodes}
    return Parts((usb_device,), tuple(counting), is_whole, member, tuple(least.items()))


def _place(node: Match) -> tuple[object, ...]:
    """Where in its USB device a node is: by interface, then by its number among its like, then by kind.

    So of two tuners the nodes of the first come first, and of a sound card the control node. Names are compared as
    people count: ``sd2`` before ``sd10``.
    """
    return *order_of(node.identity.removeprefix(node.usb_device)), node.identity


def order_of(place: str) -> tuple[object, ...]:
    """What places within a USB device are sorted by: ``:tty:1.0#7``, kind, interface, and number among its like."""
    matched = _PLACE.fullmatch(place)
    kind, *numbers = matched.groups(default="0") if matched is not None else (place, "0", "0", "0")
    names = [part.zfill(10) if part.isdigit() else part for part in re.split(r"(\d+)", kind)]
    return *map(int, numbers), names
