"""What the configuration asks about udev's devices: all that ``discovery`` needs to know of it.

Floor 2: pure. Made on the main loop, used on the udev thread; frozen.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from udev_device_plugin.config.specs import DeviceSelector, ResourceSpec, Selector
from udev_device_plugin.globs import Glob
from udev_device_plugin.rules import Rule
from udev_device_plugin.usb import UsbSelector


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
        return cls(frozenset(selector for spec in specs for selector in spec.selectors), number)

    @cached_property
    def globs(self) -> tuple[Glob, ...]:
        """What is asked of paths."""
        return tuple(selector for selector in self.selectors if isinstance(selector, Glob))

    @cached_property
    def rules(self) -> tuple[tuple[str, Rule], ...]:
        """The udev rules, each with its text."""
        return tuple((str(selector), selector) for selector in self.selectors if isinstance(selector, Rule))

    @cached_property
    def sticks(self) -> tuple[UsbSelector, ...]:
        """The sticks."""
        return tuple(selector for selector in self.selectors if isinstance(selector, UsbSelector))

    @cached_property
    def of_devices(self) -> tuple[DeviceSelector, ...]:
        """What is asked of udev's devices."""
        return tuple(selector for selector in self.selectors if not isinstance(selector, Glob))

    def is_named(self, names: Iterable[str]) -> bool:
        """Whether a glob matches one of these paths."""
        return any(glob.matches(name) for name in names for glob in self.globs)
