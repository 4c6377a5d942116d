"""The configured selectors, and what has to be watched and read for them.

Pure, frozen. Any thread.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from udev_device_plugin.config.specs import ResourceSpec
from udev_device_plugin.host.model import HostDevice, UsbDevice
from udev_device_plugin.selectors.kind import SelectorKind
from udev_device_plugin.selectors.paths.glob import Glob, Matching, matching
from udev_device_plugin.selectors.udev_rule.rule import Rule


@dataclass(frozen=True)
class Interest:
    """What is configured.

    Attributes:
        selectors: of all resources.
        number: grows with each reload: identifies the configuration that a look was made for.
    """

    selectors: frozenset[SelectorKind]
    number: int = 0

    @classmethod
    def of(cls, specs: Iterable[ResourceSpec], number: int = 0) -> "Interest":
        """Return the interest of these specs."""
        return cls(frozenset[SelectorKind]().union(*(spec.selectors for spec in specs)), number)

    @cached_property
    def globs(self) -> frozenset[Glob]:
        """Of the paths that selectors match."""
        return frozenset(glob for selector in self.selectors for glob in selector.globs)

    @cached_property
    def rules(self) -> frozenset[Rule]:
        """The udev rules of selectors."""
        return frozenset(rule for selector in self.selectors for rule in selector.rules)

    def rules_for(self, subsystem: str) -> tuple[Rule, ...]:
        """Return the rules that a device of this subsystem can match."""
        return tuple(rule for rule, names in self._rules_with_subsystems if names is None or subsystem in names)

    @cached_property
    def _rules_with_subsystems(self) -> tuple[tuple[Rule, frozenset[str] | None], ...]:
        return tuple((rule, rule.subsystems) for rule in self.rules)

    def wants_usb_device(self, usb_device: UsbDevice | None) -> bool:
        """Whether the nodes of a USB device have to be described in full."""
        return usb_device is not None and any(selector.wants_usb_device(usb_device) for selector in self.selectors)

    def selects(self, device: HostDevice) -> bool:
        """Whether a selector matches a device, described for this interest, other than by a path."""
        return any(selector.selects(device) for selector in self.selectors)

    def is_named(self, names: Iterable[str]) -> bool:
        """Whether a glob matches one of these paths."""
        return any(map(self._matching, names))

    @cached_property
    def _matching(self) -> Matching:
        return matching(self.globs)
