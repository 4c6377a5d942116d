"""Sticks by vendor, product and serial number, and which of their nodes are meant.

Floor 1: pure. Any thread.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from udev_device_plugin.host.model import HostDevice, Stick

RAW = "usb"
"""The subsystem of a stick's raw node, ``/dev/bus/usb/BBB/DDD``."""


@dataclass(frozen=True, slots=True)
class UsbSelector:
    """Sticks, and the nodes below them that are handed over together.

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

    def matches_stick(self, stick: Stick) -> bool:
        """Whether a stick is meant."""
        return (stick.vendor, stick.product) == (self.vendor, self.product) and self.serial in (None, stick.serial)

    def matches(self, device: HostDevice) -> bool:
        """Whether a node is meant."""
        return device.stick is not None and device.subsystem in self.subsystems and self.matches_stick(device.stick)

    def lacks(self, subsystems: Iterable[str]) -> Counter[str]:
        """How many nodes of which subsystem are missing where there are nodes of these."""
        return Counter(dict(self.nodes)) - Counter(subsystems)

    def __str__(self) -> str:
        serial = f" with serial number {self.serial}" if self.serial is not None else ""
        return f"usb {self.vendor}:{self.product}{serial}"
