"""Entries of a group's ``hid``. Pure."""

from collections.abc import Sequence
from functools import partial

from udev_device_plugin.config.entries.options import read_options
from udev_device_plugin.config.entries.usb_ids import USB_ID, parse_hexadecimal, read_ids, read_serial
from udev_device_plugin.config.specs import PathSpec
from udev_device_plugin.config.yaml_nodes import Node, Reader
from udev_device_plugin.selectors.hid.selector import HidSelector

HID_INTERFACE_KEYS = ("vendor", "product", "serial", "usagePage")
HID_KEYS = (*HID_INTERFACE_KEYS, "mountPath", "permissions")
USAGE_PAGE = USB_ID
"""A usage page is spelled as a USB id is."""

_parse_usage_page = partial(
    parse_hexadecimal,
    problem="is not a usage page; give up to four hexadecimal digits, as in 8c for bar code scanners",
)


def read_hid(node: Node, reader: Reader) -> PathSpec | None:
    """Return one entry for HID interfaces; None if its ids have a fault."""
    selector = read_hid_interface(node, reader, HID_KEYS)
    with_options = read_options(node, reader, permissions="rw")
    return None if selector is None else with_options(selector)


def read_hid_interface(node: Node, reader: Reader, keys: Sequence[str] = HID_INTERFACE_KEYS) -> HidSelector | None:
    """Return the HID interfaces of an entry that may have these keys; None if their ids have a fault."""
    if (entry := reader.mapping(node, keys, "a HID interface")) is None:
        return None
    ids, serial = read_ids(entry, reader), read_serial(entry, reader)
    usage_page = reader.scalar(entry.get("usagePage"), _parse_usage_page)
    return None if ids is None else HidSelector(*ids, serial, usage_page)
