"""Selects USB devices, and explains why one that is plugged is not offered. Pure; any thread."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import ClassVar

from udev_device_plugin.selectors.kind import MatchFacts, Numbers
from udev_device_plugin.selectors.mismatch import NearMiss
from udev_device_plugin.selectors.of_usb_devices import OfUsbDevices, Ranked, name_of
from udev_device_plugin.selectors.records import DeviceRecord, UsbDeviceRecord

RAW = "usb"
"""The subsystem of a USB device's raw node, ``/dev/bus/usb/BBB/DDD``."""


@dataclass(frozen=True, slots=True)
class UsbSelector(OfUsbDevices):
    """Selects USB devices, each with some of its nodes.

    Attributes:
        nodes: how many nodes of which subsystem make it complete, in the order in which a container gets them; empty:
            every node of it is selected, which is what excluding it means.
        is_open_ended: whether ``nodes`` are minimums: further nodes of these subsystems belong to it too.
        aliases: further pairs of vendor and product under which the same thing shows itself, before its firmware is
            loaded, or in its bootloader. With them, what is in a socket is one device.
    """

    nodes: Numbers = ((RAW, 1),)
    is_open_ended: bool = False
    aliases: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    kind: ClassVar[str] = "usb"
    noun: ClassVar[str] = "USB device"

    @property
    def record(self) -> str:
        """With its nodes, which ``str()`` leaves out."""
        return repr(self) + (f" or {self.aliases}" if self.aliases else "")

    @property
    def names_physical_port(self) -> str:
        """Its own pair of vendor and product, if it has aliases."""
        return f"{self.vendor}:{self.product}" if self.aliases else ""

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """With the aliases."""
        return (self.vendor, self.product), *self.aliases

    def selects(self, device: DeviceRecord) -> bool:
        """Whether it selects a node."""
        return (
            device.usb_device is not None
            and (not self.nodes or device.subsystem in dict(self.nodes))
            and self.wants_usb_device(device.usb_device)
        )

    def ranked(self, facts: MatchFacts) -> Ranked:
        """USB devices with nodes missing, then another serial number, then another product."""
        offered = {match.usb_device_path for match in facts.offered()}
        usb_devices: dict[UsbDeviceRecord, list[DeviceRecord]] = {}
        for device in facts.devices():
            if (one := device.usb_device) is not None and one.sys_path not in offered and self.is_of_vendor(one):
                usb_devices.setdefault(one, []).append(device)
        for usb_device, devices in usb_devices.items():
            rank, why = self.misfit(usb_device) or (0, self._what_is_missing(facts, usb_device, devices))
            yield rank, NearMiss(name_of(usb_device), why)

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
