"""The kinds of selectors: their keys, and the functions that read them.

Pure. A new kind is entered here, with a module in ``entries`` and a package in ``selectors``.
"""

from collections.abc import Callable, Mapping

from udev_device_plugin.config.entries.hid import read_hid, read_hid_interface
from udev_device_plugin.config.entries.paths import read_glob, read_path
from udev_device_plugin.config.entries.udev import read_rule, read_udev
from udev_device_plugin.config.entries.usb import read_usb, read_usb_device
from udev_device_plugin.config.specs import PathSpec
from udev_device_plugin.config.yaml_nodes import Node, Reader
from udev_device_plugin.selectors.kind import SelectorKind

ENTRIES: Mapping[str, Callable[[Node, Reader], PathSpec | None]] = {
    "paths": read_path,
    "usb": read_usb,
    "hid": read_hid,
    "udev": read_udev,
}
"""A group has entries of one of these kinds."""

EXCLUSIONS: Mapping[str, Callable[[Node, Reader], SelectorKind | None]] = {
    "path": read_glob,
    "usb": read_usb_device,
    "hid": read_hid_interface,
    "udev": read_rule,
}
"""What a spec excludes is of one of these kinds."""
