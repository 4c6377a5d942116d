"""What every kind of selector answers, and all that it sees of a device.

Pure. Any thread. A new kind is a sub-package of its own beside `paths`, `udev_rule` and `usb`, whose selector answers
this, and an entry in the table of ``config.selector_parser``; nothing else knows which kinds there are.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple, Protocol

from udev_device_plugin.selectors.grouping import Grouping, Match
from udev_device_plugin.selectors.mismatch import NearMiss, NearMisses
from udev_device_plugin.selectors.paths.glob import Glob
from udev_device_plugin.selectors.udev_rule.rule import Rule


class UsbDeviceRecord(Protocol):
    """A USB device as a whole, as selectors see it (`host.model.UsbDevice`)."""

    @property
    def sys_path(self) -> str:
        """Its place in sysfs."""

    @property
    def vendor(self) -> str:
        """``idVendor``, four lower-case hexadecimal digits."""

    @property
    def product(self) -> str:
        """``idProduct``, likewise."""

    @property
    def serial(self) -> str:
        """The serial number that the hardware tells; "" for none."""


class DeviceRecord(Protocol):
    """A device with a node, as selectors see it (`host.model.HostDevice`)."""

    @property
    def sys_path(self) -> str:
        """Its place in sysfs."""

    @property
    def subsystem(self) -> str:
        """The kernel's subsystem, ``tty``."""

    @property
    def devnode(self) -> str:
        """The kernel's name of its node, ``/dev/ttyUSB0``."""

    @property
    def devlinks(self) -> tuple[str, ...]:
        """The links that udev's rules claim for it."""

    @property
    def rules(self) -> frozenset[str]:
        """Those of the selectors' ``rules`` that it matches, as text: they were tried where it was read."""

    @property
    def usb_device(self) -> UsbDeviceRecord | None:
        """The USB device that it belongs to, or is; None for none."""


class LostLink(NamedTuple):
    """A link that a device claims, and that leads to another one."""

    devnode: str
    link: str
    target: str


class MatchFacts(Protocol):
    """What became of one selector's matches on this host (`reporting.list_devices.facts.Facts`)."""

    @property
    def dead_links(self) -> Collection[str]:
        """Configured paths at which a link stands that leads nowhere."""

    def devices(self) -> Iterable[DeviceRecord]:
        """All devices with a node that are known."""

    def is_there(self, path: str) -> bool:
        """Whether something stands at a path that is watched."""

    def lost_links(self) -> Iterable[LostLink]:
        """The links that devices claim, which are in no device of the resource, and that lead to others."""

    def near_misses(self, rule: Rule) -> NearMisses:
        """What comes close to one of the selector's rules."""

    def found(self) -> Collection[Match]:
        """What the selector may have."""

    def offered(self) -> Collection[Match]:
        """What it gives to devices."""

    def not_offered(self) -> list[NearMiss]:
        """What it matches and does not give, and why; what another selector has, as it should be, comes last."""

    def why_not(self, path: str) -> str:
        """Why what stands at a path, or should, is not offered."""


class SelectorKind(Protocol):
    """A selector: what on the host is meant. Hashable; equal to another one that means the same.

    ``str()`` of it is how people know it.
    """

    @property
    def kind(self) -> str:
        """What it asks of, in a word: ``path``, ``usb``, ``udev``."""

    @property
    def record(self) -> str:
        """All that it asks for, as text: devices are known to the next process of the plugin by it, so it stays."""

    @property
    def is_literal(self) -> bool:
        """It names one path, and means whatever stands there."""

    @property
    def globs(self) -> tuple[Glob, ...]:
        """The paths that it means, whatever udev says of what stands there; they are watched."""

    @property
    def rules(self) -> tuple[Rule, ...]:
        """What is to be tried on devices where their attributes can be read; ``DeviceRecord.rules`` has the outcome."""

    @property
    def grouping(self) -> Grouping:
        """How its matches become devices."""

    def wants_usb_device(self, usb_device: UsbDeviceRecord) -> bool:
        """Whether a USB device's nodes have to be described in full."""

    def selects(self, device: DeviceRecord) -> bool:
        """Whether it means a device because of what udev says of it, wherever its node stands."""

    def mismatches(self, facts: MatchFacts) -> tuple[NearMisses, str]:
        """What almost matches, or matches and is not offered, and why; and what to say if there is no match at all."""
