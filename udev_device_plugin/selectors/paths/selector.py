"""Selects paths.

Pure. Any thread.
"""

from dataclasses import dataclass
from typing import ClassVar

from udev_device_plugin.selectors.grouping import Grouping
from udev_device_plugin.selectors.kind import DeviceRecord, MatchFacts, UsbDeviceRecord
from udev_device_plugin.selectors.mismatch import NearMisses
from udev_device_plugin.selectors.paths.glob import Glob
from udev_device_plugin.selectors.paths.mismatch import mismatches
from udev_device_plugin.selectors.paths.pairing import Pairing
from udev_device_plugin.selectors.udev_rule.rule import Rule


@dataclass(frozen=True, slots=True)
class PathSelector:
    """What stands at paths; of a glob without metacharacters, at the one path that it names."""

    glob: Glob

    kind: ClassVar[str] = "path"
    rules: ClassVar[tuple[Rule, ...]] = ()
    grouping: ClassVar[Grouping] = Pairing()

    def __str__(self) -> str:
        return self.glob.text

    @property
    def record(self) -> str:
        """The glob as it was written."""
        return self.glob.text

    @property
    def is_literal(self) -> bool:
        """Whether it names one path."""
        return self.glob.is_literal

    @property
    def globs(self) -> tuple[Glob, ...]:
        """The glob."""
        return (self.glob,)

    def wants_usb_device(self, usb_device: UsbDeviceRecord) -> bool:  # noqa: ARG002 - whatever udev says
        """No: it is not asked what stands at a path."""
        return False

    def selects(self, device: DeviceRecord) -> bool:  # noqa: ARG002 - whatever udev says
        """No: it is not asked what stands at a path."""
        return False

    def mismatches(self, facts: MatchFacts) -> tuple[NearMisses, str]:
        """What almost matches, or matches and is not offered."""
        return mismatches(self, facts)
