"""Entries of a group's ``usb``.

Pure. A fault is noted and reading goes on.
"""

import re

from udev_device_plugin.config.entries.values import parsed, written
from udev_device_plugin.config.faults import quoted
from udev_device_plugin.config.scalars import ScalarError, parse_path, parse_permissions
from udev_device_plugin.config.specs import PathSpec
from udev_device_plugin.config.yaml_nodes import Entry, Mapping, Node, Reader, Sequence
from udev_device_plugin.selectors.usb.selector import RAW, UsbSelector

USB_KEYS = ("vendor", "product", "serial", "nodes", "mountPath", "permissions")
MAX_NODES = 256
"""Of one subsystem of one USB device: far more than any has."""

MAX_SERIAL = 126
"""Characters of a USB string descriptor."""

SUBSYSTEM = "[a-z0-9][a-z0-9_-]{0,63}"
"""The name of a subsystem."""

USB_ID = "(?:0[xX])?[0-9a-fA-F]{1,4}"
"""A vendor's or a product's number."""

_USB_PERMISSIONS = "rw"


def read_usb(node: Node, reader: Reader) -> PathSpec | None:
    """An entry of ``usb``: a USB device."""
    entry = reader.mapping(node, USB_KEYS, "a USB device")
    if entry is None:
        return None
    vendor, product = (_usb_id(entry, key, reader) for key in ("vendor", "product"))
    serial = written(entry, "serial", parse_serial, reader)
    nodes, is_open_ended = _nodes(entry.get("nodes"), reader)
    mount_path = written(entry, "mountPath", parse_directory, reader)
    permissions = written(entry, "permissions", parse_permissions, reader) or _USB_PERMISSIONS
    if vendor is None or product is None or nodes is None:
        return None
    return PathSpec(UsbSelector(vendor, product, serial, nodes, is_open_ended), mount_path, permissions=permissions)


def parse_usb_id(text: str) -> str:
    """Read a vendor or product id: up to four hexadecimal digits, as ``lsusb`` prints them."""
    if not re.fullmatch(USB_ID, text):
        raise ScalarError(f"{quoted(text)} is not a USB id; give up to four hexadecimal digits, as lsusb prints them")
    return text.lower().removeprefix("0x").zfill(4)


def parse_serial(text: str) -> str:
    """Read a serial number: exactly what the hardware tells."""
    if not text or len(text) > MAX_SERIAL:
        problem = f"has {len(text)} characters; give 1 to {MAX_SERIAL}, or leave serial out for any"
        raise ScalarError(f"{quoted(text)} {problem}")
    return text


def parse_directory(text: str) -> str:
    """Read a directory of the container's: the nodes keep their names in it."""
    path = parse_path(text)
    if not path.endswith("/"):
        raise ScalarError(f"{quoted(text)} is no directory for the stick's nodes; let it end in /")
    return path


def parse_subsystem(text: str) -> str:
    """Read the name of a subsystem, as udev has it."""
    if not re.fullmatch(SUBSYSTEM, text):
        raise ScalarError(f"{quoted(text)} is not a subsystem; name one as udevadm info prints it: tty, usbmisc, …")
    return text


def _usb_id(entry: Mapping, key: str, reader: Reader) -> str | None:
    if entry.get(key) is None:
        reader.faults.add(entry.place, f"it has no {key}; give the id that lsusb prints")
    return written(entry, key, parse_usb_id, reader)


def _nodes(node: Node | None, reader: Reader) -> tuple[tuple[tuple[str, int], ...] | None, bool]:
    """How many nodes of which subsystem, and whether there may be more; None if that could not be read."""
    match node:
        case None:
            return ((RAW, 1),), False
        case Mapping(entries=entries) if entries:
            numbers = [(_named(entry, reader), reader.whole_number(entry.value, MAX_NODES)) for entry in entries]
            return _without_gaps(numbers), False
        case Sequence(items=items) if items:
            names = dict.fromkeys(parsed(item, parse_subsystem, reader) for item in items)
            return _without_gaps([(name, 1) for name in names]), True
    reader.wrong(node, "name the subsystems of the nodes, with their numbers, {tty: 4, usbmisc: 1}, or without, [tty]")
    return None, False


def _named(entry: Entry, reader: Reader) -> str | None:
    try:
        return parse_subsystem(entry.key)
    except ScalarError as error:
        reader.faults.add(entry.place, str(error))
        return None


def _without_gaps(numbers: list[tuple[str | None, int]]) -> tuple[tuple[str, int], ...] | None:
    """The numbers, if no name was lost to a fault."""
    named = tuple((name, number) for name, number in numbers if name is not None)
    return named if len(named) == len(numbers) else None
