"""Devices as they are sold, as far as their drivers ask: they answer what a probe wants to know, and move no data."""

import struct
from dataclasses import dataclass, field

from tests.vm.machine.descriptors import (
    BULK,
    GET_DESCRIPTOR,
    HID_REPORT,
    IN,
    INTERRUPT,
    ISOCHRONOUS,
    OUT,
    VENDOR_SPECIFIC,
    Class,
    Identity,
    association,
    class_specific,
    configuration,
    endpoint,
    hid,
    interface,
)

HID_CLASS, VIDEO = 0x03, 0x0E
VIDEO_CONTROL: Class = (VIDEO, 1, 0)
VIDEO_STREAMING: Class = (VIDEO, 2, 0)


@dataclass(frozen=True, slots=True)
class SimpleModel:
    """A device that answers each read of its driver with one byte and zeros."""

    identity: Identity
    configuration: bytes
    first_byte: int = 0

    def answer(self, request: int, value: int, index: int, length: int) -> bytes | None:  # noqa: ARG002 - any read
        return bytes([self.first_byte]).ljust(length, b"\0")


def ftdi(serial: str) -> SimpleModel:
    """An FT232R: its by-id link is `usb-FTDI_FT232R_USB_UART_<serial>-if00-port0`."""
    body = interface(0, (VENDOR_SPECIFIC,) * 3, endpoint(1 | IN, BULK), endpoint(2 | OUT, BULK))
    identity = Identity(0x0403, 0x6001, "FTDI", "FT232R USB UART", serial, release=0x0600)
    return SimpleModel(identity, configuration(1, body))


def cp2102(serial: str) -> SimpleModel:
    """A CP2102: `usb-Silicon_Labs_CP2102_USB_to_UART_Bridge_Controller_<serial>-if00-port0`."""
    body = interface(0, (VENDOR_SPECIFIC, 0, 0), endpoint(2 | IN, BULK), endpoint(1 | OUT, BULK))
    identity = Identity(0x10C4, 0xEA60, "Silicon Labs", "CP2102 USB to UART Bridge Controller", serial)
    return SimpleModel(identity, configuration(1, body), first_byte=2)  # its part number: CP2102


def ch340() -> SimpleModel:
    """A CH340: no serial number, so that all of them claim the link `usb-1a86_USB_Serial-if00-port0`."""
    ends = (endpoint(2 | IN, BULK, 32), endpoint(2 | OUT, BULK, 32), endpoint(1 | IN, INTERRUPT, 8, 1))
    body = interface(0, (VENDOR_SPECIFIC, 1, 2), *ends)
    identity = Identity(0x1A86, 0x7523, None, "USB Serial", release=0x0264, kind=(VENDOR_SPECIFIC, 0, 0))
    return SimpleModel(identity, configuration(1, body), first_byte=0x30)  # its version


def modem() -> SimpleModel:
    """A Quectel EC25 without a serial number: four ttys (option) and a cdc-wdm node (qmi_wwan)."""
    ports = [
        interface(0, (VENDOR_SPECIFIC,) * 3, *_bulk(1)),
        *(
            interface(number, (VENDOR_SPECIFIC, 0, 0), _interrupt(8 + number), *_bulk(1 + number))
            for number in (1, 2, 3)
        ),
        interface(4, (VENDOR_SPECIFIC,) * 3, _interrupt(12), *_bulk(5)),
    ]
    identity = Identity(0x2C7C, 0x0125, "Quectel", "EC25-EU", release=0x0318, kind=(0xEF, 2, 1))
    return SimpleModel(identity, configuration(len(ports), b"".join(ports)))


def radio(serial: str) -> SimpleModel:
    """An RTL-SDR, for which no driver is loaded: programs speak to it through libusb."""
    body = interface(0, (VENDOR_SPECIFIC,) * 3, endpoint(1 | IN, BULK))
    return SimpleModel(Identity(0x0BDA, 0x2838, "Realtek", "RTL2838UHIDIR", serial), configuration(1, body))


def accelerator(*, is_loaded: bool) -> SimpleModel:
    """An accelerator that has another id, and speaks USB 3, once its firmware is loaded."""
    body = interface(0, (VENDOR_SPECIFIC,) * 3)
    bare = Identity(0x1A6E, 0x089A, "Global Unichip", "Bootloader")
    loaded = Identity(0x18D1, 0x9302, "Google", "Accelerator", usb=0x0300)
    return SimpleModel(loaded if is_loaded else bare, configuration(1, body))


KEYS = bytes.fromhex("05 01 09 06 a1 01 05 07 19 e0 29 e7 15 00 25 01 75 01 95 08 81 02 c0")
SCANS = bytes.fromhex("05 8c 09 02 a1 01 09 fe 15 00 26 ff 00 75 08 95 08 81 02 c0")
"""Report descriptors, of a keyboard and of a bar code scanner."""


@dataclass(frozen=True, slots=True)
class Scanner:
    """A bar code scanner: a keyboard at its first interface, and what it is at its second."""

    serial: str
    identity: Identity = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "identity", Identity(0x05E0, 0x1200, "Symbol", "Bar Code Scanner", self.serial))

    @property
    def configuration(self) -> bytes:
        reports = enumerate((KEYS, SCANS))
        interfaces = (
            interface(number, (HID_CLASS, 0, 0), endpoint(1 + number | IN, INTERRUPT, 8, 10), extra=hid(report))
            for number, report in reports
        )
        return configuration(2, b"".join(interfaces))

    def answer(self, request: int, value: int, index: int, length: int) -> bytes | None:
        """What usbhid asks when it probes."""
        if (request, value >> 8) == (GET_DESCRIPTOR, HID_REPORT):
            return (KEYS, SCANS)[index]
        return b"\0" * length


@dataclass(frozen=True, slots=True)
class Camera:
    """A UVC camera with one format and one size of picture; uvcvideo makes two nodes of it, the second for metadata."""

    serial: str
    identity: Identity = field(init=False)

    WIDTH, HEIGHT, INTERVAL = 640, 480, 333_333  # pixels; 100 ns
    PICTURE = WIDTH * HEIGHT * 2  # bytes
    GET_INFO, PROBE, COMMIT = 0x86, 1, 2

    def __post_init__(self) -> None:
        identity = Identity(0x046D, 0x0825, None, "HD Webcam", self.serial, release=0x0012, kind=(0xEF, 2, 1))
        object.__setattr__(self, "identity", identity)

    @property
    def configuration(self) -> bytes:
        control = interface(0, VIDEO_CONTROL, extra=self._control())
        stream = interface(1, VIDEO_STREAMING, extra=self._stream())
        running = interface(1, VIDEO_STREAMING, endpoint(1 | IN, ISOCHRONOUS | 4, 512, 1), alternate=1)
        return configuration(2, association(0, 2, (VIDEO, 3, 0)) + control + stream + running)

    def answer(self, request: int, value: int, index: int, length: int) -> bytes | None:
        """What uvcvideo asks when it probes: which controls there are, and how it would send pictures."""
        if request == self.GET_INFO:
            return b"\x03"  # can be read and set
        if index & 0xFF == 1 and value >> 8 in {self.PROBE, self.COMMIT}:
            sizes = (self.PICTURE, 16384)
            return struct.pack("<HBBIHHHHHII", 0, 1, 1, self.INTERVAL, 0, 0, 0, 0, 0, *sizes)[:length]
        return None

    def _control(self) -> bytes:
        eye = class_specific(2, struct.pack("<BHBBHHHB3x", 1, 0x0201, 0, 0, 0, 0, 0, 3))
        output = class_specific(3, struct.pack("<BHBBB", 2, 0x0101, 0, 1, 0))
        length = 13 + len(eye) + len(output)
        return class_specific(1, struct.pack("<HHIBB", 0x0100, length, 48_000_000, 1, 1)) + eye + output

    def _stream(self) -> bytes:
        yuy2 = b"YUY2\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71"
        pixels = class_specific(4, struct.pack("<BB16sBBBBBB", 1, 1, yuy2, 16, 1, 0, 0, 0, 0))
        rates = (self.PICTURE * 8 * 5, self.PICTURE * 8 * 30, self.PICTURE, self.INTERVAL, 1, self.INTERVAL)
        frame = class_specific(5, struct.pack("<BBHHIIIIBI", 1, 0, self.WIDTH, self.HEIGHT, *rates))
        colours = class_specific(0x0D, bytes((1, 1, 4)))
        length = 14 + len(pixels) + len(frame) + len(colours)
        head = class_specific(1, struct.pack("<BHBBBBBBBB", 1, length, 1 | IN, 0, 2, 0, 0, 0, 1, 0))
        return head + pixels + frame + colours


def _bulk(number: int) -> tuple[bytes, bytes]:
    return endpoint(number | IN, BULK), endpoint(number | OUT, BULK)


def _interrupt(number: int) -> bytes:
    return endpoint(number | IN, INTERRUPT, 16, 9)
