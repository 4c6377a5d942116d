"""What changed on the host since somebody looked: nodes, paths, and udev's devices as they were and as they are.

Floor 3, pure. The ``inventory`` fills it in; whoever forms devices anew asks it for whom it has to.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from udev_device_plugin.device import DeviceNumber, HostDevice

MAX_CHANGES = 1024
"""Nodes, paths and devices that are kept in mind, of each; with more, everything counts as changed."""


@dataclass(slots=True)
class Changes:
    """What changed.

    Attributes:
        numbers: nodes that came, went, or of which something else is known.
        paths: names that lead elsewhere now.
        devices: what udev said before, or says now, of nodes that changed.
        is_everything: more than can be told one by one.
    """

    numbers: set[DeviceNumber] = field(default_factory=set)
    paths: set[str] = field(default_factory=set)
    devices: set[HostDevice] = field(default_factory=set)
    is_everything: bool = False

    def note(self, *devices: HostDevice | None, numbers: Iterable[DeviceNumber] = (), path: str | None = None) -> None:
        """Something changed."""
        self.numbers.update(numbers)
        self.devices.update(device for device in devices if device is not None)
        if path is not None:
            self.paths.add(path)
        self._bound()

    def include(self, other: "Changes") -> None:
        """What changed is this and the other."""
        self.is_everything |= other.is_everything
        self.numbers |= other.numbers
        self.paths |= other.paths
        self.devices |= other.devices
        self._bound()

    def _bound(self) -> None:
        if self.is_everything or max(len(self.numbers), len(self.paths), len(self.devices)) > MAX_CHANGES:
            self.is_everything = True
            self.numbers.clear()
            self.paths.clear()
            self.devices.clear()
