"""Where a device is plugged: its port, as its place in sysfs shows it, without what the kernel counts up.

Pure. Any thread.
"""

import re
from functools import lru_cache

from udev_device_plugin.host.model import HostDevice, UsbDevice

_MAX_PORTS = 1024
"""Places whose port is remembered: it is asked for several times when a device comes, and when it goes."""

_USB = re.compile(
    r"/sys/devices/(?P<controller>.+?)/usb\d+/(?:\d+-[\d.]+/)*\d+-(?P<ports>[\d.]+)"
    r"(?::(?P<interface>\d+\.\d+))?(?P<rest>(?:/.*)?)"
)
"""A place in sysfs below a USB port: bus ``usb1``, device ``1-2.3``, interface ``1-2.3:1.0``, and what is in that."""

_USB_DEVICE = re.compile(r"/sys/devices/(?P<controller>.+?)/usb\d+/(?:\d+-[\d.]+/)*\d+-(?P<ports>[\d.]+)")
"""A USB device's own place in sysfs."""

_PCI = re.compile(r"(?P<controller>/sys/devices/.*/[0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])(?P<rest>/.*)")
_COUNTED = re.compile(r"(?<=/)((?:target)?)\d+((?::\d+){2,3})(?=/|$)|\d+|\.[0-9A-F]{4}(?=/|$)")
"""What the kernel counts up in the names below a port: ``ttyUSB0``, ``card1``, HID's ``0003:046D:C52B.0005``, and of
SCSI's addresses the host (``6:0:0:1``: channel, target and unit stay)."""

_DISK = re.compile(r"(sd|hd|vd|xvd)[a-z]+(\d*)")
"""Disks are counted by letters; their partitions have numbers of their own."""


def port(device: HostDevice) -> str:
    """The place of a device as seen from its port: no bus number, no device number, nothing that is counted up.

    Several nodes of one interface can share it; they are told apart by their order. Devices that hang on no port keep
    their sysfs path, which their driver decides.
    """
    return _port(device.sys_path, device.subsystem, device.usb_version)


@lru_cache(maxsize=_MAX_PORTS)
def _port(sys_path: str, subsystem: str, usb_version: str) -> str:
    if (usb := _USB.fullmatch(sys_path)) is not None:
        kind = _uncounted(usb["rest"]).strip("/") or subsystem
        interface = f":{usb['interface']}" if usb["interface"] else ""
        return f"{kind}-{usb['ports']}{interface}@{usb['controller']}/usb{usb_version}"
    if (pci := _PCI.fullmatch(sys_path)) is not None:
        return f"{pci['controller']}{_uncounted(pci['rest'])}"
    return sys_path


def place_pattern(sys_path: str) -> str:
    """A place in sysfs as seen from its port, without what the kernel counts up: siblings have the same."""
    return _port(sys_path, "", "")


def _uncounted(rest: str) -> str:
    """A place below a port, without what the kernel counts up."""
    place, block, disk = rest.partition("/block/")
    names = (_DISK.sub(r"\1\2", name) if _DISK.fullmatch(name) else _COUNTED.sub("", name) for name in disk.split("/"))
    return _COUNTED.sub(r"\1\2", place) + block + "/".join(names)


def usb_port(usb_device: UsbDevice) -> str:
    """The port that a USB device is plugged into, with the controller; of a root hub, its place in sysfs."""
    chain = _USB_DEVICE.fullmatch(usb_device.sys_path)
    if chain is None:  # a root hub
        return usb_device.sys_path
    return f"{chain['ports']}@{chain['controller']}/usb{usb_device.usb_version}"


def interface_and_kind(device: HostDevice) -> str:
    """What a node is below its USB device, wherever that is plugged: ``tty:1.0``."""
    usb = _USB.fullmatch(device.sys_path)
    rest = usb["rest"] if usb else ""
    kind = _uncounted(rest).strip("/").replace("/", "-") or device.subsystem
    interface = f":{usb['interface']}" if usb and usb["interface"] else ""
    return f"{kind}{interface}"
