"""Groups nodes by their USB device: a device is made of several nodes of one USB device.

Pure. Any thread. A USB device's nodes appear one after the other (a modem's four ttys take a second). It is offered
once they are all there, and is Unhealthy as soon as one is gone. Where the number of nodes is open, the largest set
that was seen counts, and the first one after a second without a change.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import replace

from udev_device_plugin.devices.assembled import AssembledDevice, AssembledResource, SettlingUsbDevice
from udev_device_plugin.devices.candidates import Candidate
from udev_device_plugin.devices.identity import order_of
from udev_device_plugin.selectors.kind import SelectorKind

QUIET = 1.0
"""Seconds without a change after which a USB device with an open number of nodes counts as complete."""


class UsbDeviceGroup:
    """A group of whole USB devices.

    Args:
        index: which of the spec's groups it is.
        selector: what selects its nodes.
        found: those that are there.
        previous: the resource as it was assembled last.
        now: monotonic seconds.
    """

    def __init__(
        self, index: int, selector: SelectorKind, found: Iterable[Candidate], previous: AssembledResource, now: float
    ) -> None:
        self._index = index
        self._selector = selector
        self._previous = previous
        self._now = now
        known = {device.identity[0]: device for device in previous.devices if device.group == index}
        by_usb_device: defaultdict[str, defaultdict[str, list[Candidate]]] = defaultdict(lambda: defaultdict(list))
        for node in found:
            by_usb_device[node.usb_device][node.usb_device_path].append(node)
        self._seen = {
            usb_device: self._counted(usb_device, by_path.values(), known.get(usb_device))
            for usb_device, by_path in by_usb_device.items()
        }

    def renewed(self, device: AssembledDevice) -> AssembledDevice:
        """Return a known device with the nodes that it has now, if they are all there, else with those that it had."""
        seen = self._seen.get(device.identity[0])
        if seen is None:
            return replace(device, is_healthy=False)
        here = {node.identity: node for node in seen.members if node is not None}
        before = tuple(here.get(node.identity, node) for node in device.members if node is not None)
        members = seen.members if seen.is_healthy else before
        return replace(device, members=members, is_healthy=seen.is_healthy, needs=seen.needs)

    def assembled(self, known: Iterable[AssembledDevice]) -> tuple[list[AssembledDevice], list[SettlingUsbDevice]]:
        """Return the USB devices that are not known and complete for long enough, and those that are so soon."""
        identities = {device.identity for device in known}
        new, settling = [], []
        for seen in self._seen.values():
            if seen.identity in identities or not seen.is_healthy:
                continue
            if self._selector.is_open_ended and not self._previous.is_first:
                one = self._settling(seen)
                if self._now < one.until:
                    settling.append(one)
                    continue
            new.append(seen)
        return new, settling

    def _settling(self, seen: AssembledDevice) -> SettlingUsbDevice:
        """Return until when the USB device has to wait: as before, if its nodes are the same as before."""
        nodes = frozenset(node.node for node in seen.members if node is not None)
        for earlier in self._previous.settling:
            if (earlier.group, earlier.usb_device, earlier.nodes) == (self._index, seen.identity[0], nodes):
                return earlier
        return SettlingUsbDevice(self._index, seen.identity[0], nodes, self._now + QUIET)

    def _counted(
        self, usb_device: str, several: Iterable[Collection[Candidate]], known: AssembledDevice | None
    ) -> AssembledDevice:
        """Return a USB device with the nodes that count, in the order in which a container gets them.

        It needs as many as are configured, or more if more were seen; one that is known needs those that it had:
        another one is another line, which its pod did not ask for.
        """
        members = [node for node in known.members if node is not None] if known is not None else []
        before = {node.node for node in members}
        # One that comes at the other side of a socket may be there for a moment before the former one is gone.
        nodes = max(several, key=lambda nodes: sum(node.node in before for node in nodes))
        here, least = Counter(node.subsystem for node in nodes), dict(self._selector.nodes)
        if self._selector.is_open_ended:
            most = dict(known.needs) if known is not None else {}
            least = {name: max(number, most.get(name, 0), here[name]) for name, number in least.items()}
        kept = {node.identity for node in members}
        counting: list[Candidate] = []
        for subsystem, number in least.items():
            of_subsystem = sorted((node for node in nodes if node.subsystem == subsystem), key=_place)
            of_subsystem.sort(key=lambda node: node.identity not in kept)
            counting += sorted(of_subsystem[:number], key=_place)
        is_complete = not Counter(least) - here and kept <= {node.identity for node in nodes}
        return AssembledDevice(
            (usb_device,), self._index, tuple(counting), is_complete, self._now, needs=tuple(least.items())
        )


def _place(node: Candidate) -> tuple[object, ...]:
    """Where in its USB device a node is: by interface, then by its number among its like, then by kind.

    So of two tuners the nodes of the first come first, and of a sound card the control node. Names are compared as
    people count: ``sd2`` before ``sd10``.
    """
    return *order_of(node.identity.removeprefix(node.usb_device)), node.identity
