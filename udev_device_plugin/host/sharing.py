"""Which nodes share something that decides what they are: a claimed link, a USB serial number, a place.

Pure. Used by the host thread, to look again at all whom a change may concern, and by the inventory.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterator

from udev_device_plugin.host.model import DeviceNumber, HostDevice, UsbDevice
from udev_device_plugin.host.topology import port


class Sharing:
    """An index of nodes by what they may share with others."""

    def __init__(self) -> None:
        self._numbers: defaultdict[Hashable, set[DeviceNumber]] = defaultdict(set)

    def add(self, device: HostDevice) -> None:
        """Enter a node."""
        for key in _keys(device):
            self._numbers[key].add(device.number)

    def discard(self, device: HostDevice) -> None:
        """Take a node out, by the description with which it was entered."""
        for key in _keys(device):
            self._numbers[key].discard(device.number)
            if not self._numbers[key]:
                del self._numbers[key]

    def sharing_with(self, device: HostDevice) -> set[DeviceNumber]:
        """The nodes that share something with this one, itself included if it was entered."""
        return set[DeviceNumber]().union(*(self._numbers.get(key, ()) for key in _keys(device)))

    def claiming(self, link: str) -> frozenset[DeviceNumber]:
        """The nodes that claim a link."""
        return frozenset(self._numbers.get(link, ()))

    def with_serial_of(self, usb_device: UsbDevice) -> frozenset[DeviceNumber]:
        """The nodes of USB devices with the same vendor, product and serial number."""
        return frozenset(self._numbers.get(_serial(usb_device), ()))


def _keys(device: HostDevice) -> Iterator[Hashable]:
    yield from device.devlinks
    if device.usb_device is not None:
        yield _serial(device.usb_device)
        yield ("place", port(device))


def _serial(usb_device: UsbDevice) -> Hashable:
    return ("serial", usb_device.vendor, usb_device.product, usb_device.serial)
