"""Which USB devices are whole: devices that are made of several nodes of one USB device.

Floor 3, pure. A USB device's nodes come one after the other (a modem's four ttys take a second); it is offered once
they are all there, and is Unhealthy as soon as one of them is gone. Where the number of nodes is not given, the largest
set that was seen counts, and the first time a second of quiet.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from udev_device_plugin.config.specs import GroupSpec
from udev_device_plugin.devices.candidates import Candidate, Candidates, NodeKey, Slot
from udev_device_plugin.selectors.usb.selector import UsbSelector

QUIET = 1.0
"""Seconds without a change after which a USB device with an open number of nodes is taken to be whole."""

Numbers = tuple[tuple[str, int], ...]
"""How many nodes of which subsystem."""


@dataclass(frozen=True, slots=True)
class Assembly:
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
    nodes: tuple[Candidate, ...]
    needs: Numbers
    is_whole: bool
    is_open_ended: bool = False


@dataclass(frozen=True, slots=True)
class SettlingUsbDevice:
    """A USB device whose nodes are still counted.

    Attributes:
        group: which of the spec's groups it belongs to.
        usb_device: its identity.
        nodes: those that were there at last.
        since: when that last changed, monotonic seconds.
    """

    group: int
    usb_device: str
    nodes: frozenset[NodeKey]
    since: float


def assemblies(index: int, group: GroupSpec, found: Candidates, needs: Mapping[str, Numbers]) -> Iterator[Assembly]:
    """The USB devices of which a node is there.

    Args:
        index: the group's.
        group: one of USB devices.
        found: the nodes that it may have.
        needs: how many were seen at most, by USB device.
    """
    for member, path_spec in enumerate(group.paths):
        if not isinstance(path_spec.selector, UsbSelector):
            continue
        of_usb_devices: defaultdict[str, list[Candidate]] = defaultdict(list)
        for candidate in found[Slot(index, member)].values():
            of_usb_devices[candidate.usb_device].append(candidate)
        for usb_device, nodes in of_usb_devices.items():
            yield _assembly(
                path_spec.selector, Assembly(usb_device, member, tuple(nodes), needs.get(usb_device, ()), False)
            )


def gather(index: int, assembly: Assembly, before: Iterable[SettlingUsbDevice], now: float) -> SettlingUsbDevice:
    """A USB device that is not offered yet, with the time since which nothing changed about it."""
    nodes = frozenset(node.node for node in assembly.nodes)
    for earlier in before:
        if (earlier.group, earlier.usb_device, earlier.nodes) == (index, assembly.usb_device, nodes):
            return earlier
    return SettlingUsbDevice(index, assembly.usb_device, nodes, now)


def _assembly(selector: UsbSelector, seen: Assembly) -> Assembly:
    here = Counter(node.subsystem for node in seen.nodes)
    least, most = dict(selector.nodes), dict(seen.needs)
    if selector.is_open_ended:
        least = {subsystem: max(number, most.get(subsystem, 0), here[subsystem]) for subsystem, number in least.items()}
    nodes = [node for subsystem in selector.subsystems for node in _of(seen.nodes, subsystem)[: least[subsystem]]]
    is_whole = not Counter(least) - here
    return Assembly(seen.usb_device, seen.member, tuple(nodes), tuple(least.items()), is_whole, selector.is_open_ended)


def _of(nodes: Iterable[Candidate], subsystem: str) -> list[Candidate]:
    """A USB device's nodes of one subsystem, by interface, whatever their numbers."""
    mine = (node for node in nodes if node.subsystem == subsystem)
    return sorted(mine, key=lambda node: (len(node.identity), node.identity))
