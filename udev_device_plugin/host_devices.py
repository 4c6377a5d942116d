"""Udev's devices with a node, and whom they share what with: numbers, links, ports, serial numbers, selectors.

Floor 3, pure. Runs on the main loop, as the part of the ``inventory`` that udev tells of.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from typing import TypeVar

from udev_device_plugin.config.specs import DeviceSelector
from udev_device_plugin.device import DeviceNumber, HostDevice, Stick
from udev_device_plugin.identity import port
from udev_device_plugin.rules import Rule
from udev_device_plugin.usb import UsbSelector
from udev_device_plugin.values import frozen

K = TypeVar("K")


@frozen
class Touched:
    """For whom something changed.

    Attributes:
        numbers: nodes, by whatever name they are offered.
        selectors: what asked for devices that came, went or are others now.
    """

    numbers: frozenset[DeviceNumber] = frozenset()
    selectors: frozenset[DeviceSelector] = frozenset()

    def __or__(self, other: "Touched") -> "Touched":
        return Touched(self.numbers | other.numbers, self.selectors | other.selectors)


NOBODY = Touched()
"""Nothing changed."""


class HostDevices:
    """Udev's devices, and whom they share what with.

    Args:
        selectors: what is asked of devices.
    """

    def __init__(self, selectors: Collection[DeviceSelector] = ()) -> None:
        self.by_sys_path: dict[str, HostDevice] = {}
        self.by_number: dict[DeviceNumber, HostDevice] = {}
        self.claims: defaultdict[str, set[str]] = defaultdict(set)
        self.sticks: defaultdict[tuple[str, str, str], set[str]] = defaultdict(set)
        self.selected: dict[DeviceSelector, dict[str, HostDevice]] = {selector: {} for selector in selectors}
        self.nodes: Counter[str] = Counter()
        self.changed_nodes: set[str] = set()
        self._rules = {selector: str(selector) for selector in selectors if isinstance(selector, Rule)}
        self._usb = [selector for selector in selectors if isinstance(selector, UsbSelector)]
        self._ports: defaultdict[str, set[str]] = defaultdict(set)

    def put(self, device: HostDevice) -> Touched:
        """Have a device as described; tells for whom that changes something."""
        if self.by_sys_path.get(device.sys_path) == device:
            return NOBODY
        touched = self.drop(device.sys_path)
        other = self.by_number.get(device.number)
        if other is not None:  # its number was given anew, so it is gone, and its remove event is on the way
            touched |= self.drop(other.sys_path)
        self.by_sys_path[device.sys_path] = device
        self.by_number[device.number] = device
        self._ports[port(device)].add(device.sys_path)
        for link in device.devlinks:
            self.claims[link].add(device.sys_path)
        if device.stick is not None:
            self.sticks[serial_key(device.stick)].add(device.sys_path)
        selectors = self._selecting(device)
        for selector in selectors:
            self.selected[selector][device.sys_path] = device
        if selectors:
            self.nodes[device.devnode] += 1
            self.changed_nodes.add(device.devnode)
        come = Touched(self._concerned(device), selectors)
        return come if touched is NOBODY else touched | come

    def drop(self, sys_path: str) -> Touched:
        """Have it no more; tells for whom that changes something."""
        device = self.by_sys_path.pop(sys_path, None)
        if device is None:
            return NOBODY
        del self.by_number[device.number]
        _discard(self._ports, port(device), sys_path)
        for link in device.devlinks:
            _discard(self.claims, link, sys_path)
        if device.stick is not None:
            _discard(self.sticks, serial_key(device.stick), sys_path)
        selectors = self._selecting(device)
        for selector in selectors:
            del self.selected[selector][sys_path]
        if selectors:
            self.nodes[device.devnode] -= 1
            if not self.nodes[device.devnode]:
                del self.nodes[device.devnode]
            self.changed_nodes.add(device.devnode)
        return Touched(self._concerned(device), selectors)

    def _concerned(self, device: HostDevice) -> frozenset[DeviceNumber]:
        """The nodes for which it matters whether a device is there: its own, and those that claim its links."""
        return frozenset((device.number, *self.claimants(device.devlinks)))

    def claimants(self, links: Iterable[str]) -> frozenset[DeviceNumber]:
        """The nodes of all that claim one of these links."""
        return frozenset(self.by_sys_path[sys_path].number for link in links for sys_path in self.claims.get(link, ()))

    def contenders(self, device: HostDevice) -> frozenset[str]:
        """The nodes of all others that claim a link of this device's, its port, or its stick's serial number."""
        others = {sys_path for link in device.devlinks for sys_path in self.claims.get(link, ())}
        others |= self._ports.get(port(device), set())
        if (stick := device.stick) is not None and stick.serial:
            alike = (self.by_sys_path[sys_path] for sys_path in self.sticks.get(serial_key(stick), ()))
            others |= {other.sys_path for other in alike if other.stick and other.stick.sys_path != stick.sys_path}
        return frozenset(self.by_sys_path[sys_path].devnode for sys_path in others - {device.sys_path})

    def ordinal(self, device: HostDevice) -> int:
        """Which of the nodes at its port a device is, in the kernel's order."""
        siblings = sorted(self._ports.get(port(device), ()), key=lambda path: (len(path), path))
        return siblings.index(device.sys_path) if device.sys_path in siblings else 0

    def selectors_of(self, number: DeviceNumber) -> frozenset[DeviceSelector]:
        """What asks for the device with this node."""
        device = self.by_number.get(number)
        return self._selecting(device) if device is not None else frozenset()

    def difference(self, before: "HostDevices") -> Touched:
        """For whom it changes something that these are there in place of those before."""
        changed = {
            device
            for one, other in ((self, before), (before, self))
            for device in one.by_number.values()
            if other.by_number.get(device.number) != device
        }
        links = {
            link
            for link in before.claims.keys() | self.claims.keys()
            if before.claims.get(link) != self.claims.get(link)
        }
        selectors: frozenset[DeviceSelector] = frozenset().union(*map(self._selecting, changed))
        return Touched(frozenset(device.number for device in changed) | self.claimants(links), selectors)

    def _selecting(self, device: HostDevice) -> frozenset[DeviceSelector]:
        """What asks for a device."""
        by_rule = (rule for rule, text in self._rules.items() if text in device.rules) if device.rules else ()
        by_stick = (selector for selector in self._usb if selector.matches(device)) if device.stick else ()
        return frozenset((*by_rule, *by_stick))


def serial_key(stick: Stick) -> tuple[str, str, str]:
    """What two sticks have in common that cannot be told apart but by their ports."""
    return stick.vendor, stick.product, stick.serial


def _discard(index: defaultdict[K, set[str]], key: K, sys_path: str) -> None:
    index[key].discard(sys_path)
    if not index[key]:
        del index[key]
