"""Selects USB devices, and explains why one that is plugged is not offered. Pure; any thread."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import ClassVar

from udev_device_plugin.selectors.kind import MatchFacts, Numbers, SelectorKind
from udev_device_plugin.selectors.mismatch import NearMiss, NearMisses, bounded
from udev_device_plugin.selectors.records import DeviceRecord, UsbDeviceRecord

RAW = "usb"
"""The subsystem of a USB device's raw node, ``/dev/bus/usb/BBB/DDD``."""


@dataclass(frozen=True, slots=True)
class UsbSelector(SelectorKind):
    """Selects USB devices, each with some of its nodes.

    Attributes:
        vendor: four lower-case hexadecimal digits.
        product: likewise.
        serial: the exact serial number of the hardware; None for any or none.
        nodes: how many nodes of which subsystem make it complete, in the order in which a container gets them; empty:
            every node of it is selected, which is what excluding it means.
        is_open_ended: whether ``nodes`` are minimums: further nodes of these subsystems belong to it too.
        aliases: further pairs of vendor and product under which the same thing shows itself, before its firmware is
            loaded, or in its bootloader. With them, what is in a socket is one device.
    """

    vendor: str
    product: str
    serial: str | None = None
    nodes: Numbers = ((RAW, 1),)
    is_open_ended: bool = False
    aliases: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    kind: ClassVar[str] = "usb"
    is_by_usb_device: ClassVar[bool] = True

    def __str__(self) -> str:
        serial = f" with serial number {self.serial}" if self.serial is not None else ""
        return f"usb {' or '.join(f'{vendor}:{product}' for vendor, product in self._pairs)}{serial}"

    @property
    def record(self) -> str:
        """With its nodes, which ``str()`` leaves out."""
        return repr(self) + (f" or {self.aliases}" if self.aliases else "")

    @property
    def names_physical_port(self) -> str:
        """Its own pair of vendor and product, if it has aliases."""
        return f"{self.vendor}:{self.product}" if self.aliases else ""

    @property
    def _pairs(self) -> tuple[tuple[str, str], ...]:
        return (self.vendor, self.product), *self.aliases

    @property
    def needs_udev(self) -> bool:
        """Sysfs says all that it asks for."""
        return False

    def wants_usb_device(self, usb_device: UsbDeviceRecord) -> bool:
        """Whether it selects a USB device."""
        return (usb_device.vendor, usb_device.product) in self._pairs and self.serial in (None, usb_device.serial)

    def selects(self, device: DeviceRecord) -> bool:
        """Whether it selects a node."""
        return (
            device.usb_device is not None
            and (not self.nodes or device.subsystem in dict(self.nodes))
            and self.wants_usb_device(device.usb_device)
        )

    def mismatches(self, facts: MatchFacts) -> tuple[NearMisses, str]:
        """Return USB devices that match and are not offered, or almost match; and a remark if none matches.

        The closest come first: those with nodes missing, then another serial number, then another product.
        """
        offered = {match.usb_device_path for match in facts.offered()}
        usb_devices: dict[UsbDeviceRecord, list[DeviceRecord]] = {}
        for device in facts.devices():
            if device.usb_device is not None and device.usb_device.sys_path not in offered:
                usb_devices.setdefault(device.usb_device, []).append(device)
        ranked: list[tuple[int, NearMiss]] = []
        vendors = dict.fromkeys(vendor for vendor, _ in self._pairs)
        for usb_device, devices in usb_devices.items():
            if usb_device.vendor in vendors:
                rank, why = self._why_not(facts, usb_device, devices)
                # The port and the ids: what ``lsusb -t`` and ``lsusb`` have in common.
                name = f"{usb_device.sys_path.rpartition('/')[2]} ({usb_device.vendor}:{usb_device.product})"
                ranked.append((rank, NearMiss(name, why)))
        ranked.sort(key=lambda one: (one[0], len(one[1].name), one[1].name))
        remark = "no USB device matches" if ranked else f"no USB device of the vendor {' or '.join(vendors)} is plugged"
        return bounded(miss for _, miss in ranked), "" if ranked and not ranked[0][0] else remark

    def _why_not(
        self, facts: MatchFacts, usb_device: UsbDeviceRecord, devices: Collection[DeviceRecord]
    ) -> tuple[int, str]:
        """Return how far a USB device of this vendor is from being offered, and why it is not."""
        if self.wants_usb_device(usb_device):
            return 0, self._what_is_missing(facts, usb_device, devices)
        products = [product for vendor, product in self._pairs if vendor == usb_device.vendor]
        if usb_device.product not in products:
            return 2, f"product is {usb_device.product}, wanted {' or '.join(products)}"
        return 1, f"serial is {usb_device.serial or 'missing'}, wanted {self.serial}"

    def _what_is_missing(
        self, facts: MatchFacts, usb_device: UsbDeviceRecord, devices: Collection[DeviceRecord]
    ) -> str:
        """Say which nodes are missing, and why nodes that exist do not count."""
        own = [match for match in facts.found() if match.usb_device_path == usb_device.sys_path]
        here = Counter(match.subsystem for match in own)
        missing = Counter(dict(self.nodes)) - here
        if not missing:
            return "another selector offers the same stick already"
        paths = {match.path for match in own}
        reasons = [
            f"; {device.devnode} {facts.why_not(device.devnode)}"
            for device in sorted(devices, key=lambda device: (len(device.devnode), device.devnode))
            if self.selects(device) and device.devnode not in paths
        ]
        numbers = [f"{name}: {here[name]} of {number}" for name, number in self.nodes if name in missing]
        return f"nodes are missing, {', '.join(numbers)}{''.join(reasons)}"
