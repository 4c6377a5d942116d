"""USB devices by vendor, product and serial number, and which of their nodes are meant.

Floor 1: pure. Any thread.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from udev_device_plugin.host.model import HostDevice, UsbDevice

RAW = "usb"
"""The subsystem of a USB device's raw node, ``/dev/bus/usb/BBB/DDD``."""


@dataclass(frozen=True, slots=True)
class UsbSelector:
    """USB devices, and the nodes below them that are handed over together.

    Attributes:
        vendor: four lower-case hexadecimal digits.
        product: likewise.
        serial: exactly what the hardware must tell; None: anything, and nothing.
        nodes: how many nodes of which subsystem it takes to be whole, in the order in which they are handed over.
        is_open_ended: further nodes of these subsystems belong to it too: those numbers are the least.
    """

    vendor: str
    product: str
    serial: str | None = None
    nodes: tuple[tuple[str, int], ...] = ((RAW, 1),)
    is_open_ended: bool = False

    @property
    def subsystems(self) -> tuple[str, ...]:
        """Those of the nodes."""
        return tuple(subsystem for subsystem, _ in self.nodes)

    def matches_usb_device(self, usb_device: UsbDevice) -> bool:
        """Whether a USB device is meant."""
        return (usb_device.vendor, usb_device.product) == (self.vendor, self.product) and self.serial in (
            None,
            usb_device.serial,
        )

    def matches(self, device: HostDevice) -> bool:
        """Whether a node is meant."""
        return (
            device.usb_device is not None
            and device.subsystem in self.subsystems
            and self.matches_usb_device(device.usb_device)
        )

    def lacks(self, subsystems: Iterable[str]) -> Counter[str]:
        """How many nodes of which subsystem are missing where there are nodes of these."""
        return Counter(dict(self.nodes)) - Counter(subsystems)

    def __str__(self) -> str:
        serial = f" with serial number {self.serial}" if self.serial is not None else ""
        return f"usb {self.vendor}:{self.product}{serial}"
