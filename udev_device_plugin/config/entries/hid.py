"""Entries of a group's ``hid``. Pure."""

import re

from udev_device_plugin.config.entries.usb_ids import USB_ID, read_ids, read_serial
from udev_device_plugin.config.faults import quoted
from udev_device_plugin.config.scalars import ScalarError, parse_path, parse_permissions
from udev_device_plugin.config.specs import PathSpec
from udev_device_plugin.config.yaml_nodes import Mapping, Node, Reader
from udev_device_plugin.selectors.hid.selector import HidSelector

HID_INTERFACE_KEYS = ("vendor", "product", "serial", "usagePage")
HID_KEYS = (*HID_INTERFACE_KEYS, "mountPath", "permissions")
USAGE_PAGE = USB_ID
"""A usage page is spelled as a USB id is."""


def read_hid(node: Node, reader: Reader) -> PathSpec | None:
    """Return one entry for HID interfaces; None if its ids have a fault."""
    entry = reader.mapping(node, HID_KEYS, "a HID interface")
    if entry is None:
        return None
    selector = _read_selector(entry, reader)
    mount_path = reader.scalar(entry.get("mountPath"), parse_path)
    permissions = reader.scalar(entry.get("permissions"), parse_permissions) or "rw"
    return None if selector is None else PathSpec(selector, mount_path, permissions=permissions)


def read_hid_interface(node: Node, reader: Reader) -> HidSelector | None:
    """Return HID interfaces alone, without what a container gets of them; None if their ids have a fault."""
    entry = reader.mapping(node, HID_INTERFACE_KEYS, "a HID interface")
    return None if entry is None else _read_selector(entry, reader)


def _read_selector(entry: Mapping, reader: Reader) -> HidSelector | None:
    ids, serial = read_ids(entry, reader), read_serial(entry, reader)
    usage_page = reader.scalar(entry.get("usagePage"), _parse_usage_page)
    return None if ids is None else HidSelector(*ids, serial, usage_page)


def _parse_usage_page(text: str) -> str:
    if not re.fullmatch(USAGE_PAGE, text):
        problem = "is not a usage page; give up to four hexadecimal digits, as in 8c for bar code scanners"
        raise ScalarError(f"{quoted(text)} {problem}")
    return text.lower().removeprefix("0x").zfill(4)
