"""Entries of a group's ``usb``. Pure."""

import re
from collections.abc import Sequence as Listing
from dataclasses import replace

from udev_device_plugin.config.entries.options import options_of, read_options
from udev_device_plugin.config.entries.usb_ids import read_aliases, read_ids, read_serial
from udev_device_plugin.config.faults import quoted
from udev_device_plugin.config.scalars import ScalarError, parse_path
from udev_device_plugin.config.specs import PathSpec
from udev_device_plugin.config.yaml_nodes import Kind, Mapping, Node, Reader, Scalar, Sequence
from udev_device_plugin.selectors.kind import Numbers
from udev_device_plugin.selectors.usb.selector import RAW, UsbSelector

USB_DEVICE_KEYS = ("vendor", "product", "serial", "aliases")
USB_KEYS = (*USB_DEVICE_KEYS, "nodes", "bus", "mountPath", "permissions")
MAX_NODES = 256
"""Nodes of one subsystem of one USB device: far more than any device has."""
SUBSYSTEM = "[a-z0-9][a-z0-9_-]{0,63}"


def read_usb(node: Node, reader: Reader) -> PathSpec | None:
    """Return one USB device; None if its IDs or nodes have a fault."""
    selector = read_usb_device(node, reader, USB_KEYS)
    options = options_of(node)
    nodes, is_open_ended = _read_nodes(options.get("nodes"), reader)
    with_options = read_options(node, reader, permissions="rw", parse_mount_path=_parse_directory)
    mounts_bus = _read_bus(options, nodes, reader)
    if selector is None or nodes is None:
        return None
    return with_options(replace(selector, nodes=nodes, is_open_ended=is_open_ended), mounts_bus=mounts_bus)


def read_usb_device(node: Node, reader: Reader, keys: Listing[str] = USB_DEVICE_KEYS) -> UsbSelector | None:
    """Return the USB devices, with every node, of an entry that may have these keys; None if its ids have a fault."""
    entry = reader.mapping(node, keys, "a USB device")
    if entry is None:
        return None
    ids, serial = read_ids(entry, reader), read_serial(entry, reader)
    aliases = read_aliases(entry, ids, reader)
    return None if ids is None else UsbSelector(*ids, serial, nodes=(), aliases=aliases)


def _read_bus(entry: Mapping, nodes: Numbers | None, reader: Reader) -> bool:
    """Return whether the bus is mounted: by default, if the raw node alone is handed over, and under no other path."""
    bus, mount_path = entry.get("bus"), entry.get("mountPath")
    if bus is None:
        return entry.get("nodes") is None and mount_path is None
    is_mounted = reader.truth(bus)
    if is_mounted and mount_path is not None:
        reader.faults.add(
            bus.place, "bus stands beside mountPath, by which libusb finds no device; leave out one of them"
        )
    if is_mounted and nodes is not None and RAW not in dict(nodes):
        reader.faults.add(
            bus.place, f"bus is for the raw node, which nodes does not name; add {RAW} there, or leave bus out"
        )
    return is_mounted


def _parse_directory(text: str) -> str:
    path = parse_path(text)
    if not path.endswith("/"):
        raise ScalarError(f"{quoted(text)} is no directory for the stick's nodes; let it end in /")
    return path


def _parse_subsystem(text: str) -> str:
    if not re.fullmatch(SUBSYSTEM, text):
        raise ScalarError(f"{quoted(text)} is not a subsystem; name one as udevadm info prints it: tty, usbmisc, …")
    return text


def _read_nodes(node: Node | None, reader: Reader) -> tuple[Numbers | None, bool]:
    """Return the number of nodes by subsystem, and whether there may be more; None if a name has a fault."""
    numbers: list[tuple[str | None, int]]
    match node:
        case None:
            return ((RAW, 1),), False
        case Mapping(entries=entries) if entries:
            keys = [Scalar(entry.place, Kind.TEXT, entry.key) for entry in entries]
            numbers = [
                (reader.scalar(key, _parse_subsystem), reader.whole_number(entry.value, MAX_NODES))
                for key, entry in zip(keys, entries, strict=True)
            ]
        case Sequence(items=items) if items:
            names = dict.fromkeys(reader.scalar(item, _parse_subsystem) for item in items)
            numbers = [(name, 1) for name in names]
        case _:
            remedy = "name the subsystems of the nodes, with their numbers, {tty: 4, usbmisc: 1}, or without, [tty]"
            reader.wrong(node, remedy)
            return None, False
    named = tuple((name, number) for name, number in numbers if name is not None)
    return named if len(named) == len(numbers) else None, isinstance(node, Sequence)
