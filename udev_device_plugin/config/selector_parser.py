"""Entries of a group's ``usb`` and ``udev``: nodes to the model.

Floor 1: pure. A fault is noted and reading goes on.
"""

import re
from collections.abc import Callable
from typing import TypeVar

from udev_device_plugin.config.faults import quoted
from udev_device_plugin.config.scalars import ScalarError, parse_path, parse_permissions
from udev_device_plugin.config.specs import PathSpec
from udev_device_plugin.config.yaml_nodes import Entry, Mapping, Node, Reader, Scalar, Sequence
from udev_device_plugin.selectors.udev_rule.parser import RuleError
from udev_device_plugin.selectors.udev_rule.rule import Rule
from udev_device_plugin.selectors.udev_rule.selector import UdevSelector
from udev_device_plugin.selectors.usb.selector import RAW, UsbSelector

USB_KEYS = ("vendor", "product", "serial", "nodes", "mountPath", "permissions")
UDEV_KEYS = ("match", "mountPath", "permissions", "limit", "optional")
MAX_NODES = 256
"""Of one subsystem of one USB device: far more than any has."""

MAX_COUNT = 10_000
"""Of ``count`` and ``limit``: beyond any use, and within what one message to the kubelet can hold."""

MAX_SERIAL = 126
"""Characters of a USB string descriptor."""

SUBSYSTEM = "[a-z0-9][a-z0-9_-]{0,63}"
"""The name of a subsystem."""

USB_ID = "(?:0[xX])?[0-9a-fA-F]{1,4}"
"""A vendor's or a product's number."""

_USB_PERMISSIONS = "rw"

T = TypeVar("T")


def read_usb(node: Node, reader: Reader) -> PathSpec | None:
    """An entry of ``usb``: a USB device."""
    entry = reader.mapping(node, USB_KEYS, "a USB device")
    if entry is None:
        return None
    vendor, product = (_usb_id(entry, key, reader) for key in ("vendor", "product"))
    serial = _written(entry, "serial", parse_serial, reader)
    nodes, is_open_ended = _nodes(entry.get("nodes"), reader)
    mount_path = _written(entry, "mountPath", parse_directory, reader)
    permissions = _written(entry, "permissions", parse_permissions, reader) or _USB_PERMISSIONS
    if vendor is None or product is None or nodes is None:
        return None
    return PathSpec(UsbSelector(vendor, product, serial, nodes, is_open_ended), mount_path, permissions=permissions)


def read_udev(node: Node, reader: Reader) -> PathSpec | None:
    """An entry of ``udev``: a rule, or a mapping with one."""
    if not isinstance(node, Mapping):
        rule = _rule(node, reader)
        return None if rule is None else PathSpec(UdevSelector(rule))
    reader.mapping(node, UDEV_KEYS, "a udev match")
    match = node.get("match")
    if match is None:
        reader.findings.fault(node.place, "it has no match; give the match part of a udev rule")
    rule = None if match is None else _rule(match, reader)
    mount_path = _written(node, "mountPath", parse_path, reader)
    permissions = _written(node, "permissions", parse_permissions, reader) or "mrw"
    limit, optional = reader.whole_number(node.get("limit"), MAX_COUNT), reader.truth(node.get("optional"))
    if rule is None:
        return None
    return PathSpec(UdevSelector(rule), mount_path, permissions=permissions, limit=limit, optional=optional)


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
        reader.findings.fault(entry.place, f"it has no {key}; give the id that lsusb prints")
    return _written(entry, key, parse_usb_id, reader)


def _nodes(node: Node | None, reader: Reader) -> tuple[tuple[tuple[str, int], ...] | None, bool]:
    """How many nodes of which subsystem, and whether there may be more; None if that could not be read."""
    match node:
        case None:
            return ((RAW, 1),), False
        case Mapping(entries=entries) if entries:
            numbers = [(_named(entry, reader), reader.whole_number(entry.value, MAX_NODES)) for entry in entries]
            return _without_gaps(numbers), False
        case Sequence(items=items) if items:
            names = dict.fromkeys(_parsed(item, parse_subsystem, reader) for item in items)
            return _without_gaps([(name, 1) for name in names]), True
    reader.wrong(node, "name the subsystems of the nodes, with their numbers, {tty: 4, usbmisc: 1}, or without, [tty]")
    return None, False


def _named(entry: Entry, reader: Reader) -> str | None:
    try:
        return parse_subsystem(entry.key)
    except ScalarError as error:
        reader.findings.fault(entry.place, str(error))
        return None


def _without_gaps(numbers: list[tuple[str | None, int]]) -> tuple[tuple[str, int], ...] | None:
    """The numbers, if no name was lost to a fault."""
    named = tuple((name, number) for name, number in numbers if name is not None)
    return named if len(named) == len(numbers) else None


def _rule(node: Node, reader: Reader) -> Rule | None:
    text = reader.text(node)
    if text is None:
        return None
    try:
        return Rule.parse(text)
    except RuleError as error:
        line = text.count("\n", 0, error.position)
        reader.findings.fault(node.place.at(node.place.line + line), f"{_shown(text, error.position)}: {error.problem}")
        return None


def _shown(rule: str, position: int) -> str:
    """Where in a rule something is wrong, on one line: what comes just before it, and a mark."""
    start = max(rule.rfind("\n", 0, position) + 1, position - 30)
    return f"{quoted(rule[start:position] + '▸' + rule[position : position + 20])}, position {position}"


def _written(entry: Mapping, key: str, parse: Callable[[str], T], reader: Reader) -> T | None:
    """A value as it was written, whatever YAML takes it for: an id of digits alone is no number."""
    node = entry.get(key)
    return None if node is None else _parsed(node, parse, reader)


def _parsed(node: Node, parse: Callable[[str], T], reader: Reader) -> T | None:
    if not isinstance(node, Scalar):
        reader.wrong(node, "a single value is needed")
        return None
    try:
        return parse(node.text)
    except ScalarError as error:
        reader.findings.fault(node.place, str(error))
        return None
