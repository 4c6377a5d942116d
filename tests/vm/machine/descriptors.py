"""What a USB device says of itself, in bytes: chapter 9 of the USB 2.0 specification, little-endian."""

import struct
from dataclasses import dataclass

DEVICE, CONFIGURATION, STRING = 1, 2, 3
INTERFACE, ENDPOINT = 4, 5
ASSOCIATION = 11
HID, HID_REPORT = 0x21, 0x22
CLASS_SPECIFIC_INTERFACE = 0x24

GET_DESCRIPTOR = 6

OUT, IN = 0x00, 0x80
ISOCHRONOUS, BULK, INTERRUPT = 1, 2, 3

VENDOR_SPECIFIC = 0xFF
ENGLISH = struct.pack("<BBH", 4, STRING, 0x0409)  # string 0: the only language

Class = tuple[int, int, int]  # class, subclass, protocol


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a device is. Strings that are None are missing, as in cheap chips."""

    vendor: int
    product: int
    manufacturer: str | None = None
    name: str | None = None
    serial: str | None = None
    release: int = 0x0100
    usb: int = 0x0200  # as in USB 2.0
    kind: Class = (0, 0, 0)  # by default its interfaces say that

    @property
    def strings(self) -> tuple[str | None, ...]:
        """By their numbers; 0 is no text."""
        return (None, self.manufacturer, self.name, self.serial)


def device(identity: Identity) -> bytes:
    """The device as a whole, with one configuration."""
    numbers = [number if text else 0 for number, text in enumerate(identity.strings)]
    ids = (identity.vendor, identity.product, identity.release)
    packet = 64 if identity.usb < 0x0300 else 9  # bytes; of USB 3, 2 to the power of
    return struct.pack("<BBHBBBBHHHBBBB", 18, DEVICE, identity.usb, *identity.kind, packet, *ids, *numbers[1:], 1)


def configuration(interfaces: int, body: bytes) -> bytes:
    """The one configuration: bus-powered, 100 mA."""
    return struct.pack("<BBHBBBBB", 9, CONFIGURATION, 9 + len(body), interfaces, 1, 0, 0x80, 50) + body


def interface(number: int, kind: Class, *endpoints: bytes, alternate: int = 0, extra: bytes = b"") -> bytes:
    """An interface with its endpoints; `extra` is what its class wants to be there."""
    head = struct.pack("<9B", 9, INTERFACE, number, alternate, len(endpoints), *kind, 0)
    return head + extra + b"".join(endpoints)


def endpoint(address: int, transfer: int, size: int = 64, interval: int = 0) -> bytes:
    """An endpoint; its address is its number and IN or OUT."""
    return struct.pack("<BBBBHB", 7, ENDPOINT, address, transfer, size, interval)


def association(first: int, count: int, kind: Class) -> bytes:
    """Interfaces that make up one function."""
    return struct.pack("<8B", 8, ASSOCIATION, first, count, *kind, 0)


def hid(report: bytes) -> bytes:
    """What the class of HID adds to an interface: how long its report descriptor is."""
    return struct.pack("<BBHBBBH", 9, HID, 0x0111, 0, 1, HID_REPORT, len(report))


def class_specific(subtype: int, content: bytes) -> bytes:
    """What a class adds to an interface."""
    return struct.pack("<BBB", 3 + len(content), CLASS_SPECIFIC_INTERFACE, subtype) + content


def string(text: str) -> bytes:
    """A text."""
    encoded = text.encode("utf-16-le")
    return struct.pack("<BB", 2 + len(encoded), STRING) + encoded
