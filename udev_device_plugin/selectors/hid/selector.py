"""Selects HID interfaces of USB devices, and explains why one is not offered. Pure; any thread."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from udev_device_plugin.selectors.kind import MatchFacts, SelectorKind
from udev_device_plugin.selectors.mismatch import NearMiss, NearMisses, bounded
from udev_device_plugin.selectors.records import DeviceRecord, UsbDeviceRecord

HIDRAW = "hidraw"
"""The subsystem of the node through which programs speak to a HID interface."""


@dataclass(frozen=True, slots=True)
class HidSelector(SelectorKind):
    """Selects HID interfaces, each by its hidraw node.

    Attributes:
        vendor: of the USB device, four lower-case hexadecimal digits.
        product: likewise.
        serial: its exact serial number; None for any or none.
        usage_page: that of one of the interface's top-level collections, four lower-case hexadecimal digits; None for
            any.
    """

    vendor: str
    product: str
    serial: str | None = None
    usage_page: str | None = None

    kind: ClassVar[str] = "hid"
    is_by_usb_device: ClassVar[bool] = True

    def __str__(self) -> str:
        options = {"serial number": self.serial, "usage page": self.usage_page}
        given = [f"{name} {value}" for name, value in options.items() if value is not None]
        return f"hid {self.vendor}:{self.product}" + (f" with {' and '.join(given)}" if given else "")

    @property
    def needs_udev(self) -> bool:
        """Sysfs says all that it asks for."""
        return False

    def wants_usb_device(self, usb_device: UsbDeviceRecord) -> bool:
        """Whether its interfaces may be selected."""
        ids = (usb_device.vendor, usb_device.product)
        return ids == (self.vendor, self.product) and self.serial in (None, usb_device.serial)

    def selects(self, device: DeviceRecord) -> bool:
        """Whether it selects a node."""
        return (
            device.subsystem == HIDRAW
            and device.usb_device is not None
            and self.wants_usb_device(device.usb_device)
            and (self.usage_page is None or self.usage_page in device.usage_pages)
        )

    def mismatches(self, facts: MatchFacts) -> tuple[NearMisses, str]:
        """Return interfaces that match and are not offered, or almost match; and a remark if none matches.

        The closest come first: matches, then USB devices without a hidraw node, another usage page, another serial
        number, another product.
        """
        offered = {match.path for match in facts.offered()}
        ours = [
            (device, device.usb_device)
            for device in facts.devices()
            if device.usb_device is not None and device.usb_device.vendor == self.vendor
        ]
        ranked = [
            self._why_not(facts, device, usb_device)
            for device, usb_device in ours
            if device.subsystem == HIDRAW and device.devnode not in offered
        ]
        ranked += self._without_node(ours)
        ranked.sort(key=lambda one: (one[0], len(one[1].name), one[1].name))
        remark = "no HID interface matches" if ranked else f"no HID interface of the vendor {self.vendor} is plugged"
        return bounded(miss for _, miss in ranked), "" if ranked and not ranked[0][0] else remark

    def _why_not(self, facts: MatchFacts, device: DeviceRecord, usb_device: UsbDeviceRecord) -> tuple[int, NearMiss]:
        """Return how far a hidraw node of this vendor is from being offered, and why it is not."""
        if self.selects(device):
            return 0, NearMiss(device.devnode, facts.why_not(device.devnode))
        if usb_device.product != self.product:
            return 4, NearMiss(device.devnode, f"product is {usb_device.product}, wanted {self.product}")
        if not self.wants_usb_device(usb_device):
            return 3, NearMiss(device.devnode, f"serial is {usb_device.serial or 'missing'}, wanted {self.serial}")
        pages = " and ".join(sorted(device.usage_pages)) or "missing"
        return 2, NearMiss(device.devnode, f"usage page is {pages}, wanted {self.usage_page}")

    def _without_node(self, ours: Iterable[tuple[DeviceRecord, UsbDeviceRecord]]) -> Iterator[tuple[int, NearMiss]]:
        """The USB devices that may be meant and have no hidraw node at all."""
        wanted = {usb_device for _, usb_device in ours if self.wants_usb_device(usb_device)}
        for usb_device in wanted - {usb_device for device, usb_device in ours if device.subsystem == HIDRAW}:
            name = f"{usb_device.sys_path.rpartition('/')[2]} ({usb_device.vendor}:{usb_device.product})"
            yield 1, NearMiss(name, "it has no hidraw node: no HID interface, or none with a driver of HID's")
