"""What a selector of any kind can do, and what it may ask when it explains why something does not match.

Pure. Any thread. A new kind is a sub-package beside `paths`, `usb` and the others, whose selector implements
`SelectorKind`, and an entry in the table of ``config.selector_kinds``; nothing else depends on the kinds.
"""

from collections.abc import Collection, Iterable
from typing import ClassVar, NamedTuple, Protocol

from udev_device_plugin.selectors.mismatch import NearMiss, NearMisses
from udev_device_plugin.selectors.paths.glob import Glob
from udev_device_plugin.selectors.records import DeviceRecord, Match, UsbDeviceRecord
from udev_device_plugin.selectors.udev_rule.rule import Rule

Numbers = tuple[tuple[str, int], ...]
"""How many nodes of which subsystem."""


class LostLink(NamedTuple):
    """A link that a device claims, and that leads to another one."""

    devnode: str
    link: str
    target: str


class MatchFacts(Protocol):
    """What became of one selector's matches on this host (`reporting.list_devices.facts`)."""

    @property
    def dead_links(self) -> Collection[str]:
        """The dangling links among the configured paths."""

    def devices(self) -> Iterable[DeviceRecord]:
        """Return all known devices with a node."""

    def is_there(self, path: str) -> bool:
        """Whether a watched path exists."""

    def lost_links(self) -> Iterable[LostLink]:
        """Return the links claimed by devices that the resource does not offer, where they lead to others."""

    def near_misses(self, rule: Rule) -> NearMisses:
        """Return what comes close to one of the selector's rules."""

    def found(self) -> Collection[Match]:
        """Return what the selector may use."""

    def offered(self) -> Collection[Match]:
        """Return what it gives to devices."""

    def not_offered(self) -> list[NearMiss]:
        """Return what it matches and does not give, and why; matches that another selector has come last."""

    def why_not(self, path: str) -> str:
        """Return why a path, there or not, is not offered."""


class SelectorKind(Protocol):
    """A selector: what a spec selects on the host. Hashable; equal selectors select the same.

    Selectors may inherit the defaults. ``str()`` of a selector is what people read.

    Attributes:
        kind: what it selects by, in a word: ``path``, ``usb``, ``hid``, ``udev``.
        is_by_usb_device: whether a match is known by its USB device and its place in that, and not by itself. Then
            sysfs says all that it asks for; else a link or a property may, which udevd has to be done with.
    """

    kind: ClassVar[str]
    is_by_usb_device: ClassVar[bool] = False

    @property
    def record(self) -> str:
        """The whole selector as text. It must not change: the identity record knows devices by it."""
        return str(self)

    @property
    def names_physical_port(self) -> str:
        """What a USB device is called that it selects and that is known by its socket; "": by what it is itself."""
        return ""

    @property
    def nodes(self) -> Numbers:
        """How many nodes of a USB device make a device; none: each match is one, or goes together with others'."""
        return ()

    @property
    def is_open_ended(self) -> bool:
        """Whether ``nodes`` are minimums: further nodes of these subsystems belong to the device too."""
        return False

    @property
    def is_literal(self) -> bool:
        """Whether it names one path, and selects whatever exists there."""
        return False

    @property
    def globs(self) -> tuple[Glob, ...]:
        """The paths that it selects, whatever udev says about them; they are watched."""
        return ()

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules to try on devices where their attributes can be read; ``DeviceRecord.rules`` has the outcome."""
        return ()

    def wants_usb_device(self, usb_device: UsbDeviceRecord) -> bool:  # noqa: ARG002 - a default
        """Whether a USB device's nodes have to be described in full."""
        return False

    def selects(self, device: DeviceRecord) -> bool:  # noqa: ARG002 - a default
        """Whether it selects a device because of what udev says about it, wherever its node is."""
        return False

    def mismatches(self, facts: MatchFacts) -> tuple[NearMisses, str]:
        """Return what is not offered or almost matches, and why; and a remark if nothing matches."""
