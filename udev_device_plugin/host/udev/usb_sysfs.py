"""Reads in sysfs which USB device a device belongs to, and which driver it has.

Any thread. Names and serial numbers are whatever a USB device says: untrusted, any bytes, of any length.
"""

import os
import re

from udev_device_plugin.filesystem.small_files import beginning
from udev_device_plugin.host.model import UsbDevice

MAX_SERIAL = 256
"""Bytes of a serial number; a USB string has at most 126 characters."""

MAX_NAME = 512
"""Bytes of a manufacturer's or product's name: what 126 characters may take, and more."""

_ROOT_HUB = re.compile(r"/sys/devices/.+?/usb\d+(?=/|$)")
_STICK = re.compile(r"/sys/devices/.+?/usb\d+(?:/\d+-\d+(?:\.\d+)*(?=/|$))*")
"""A root hub, and the chain of hubs and USB devices below it; what follows has a colon, ``1-2:1.0``, or another
form."""


def usb_device_of(sys_path: str) -> UsbDevice | None:
    """The nearest USB device that the device at ``sys_path`` belongs to, or is; None if it hangs on no USB bus."""
    path = usb_device_path(sys_path)
    if path is None:
        return None
    vendor, product = _read(f"{path}/idVendor"), _read(f"{path}/idProduct")
    if not vendor or not product:  # it is gone, and its remove event on the way
        return None
    return UsbDevice(
        path,
        vendor.lower(),
        product.lower(),
        _read(f"{path}/serial"),
        usb_version(path),
        manufacturer=_read(f"{path}/manufacturer", MAX_NAME),
        model=_read(f"{path}/product", MAX_NAME),
    )


def driver(sys_path: str) -> str:
    """The driver of a device, or of its nearest ancestor that has one; "" for none."""
    while sys_path.startswith("/sys/devices/"):
        try:
            return os.path.basename(os.readlink(f"{sys_path}/driver"))
        except OSError:
            sys_path = os.path.dirname(sys_path)
    return ""


def usb_device_path(sys_path: str) -> str | None:
    """The place of the nearest USB device that a device belongs to, or is; None if it hangs on no USB bus."""
    match = _STICK.match(sys_path)
    return None if match is None else match[0]


def controller(sys_path: str) -> str:
    """What the bus hangs on that a device hangs on; the device itself if it is on none."""
    hub = _ROOT_HUB.match(sys_path)
    return sys_path if hub is None else os.path.dirname(hub[0])


def usb_version(sys_path: str) -> str:
    """The major version of the bus that a device hangs on, by its root hub: ``2``, ``3``; "" if it is on none."""
    hub = _ROOT_HUB.match(sys_path)
    return "" if hub is None else _read(f"{hub[0]}/version").strip().partition(".")[0]


def _read(path: str, size: int = MAX_SERIAL) -> str:
    """An attribute's text without its newline; "" if there is none."""
    return beginning(path, size).decode("utf-8", "surrogateescape").removesuffix("\n")
