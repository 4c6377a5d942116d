"""What selectors by USB device have in common. Pure; any thread."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from udev_device_plugin.selectors.kind import MatchFacts, SelectorKind
from udev_device_plugin.selectors.mismatch import NearMiss, NearMisses, bounded
from udev_device_plugin.selectors.records import UsbDeviceRecord

Ranked = Iterator[tuple[int, NearMiss]]
"""What is not offered, with how far it is from that: 0 for what matches."""


@dataclass(frozen=True, slots=True)
class OfUsbDevices(SelectorKind):
    """Selects by a USB device's vendor, product and serial number.

    Attributes:
        vendor: four lower-case hexadecimal digits.
        product: likewise.
        serial: the exact serial number of the hardware; None for any or none.
    """

    vendor: str
    product: str
    serial: str | None = None

    is_by_usb_device: ClassVar[bool] = True
    noun: ClassVar[str]
    """What it selects, for a person."""

    def __str__(self) -> str:
        given = [f"{name} {value}" for name, value in self.options.items() if value is not None]
        pairs = " or ".join(f"{vendor}:{product}" for vendor, product in self.pairs)
        return f"{self.kind} {pairs}" + (f" with {' and '.join(given)}" if given else "")

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Vendor and product of what it selects."""
        return ((self.vendor, self.product),)

    @property
    def options(self) -> Mapping[str, str | None]:
        """What else it asks for, by name; None for whatever it may be."""
        return {"serial number": self.serial}

    def wants_usb_device(self, usb_device: UsbDeviceRecord) -> bool:
        """Whether it selects nodes of a USB device."""
        return (usb_device.vendor, usb_device.product) in self.pairs and self.serial in (None, usb_device.serial)

    def mismatches(self, facts: MatchFacts) -> tuple[NearMisses, str]:
        """Return what matches and is not offered, or almost matches, the closest first; and a remark if none does."""
        ranked = sorted(self.ranked(facts), key=lambda one: (one[0], len(one[1].name), one[1].name))
        vendors = " or ".join(dict.fromkeys(vendor for vendor, _ in self.pairs))
        remark = f"no {self.noun} matches" if ranked else f"no {self.noun} of the vendor {vendors} is plugged"
        return bounded(miss for _, miss in ranked), "" if ranked and not ranked[0][0] else remark

    def ranked(self, facts: MatchFacts) -> Ranked:
        """What is not offered of the vendors that it asks for."""
        raise NotImplementedError

    def is_of_vendor(self, usb_device: UsbDeviceRecord) -> bool:
        """Whether a USB device is of a vendor that it asks for."""
        return any(usb_device.vendor == vendor for vendor, _ in self.pairs)

    def misfit(self, usb_device: UsbDeviceRecord) -> tuple[int, str] | None:
        """Return how far a USB device of such a vendor is from being wanted, and why; None if it is wanted."""
        products = [product for vendor, product in self.pairs if vendor == usb_device.vendor]
        if usb_device.product not in products:
            return 4, f"product is {usb_device.product}, wanted {' or '.join(products)}"
        if not self.wants_usb_device(usb_device):
            return 3, f"serial is {usb_device.serial or 'missing'}, wanted {self.serial}"
        return None


def name_of(usb_device: UsbDeviceRecord) -> str:
    """Return a USB device's port and its ids: what ``lsusb -t`` and ``lsusb`` have in common."""
    return f"{usb_device.sys_path.rpartition('/')[2]} ({usb_device.vendor}:{usb_device.product})"
