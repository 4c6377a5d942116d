"""Selects HID interfaces of USB devices, and explains why one is not offered. Pure; any thread."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from udev_device_plugin.selectors.kind import MatchFacts
from udev_device_plugin.selectors.mismatch import NearMiss
from udev_device_plugin.selectors.of_usb_devices import OfUsbDevices, Ranked, name_of
from udev_device_plugin.selectors.records import DeviceRecord, UsbDeviceRecord

HIDRAW = "hidraw"
"""The subsystem of the node through which programs speak to a HID interface."""


@dataclass(frozen=True, slots=True)
class HidSelector(OfUsbDevices):
    """Selects HID interfaces, each by its hidraw node.

    Attributes:
        usage_page: that of one of the interface's top-level collections, four lower-case hexadecimal digits; None for
            any.
    """

    usage_page: str | None = None

    kind: ClassVar[str] = "hid"
    noun: ClassVar[str] = "HID interface"

    @property
    def options(self) -> Mapping[str, str | None]:
        """With the usage page."""
        return {"serial number": self.serial, "usage page": self.usage_page}

    def selects(self, device: DeviceRecord) -> bool:
        """Whether it selects a node."""
        return (
            device.subsystem == HIDRAW
            and device.usb_device is not None
            and self.wants_usb_device(device.usb_device)
            and (self.usage_page is None or self.usage_page in device.usage_pages)
        )

    def ranked(self, facts: MatchFacts) -> Ranked:
        """Matches, USB devices without a hidraw node, then another usage page, serial number, product."""
        offered = {match.path for match in facts.offered()}
        has_node: dict[UsbDeviceRecord, bool] = {}
        for device in facts.devices():
            usb_device = device.usb_device
            if usb_device is None or not self.is_of_vendor(usb_device):
                continue
            is_node = device.subsystem == HIDRAW
            has_node[usb_device] = is_node or has_node.get(usb_device, False)
            if is_node and device.devnode not in offered:
                pages = " and ".join(sorted(device.usage_pages)) or "missing"
                matched = 0, facts.why_not(device.devnode)
                other_page = 2, f"usage page is {pages}, wanted {self.usage_page}"
                rank, why = self.misfit(usb_device) or (matched if self.selects(device) else other_page)
                yield rank, NearMiss(device.devnode, why)
        for usb_device, has_one in has_node.items():
            if not has_one and self.wants_usb_device(usb_device):
                why = "it has no hidraw node: no HID interface, or none with a driver of HID's"
                yield 1, NearMiss(name_of(usb_device), why)
