"""Reads in sysfs which nodes there are, and what they and their USB devices are.

Any thread. Names and serial numbers are whatever a USB device says: untrusted, any bytes, of any length.
"""

import os
import re
from collections.abc import Iterable, Iterator

from udev_device_plugin.filesystem.small_files import beginning, raise_if_exhausted
from udev_device_plugin.host.looks import NotLookedError
from udev_device_plugin.host.model import DeviceNumber, Unit, UsbDevice
from udev_device_plugin.host.topology import usb_device_path
from udev_device_plugin.host.usb_ports import physical_port, usb_version

MAX_SERIAL = 4096
"""Bytes of a serial number: sysfs gives no more. A USB string has 126 characters, and 378 bytes, at most; none may be
cut, as two devices can differ in the last one."""

MAX_NAME = 512
"""Bytes of a manufacturer's or product's name: what 126 characters may take, and more."""

_NUMBER = re.compile(r"(\d{1,10}):(\d{1,10})\n?")


def sysfs_path(number: DeviceNumber) -> str:
    """Return the place of the device with this number; "" if no driver has it: a node can be made for any number."""
    directory = f"/sys/dev/{'char' if number.kind == 'c' else 'block'}"
    try:
        return os.path.normpath(os.path.join(directory, os.readlink(f"{directory}/{number.major}:{number.minor}")))
    except OSError as error:
        raise_if_exhausted(error)
        return ""


def latest_sequence() -> int:
    """Return the number of the kernel's latest event (``SEQNUM``); 0 if it cannot be read."""
    text = beginning("/sys/kernel/uevent_seqnum", 32).strip()
    return int(text) if text.isdigit() else 0


def unit_of(number: DeviceNumber) -> Unit:
    """Return the unit that a node belongs to now."""
    return usb_device_path(sysfs_path(number)) or number


def all_units(units: Iterable[Unit], numbers: Iterable[DeviceNumber]) -> Iterator[Unit]:
    """Yield these units, those of all nodes in sysfs, and those of these numbers; some twice.

    Lazy, so that they can be looked at in slices.

    Raises:
        OSError: sysfs is not there.
    """
    yield from list(units)
    kinds = os.listdir("/sys/dev")  # a kernel may have no block devices
    for directory in sorted({"char", "block"}.intersection(kinds)):
        for name in os.listdir(f"/sys/dev/{directory}"):
            major, _, minor = name.partition(":")
            yield unit_of(DeviceNumber("c" if directory == "char" else "b", int(major), int(minor)))
    yield from map(unit_of, list(numbers))


def nodes_below(usb_device: str) -> Iterator[tuple[DeviceNumber, str]]:
    """Yield the nodes of a USB device and their places; those of USB devices behind it are not among them.

    Raises:
        NotLookedError: a directory cannot be read.
    """
    ahead = [usb_device]
    while ahead:
        directory = ahead.pop()
        try:
            entries = list(os.scandir(directory))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise NotLookedError(f"{directory}: {error.strerror}") from error
        for entry in entries:
            if entry.name == "dev" and entry.is_file(follow_symlinks=False):
                if match := _NUMBER.fullmatch(beginning(entry.path, 32).decode("ascii", "replace")):
                    is_block = "/block/" in directory
                    yield DeviceNumber("b" if is_block else "c", int(match[1]), int(match[2])), directory
            elif entry.is_dir(follow_symlinks=False) and entry.name != "power":
                is_behind = directory == usb_device and usb_device_path(entry.path) == entry.path
                ahead += [] if is_behind else [entry.path]


def usb_device_of(sys_path: str) -> UsbDevice | None:
    """Return the nearest USB device that a device belongs to, or is; None if it is on no USB bus."""
    path = usb_device_path(sys_path)
    if path is None:
        return None
    vendor, product = _read(f"{path}/idVendor"), _read(f"{path}/idProduct")
    if not vendor or not product:  # it is gone, and its remove event on the way
        return None
    return UsbDevice(
        path,
        vendor.lower(),
        product.lower(),
        _read(f"{path}/serial"),
        usb_version(path),
        manufacturer=_read(f"{path}/manufacturer", MAX_NAME),
        model=_read(f"{path}/product", MAX_NAME),
        physical_port=physical_port(path),
    )


def driver(sys_path: str) -> str:
    """Return the driver of a device, or of its nearest ancestor that has one; "" for none."""
    while sys_path.startswith("/sys/devices/"):
        try:
            return os.path.basename(os.readlink(f"{sys_path}/driver"))
        except OSError as error:
            raise_if_exhausted(error)
            sys_path = os.path.dirname(sys_path)
    return ""


def numa_node(sys_path: str) -> int | None:
    """Return the NUMA node of the nearest ancestor that has one (-1 where the firmware says nothing)."""
    while sys_path.startswith("/sys/devices/") and not sys_path.startswith("/sys/devices/virtual"):
        text = _read(f"{sys_path}/numa_node")
        if text.isdecimal():
            return int(text)
        sys_path = os.path.dirname(sys_path)
    return None


def _read(path: str, size: int = MAX_SERIAL) -> str:
    """Return an attribute's text without its newline; "" if there is none."""
    return beginning(path, size).decode("utf-8", "surrogateescape").removesuffix("\n")
