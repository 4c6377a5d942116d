"""Selects devices by the match part of a udev rule.

Pure. Any thread.
"""

from dataclasses import dataclass
from typing import ClassVar

from udev_device_plugin.selectors.grouping import Grouping
from udev_device_plugin.selectors.kind import DeviceRecord, MatchFacts, UsbDeviceRecord
from udev_device_plugin.selectors.mismatch import NearMisses
from udev_device_plugin.selectors.paths.glob import Glob
from udev_device_plugin.selectors.paths.pairing import Pairing
from udev_device_plugin.selectors.udev_rule.mismatch import mismatches
from udev_device_plugin.selectors.udev_rule.rule import Rule


@dataclass(frozen=True, slots=True)
class UdevSelector:
    """The devices that match a rule."""

    rule: Rule

    kind: ClassVar[str] = "udev"
    is_literal: ClassVar[bool] = False
    globs: ClassVar[tuple[Glob, ...]] = ()
    grouping: ClassVar[Grouping] = Pairing()

    def __str__(self) -> str:
        return str(self.rule)

    @property
    def record(self) -> str:
        """The rule, however it was written."""
        return str(self.rule)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rule."""
        return (self.rule,)

    def wants_usb_device(self, usb_device: UsbDeviceRecord) -> bool:  # noqa: ARG002 - each device is asked by itself
        """No: the rule is tried on each device by itself."""
        return False

    def selects(self, device: DeviceRecord) -> bool:
        """Whether the rule matched where the device was read."""
        return str(self.rule) in device.rules

    def mismatches(self, facts: MatchFacts) -> tuple[NearMisses, str]:
        """What almost matches, or matches and is not offered."""
        return mismatches(self, facts)
