"""The kinds of selectors: the key of a group, and the function that reads its entries.

Pure. A new kind is entered here, with a module in ``entries`` and a package in ``selectors``.
"""

from collections.abc import Callable

from udev_device_plugin.config.entries.hid import read_hid
from udev_device_plugin.config.entries.paths import read_path
from udev_device_plugin.config.entries.udev import read_udev
from udev_device_plugin.config.entries.usb import read_usb
from udev_device_plugin.config.specs import PathSpec
from udev_device_plugin.config.yaml_nodes import Node, Reader

ENTRIES: dict[str, Callable[[Node, Reader], PathSpec | None]] = {
    "paths": read_path,
    "usb": read_usb,
    "hid": read_hid,
    "udev": read_udev,
}
"""A group has entries of one of these kinds."""
