"""What a spec excludes on this host.

Pure. Event loop only.
"""

from udev_device_plugin.config.specs import ResourceSpec
from udev_device_plugin.host.inventory import Inventory
from udev_device_plugin.host.model import DeviceNumber, PathEntry
from udev_device_plugin.selectors.kind import SelectorKind


class Exclusion:
    """What ``spec`` excludes now: a node by whatever path, and with a selector by USB devices all of a USB device's."""

    def __init__(self, spec: ResourceSpec, inventory: Inventory) -> None:
        self._inventory = inventory
        self._excluded: dict[DeviceNumber | str, SelectorKind] = {}  # numbers, paths, places of USB devices in sysfs
        for selector in spec.exclude:
            for path, entry in inventory.matches(selector).items():
                self._excluded.setdefault(entry.number or path, selector)
                if selector.is_by_usb_device and (usb_device := self._usb_device(entry)):
                    self._excluded.setdefault(usb_device, selector)

    def of(self, entry: PathEntry) -> SelectorKind | None:
        """Return what excludes that which is at a path; None if nothing does."""
        if not self._excluded:
            return None
        keys = (entry.number, entry.path, self._usb_device(entry))
        return next((self._excluded[key] for key in keys if key in self._excluded), None)

    def _usb_device(self, entry: PathEntry) -> str | None:
        device = self._inventory.device_at(entry)
        return None if device is None or device.usb_device is None else device.usb_device.sys_path
