"""What the configuration asks about udev's devices: all that ``discovery`` needs to know of it.

Floor 2: pure. Made on the main loop, used on the udev thread; frozen.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from udev_device_plugin.config.specs import ResourceSpec, Selector
from udev_device_plugin.host.model import HostDevice, UsbDevice
from udev_device_plugin.selectors.paths.glob import Glob
from udev_device_plugin.selectors.paths.glob_index import GlobSet
from udev_device_plugin.selectors.udev_rule.rule import Rule
from udev_device_plugin.selectors.usb.selector import UsbSelector


@dataclass(frozen=True)
class Interest:
    """The selectors of all resources.

    Attributes:
        selectors: each once.
        number: grows with each reload, so that it is known what a description was made for.
    """

    selectors: frozenset[Selector]
    number: int = 0

    @classmethod
    def of(cls, specs: Iterable[ResourceSpec], number: int = 0) -> "Interest":
        """What these specs ask for."""
        paths = [path for spec in specs for group in spec.groups for path in group.paths]
        return cls(frozenset(path.selector for path in paths), number)

    @cached_property
    def globs(self) -> tuple[Glob, ...]:
        """What is asked of paths."""
        return tuple(selector for selector in self.selectors if isinstance(selector, Glob))

    @cached_property
    def rules(self) -> tuple[tuple[str, Rule], ...]:
        """The udev rules, each with its text."""
        return tuple((str(selector), selector) for selector in self.selectors if isinstance(selector, Rule))

    def selects_usb(self, usb_device: UsbDevice | None) -> bool:
        """Whether a USB device is asked for."""
        return usb_device is not None and any(selector.matches_usb_device(usb_device) for selector in self.usb_devices)

    def selects(self, device: HostDevice) -> bool:
        """Whether a device, as described for this, is asked for because of what it is."""
        return bool(device.rules) or any(selector.matches(device) for selector in self.usb_devices)

    def rules_for(self, subsystem: str) -> tuple[tuple[str, Rule], ...]:
        """Those of the rules that a device of this subsystem can match."""
        return self._rules_by_subsystem.get(subsystem, self._rules_for_any)

    @cached_property
    def _rules_for_any(self) -> tuple[tuple[str, Rule], ...]:
        return tuple((text, rule) for text, rule in self.rules if rule.subsystems is None)

    @cached_property
    def _rules_by_subsystem(self) -> dict[str, tuple[tuple[str, Rule], ...]]:
        named = frozenset[str]().union(*(rule.subsystems or () for _, rule in self.rules))
        return {
            name: tuple((text, rule) for text, rule in self.rules if rule.subsystems is None or name in rule.subsystems)
            for name in named
        }

    @cached_property
    def usb_devices(self) -> tuple[UsbSelector, ...]:
        """The USB devices."""
        return tuple(selector for selector in self.selectors if isinstance(selector, UsbSelector))

    def is_named(self, names: Iterable[str]) -> bool:
        """Whether a glob matches one of these paths."""
        return any(map(self._glob_set.matching, names))

    @cached_property
    def _glob_set(self) -> GlobSet:
        return GlobSet(self.globs)
