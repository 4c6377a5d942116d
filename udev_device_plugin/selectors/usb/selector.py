"""Selects USB devices by vendor, product and serial number, with the nodes that are meant.

Pure. Any thread.
"""

from dataclasses import dataclass
from typing import ClassVar

from udev_device_plugin.selectors.grouping import Grouping, Numbers
from udev_device_plugin.selectors.kind import DeviceRecord, MatchFacts, UsbDeviceRecord
from udev_device_plugin.selectors.mismatch import NearMisses
from udev_device_plugin.selectors.paths.glob import Glob
from udev_device_plugin.selectors.udev_rule.rule import Rule
from udev_device_plugin.selectors.usb.grouping import WholeUsbDevices
from udev_device_plugin.selectors.usb.mismatch import mismatches

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
    nodes: Numbers = ((RAW, 1),)
    is_open_ended: bool = False

    kind: ClassVar[str] = "usb"
    is_literal: ClassVar[bool] = False
    globs: ClassVar[tuple[Glob, ...]] = ()
    rules: ClassVar[tuple[Rule, ...]] = ()
    grouping: ClassVar[Grouping] = WholeUsbDevices()

    def __str__(self) -> str:
        serial = f" with serial number {self.serial}" if self.serial is not None else ""
        return f"usb {self.vendor}:{self.product}{serial}"

    @property
    def record(self) -> str:
        """With its nodes, which its text leaves out."""
        return repr(self)

    @property
    def subsystems(self) -> tuple[str, ...]:
        """Those of the nodes."""
        return tuple(subsystem for subsystem, _ in self.nodes)

    def wants_usb_device(self, usb_device: UsbDeviceRecord) -> bool:
        """Whether a USB device is meant."""
        return (usb_device.vendor, usb_device.product) == (self.vendor, self.product) and self.serial in (
            None,
            usb_device.serial,
        )

    def selects(self, device: DeviceRecord) -> bool:
        """Whether a node is meant."""
        return (
            device.usb_device is not None
            and device.subsystem in self.subsystems
            and self.wants_usb_device(device.usb_device)
        )

    def mismatches(self, facts: MatchFacts) -> tuple[NearMisses, str]:
        """What almost matches, or matches and is not offered."""
        return mismatches(self, facts)
