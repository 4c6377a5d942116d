"""Reads in sysfs what the port of a USB device is.

Any thread.
"""

from udev_device_plugin.filesystem.small_files import beginning
from udev_device_plugin.host.topology import root_hub

_VERSION = 16
"""Bytes of a root hub's version: `` 2.00`` and a newline."""


def usb_version(sys_path: str) -> str:
    """Return the major version of the bus that a device is on, by its root hub: ``2``, ``3``; "" if it is on none."""
    hub = root_hub(sys_path)
    version = b"" if hub is None else beginning(f"{hub}/version", _VERSION)
    return version.decode("ascii", "replace").strip().partition(".")[0]
