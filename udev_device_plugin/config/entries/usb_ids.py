"""The ids of a USB device, which entries of several kinds have. Pure."""

import re
from functools import partial

from udev_device_plugin.config.faults import quoted
from udev_device_plugin.config.scalars import ScalarError
from udev_device_plugin.config.yaml_nodes import Mapping, Reader

MAX_SERIAL = 126
"""Characters of a USB string descriptor."""
PAIR_KEYS = ("vendor", "product")
USB_ID = "(?:0[xX])?[0-9a-fA-F]{1,4}"
"""A vendor or product ID."""


def read_ids(entry: Mapping, reader: Reader) -> tuple[str, str] | None:
    """Return vendor and product; None if one is missing or has a fault."""
    vendor, product = (
        reader.scalar(reader.required(entry, key, "give the id that lsusb prints"), _parse_id) for key in PAIR_KEYS
    )
    return None if vendor is None or product is None else (vendor, product)


def read_aliases(entry: Mapping, ids: tuple[str, str] | None, reader: Reader) -> tuple[tuple[str, str], ...]:
    """Return the further pairs of vendor and product of an entry that has ``ids``."""
    if (node := entry.get("aliases")) is None:
        return ()
    if entry.get("serial") is not None:
        problem = "aliases stands beside serial; a bootloader has another serial number or none: leave one of them out"
        reader.faults.add(node.place, problem)
    pairs: list[tuple[str, str]] = []
    for item in reader.items(node, entry, "aliases"):
        alias = reader.mapping(item, PAIR_KEYS, "another id")
        pair = None if alias is None else read_ids(alias, reader)
        if pair is None:
            continue
        if pair == ids or pair in pairs:
            reader.faults.add(item.place, f"{':'.join(pair)} is named already; leave it out")
        pairs.append(pair)
    return tuple(pairs)


def read_serial(entry: Mapping, reader: Reader) -> str | None:
    """Return the serial number; None if there is none, or if it has a fault."""
    return reader.scalar(entry.get("serial"), _parse_serial)


def parse_hexadecimal(text: str, problem: str) -> str:
    """Return four lower-case digits; a text that has no such form is refused with ``problem``."""
    if not re.fullmatch(USB_ID, text):
        raise ScalarError(f"{quoted(text)} {problem}")
    return text.lower().removeprefix("0x").zfill(4)


_parse_id = partial(
    parse_hexadecimal, problem="is not a USB id; give up to four hexadecimal digits, as lsusb prints them"
)


def _parse_serial(text: str) -> str:
    if not text or len(text) > MAX_SERIAL:
        problem = f"has {len(text)} characters; give 1 to {MAX_SERIAL}, or leave serial out for any"
        raise ScalarError(f"{quoted(text)} {problem}")
    return text
