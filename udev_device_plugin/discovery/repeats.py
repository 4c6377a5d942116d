"""Remembers in brief what events told of devices that nobody asks for, so that their like can be passed over.

Floor 4, on the udev thread. Most events of a host repeat themselves: a battery, a disk's ``change``. The rest of the
program knows of such a device its node, its number and its links; an event that says the same again says nothing.
"""

import pyudev

from udev_device_plugin.device import HostDevice
from udev_device_plugin.interest import Interest

MAX_REMEMBERED = 10_000
"""Devices that are remembered at a time."""

_Brief = tuple[str, int, str | None]
"""Node, number, and links as one text."""


class Repeats:
    """What was told last of devices that nobody asks for."""

    def __init__(self) -> None:
        self._briefs: dict[str, _Brief] = {}
        self._certain: set[str] = set()

    def clear(self) -> None:
        """Somebody doubts what was told: let everything be told once more."""
        self._briefs.clear()
        self._certain.clear()

    def forget(self, sys_path: str) -> None:
        """A device is gone, or somebody asks for it."""
        self._briefs.pop(sys_path, None)
        self._certain.discard(sys_path)

    def is_certain(self, device: pyudev.Device, sys_path: str, devnode: str) -> bool:
        """Whether an event repeats what was told, and nobody could ask for such a device, whatever it has become."""
        return sys_path in self._certain and self._briefs.get(sys_path) == _brief(device, devnode)

    def is_new(self, device: pyudev.Device, described: HostDevice, interest: Interest) -> bool:
        """Whether an event says anything new of a device, which was described anew; that is what was told then."""
        sys_path = described.sys_path
        before = self._briefs.get(sys_path)
        self.forget(sys_path)
        if not described.is_initialized or interest.asks_for(described):
            return True
        if len(self._briefs) >= MAX_REMEMBERED:
            self.clear()
        now = self._briefs[sys_path] = _brief(device, described.devnode)
        if not interest.may_ask_for(described.subsystem, sys_path):
            self._certain.add(sys_path)
        return now != before


def _brief(device: pyudev.Device, devnode: str) -> _Brief:
    return devnode, device.device_number, device.properties.get("DEVLINKS")
