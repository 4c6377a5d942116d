"""Udev's devices with a node, and whom they share what with: numbers, links, ports.

Floor 3, pure. Runs on the main loop, as the part of the ``inventory`` that udev tells of.
"""

from collections import defaultdict
from collections.abc import Iterable

from udev_device_plugin.device import DeviceNumber, HostDevice
from udev_device_plugin.identity import port


class HostDevices:
    """Udev's devices, and whom they share what with."""

    def __init__(self) -> None:
        self.by_sys_path: dict[str, HostDevice] = {}
        self.by_number: dict[DeviceNumber, HostDevice] = {}
        self.claims: defaultdict[str, set[str]] = defaultdict(set)
        self._ports: defaultdict[str, set[str]] = defaultdict(set)

    def put(self, device: HostDevice) -> set[DeviceNumber]:
        """Have a device as described; returns the nodes for which that changes something."""
        if self.by_sys_path.get(device.sys_path) == device:
            return set()
        touched = self.drop(device.sys_path)
        other = self.by_number.get(device.number)
        if other is not None:  # its number was given anew, so it is gone, and its remove event is on the way
            touched |= self.drop(other.sys_path)
        self.by_sys_path[device.sys_path] = device
        self.by_number[device.number] = device
        self._ports[port(device)].add(device.sys_path)
        for link in device.devlinks:
            self.claims[link].add(device.sys_path)
        return touched | {device.number} | self.claimants(device.devlinks)

    def drop(self, sys_path: str) -> set[DeviceNumber]:
        """Have it no more; returns the nodes for which that changes something."""
        device = self.by_sys_path.pop(sys_path, None)
        if device is None:
            return set()
        del self.by_number[device.number]
        self._discard(self._ports, port(device), sys_path)
        for link in device.devlinks:
            self._discard(self.claims, link, sys_path)
        return {device.number} | self.claimants(device.devlinks)

    def claimants(self, links: Iterable[str]) -> set[DeviceNumber]:
        """The nodes of all that claim one of these links."""
        return {self.by_sys_path[sys_path].number for link in links for sys_path in self.claims.get(link, ())}

    def ordinal(self, device: HostDevice) -> int:
        """Which of the nodes at its port a device is, in the kernel's order."""
        siblings = sorted(self._ports.get(port(device), ()), key=lambda path: (len(path), path))
        return siblings.index(device.sys_path) if device.sys_path in siblings else 0

    @staticmethod
    def _discard(index: defaultdict[str, set[str]], key: str, sys_path: str) -> None:
        index[key].discard(sys_path)
        if not index[key]:
            del index[key]
