"""Which usage pages a HID interface is of, by its report descriptor: what sort of thing it is.

Any thread. A report descriptor comes from the hardware: any bytes. (Device Class Definition for HID 1.11, 6.2.2.)
"""

import os
from collections.abc import Iterator
from enum import IntEnum

from udev_device_plugin.filesystem.small_files import beginning

MAX_DESCRIPTOR = 4096
"""Bytes: the kernel's limit (``HID_MAX_DESCRIPTOR_SIZE``)."""

_LONG_ITEM = 0xFE
_SIZES = (0, 1, 2, 4)
_EXTENDED = 4
"""Bytes of a usage that has a usage page of its own before it."""


class _Item(IntEnum):
    """Short items, without their sizes. Global ones hold until they are changed, local ones until a main item."""

    USAGE_PAGE = 0x04  # global, as are the next two
    PUSH = 0xA4
    POP = 0xB4
    USAGE = 0x08  # local
    COLLECTION = 0xA0  # main, as are all others
    END_COLLECTION = 0xC0
    INPUT = 0x80
    OUTPUT = 0x90
    FEATURE = 0xB0


def usage_pages(sys_path: str, subsystem: str) -> frozenset[str]:
    """Return the usage pages of a hidraw node, four lower-case hexadecimal digits each; none for another node.

    Args:
        sys_path: its place in sysfs, ``…/0003:046D:C31C.0001/hidraw/hidraw0``: the HID device is above it.
        subsystem: the kernel's.
    """
    if subsystem != "hidraw":
        return frozenset()
    hid_device = os.path.dirname(os.path.dirname(sys_path))
    return pages_of_collections(beginning(f"{hid_device}/report_descriptor", MAX_DESCRIPTOR))


def pages_of_collections(descriptor: bytes) -> frozenset[str]:
    """Return the usage pages of a descriptor's top-level collections, as far as it can be read."""
    found: set[str] = set()
    page, own_page, pushed, depth = 0, None, list[int](), 0
    for item, data in _short_items(descriptor):
        value = int.from_bytes(data, "little")
        match item:
            case _Item.USAGE_PAGE:
                page = value & 0xFFFF  # an item may have four bytes; for the kernel, too, a page has two
            case _Item.PUSH:
                pushed.append(page)
            case _Item.POP:
                page = pushed.pop() if pushed else page
            case _Item.USAGE:
                own_page = value >> 16 if len(data) == _EXTENDED else None
            case _Item.COLLECTION:
                if not depth:
                    found.add(f"{page if own_page is None else own_page:04x}")
                depth, own_page = depth + 1, None
            case _Item.END_COLLECTION:
                depth, own_page = max(0, depth - 1), None
            case _Item.INPUT | _Item.OUTPUT | _Item.FEATURE:
                own_page = None
    return frozenset(found)


def _short_items(descriptor: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield type and tag of each item, and its data; what is cut at the end is left out."""
    position = 0
    while position < len(descriptor):
        prefix = descriptor[position]
        if prefix == _LONG_ITEM:  # reserved for vendors; none is in use
            position += 3 + int.from_bytes(descriptor[position + 1 : position + 2])
            continue
        begin, position = position + 1, position + 1 + _SIZES[prefix & 3]
        if position <= len(descriptor):
            yield prefix & 0xFC, descriptor[begin:position]
