"""What a place in sysfs says by itself: the USB device, the port, and the place without what the kernel counts up.

Pure. Any thread.
"""

import re
from functools import lru_cache

from udev_device_plugin.host.model import HostDevice, UsbDevice

_MAX_CACHED = 1024
"""Places whose port is cached: each look at a device needs it several times, at 10 to 20 µs."""

_USB = re.compile(
    r"(?P<device>(?P<hub>/sys/devices/(?P<controller>.+?)/usb\d+)(?:/\d+-(?P<ports>\d+(?:\.\d+)*)(?=/|$))*)(?=/|$)"
    r"(?:/\d+-[\d.]+:(?P<interface>\d+\.\d+)(?=/|$))?(?P<rest>.*)",
    re.DOTALL,
)
"""A place on a USB bus: root hub ``usb1``, the chain of hubs and the device ``1-2.3``, interface ``1-2.3:1.0``, and
what is in that."""

_PCI = re.compile(r"(?P<function>/sys/devices/.*/[0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])/(?P<rest>.*)")

_COUNTED = re.compile(r"(?<=/)((?:target)?)\d+((?::\d+){2,3})(?=/|$)|\d+|\.[0-9A-F]{4}(?=/|$)")
"""What the kernel counts up in the names below a port: ``ttyUSB0``, ``card1``, HID's ``0003:046D:C52B.0005``, and of
SCSI's addresses the host (``6:0:0:1``: channel, target and unit stay)."""

_DISK = re.compile(r"(sd|hd|vd|xvd)[a-z]+(\d*)")
"""Disks are counted by letters; their partitions have numbers of their own."""


def usb_device_path(sys_path: str) -> str | None:
    """Return the place of the nearest USB device that a device belongs to, or is; None if it is on no USB bus."""
    usb = _USB.fullmatch(sys_path)
    return None if usb is None else usb["device"]


def root_hub(sys_path: str) -> str | None:
    """Return the place of the root hub of the bus that a device is on; None if it is on no USB bus."""
    usb = _USB.fullmatch(sys_path)
    return None if usb is None else usb["hub"]


def below_pci_function(sys_path: str) -> tuple[str, list[str]]:
    """Return the place of a device's PCI function, and the names below it; its own place and none if it has none."""
    pci = _PCI.fullmatch(sys_path)
    return (sys_path, []) if pci is None else (pci["function"], pci["rest"].split("/"))


def port(device: HostDevice) -> str:
    """Return the place of a device as seen from its port: without bus number, device number and counters.

    Several nodes of one interface can share it; they differ by their order. A device on no port keeps its sysfs path,
    which its driver decides.
    """
    return _port(device.sys_path, device.subsystem, device.usb_device.usb_version if device.usb_device else "")


def place_pattern(sys_path: str) -> str:
    """Return a place in sysfs as seen from its port, without counters: siblings have the same."""
    return _port(sys_path, "", "")


@lru_cache(_MAX_CACHED)
def _port(sys_path: str, subsystem: str, usb_version: str) -> str:
    usb = _USB.fullmatch(sys_path)
    if usb is not None and usb["ports"]:
        kind = _uncounted(usb["rest"]).strip("/") or subsystem
        return f"{kind}-{usb['ports']}{_interface(usb)}@{usb['controller']}/usb{usb_version}"
    if (pci := _PCI.fullmatch(sys_path)) is not None:
        return pci["function"] + _uncounted(f"/{pci['rest']}")
    return sys_path


def usb_port(usb_device: UsbDevice) -> str:
    """Return the port that a USB device is plugged into, with the controller; of a root hub, its place in sysfs."""
    return usb_port_at(usb_device.sys_path, usb_device.usb_version)


def usb_port_at(sys_path: str, usb_version: str) -> str:
    """Return the same for a place in sysfs, on a bus of a version."""
    usb = _USB.fullmatch(sys_path)
    return f"{usb['ports']}@{usb['controller']}/usb{usb_version}" if usb is not None and usb["ports"] else sys_path


def interface_and_kind(device: HostDevice) -> str:
    """Return what a node is below its USB device, wherever that is plugged: ``tty:1.0``."""
    usb = _USB.fullmatch(device.sys_path)
    if usb is None or not usb["ports"]:
        return device.subsystem
    return (_uncounted(usb["rest"]).strip("/").replace("/", "-") or device.subsystem) + _interface(usb)


def _interface(usb: re.Match[str]) -> str:
    return f":{usb['interface']}" if usb["interface"] else ""


def _uncounted(rest: str) -> str:
    """Return a place below a port without what the kernel counts up."""
    place, block, disk = rest.partition("/block/")
    names = (_DISK.sub(r"\1\2", name) if _DISK.fullmatch(name) else _COUNTED.sub("", name) for name in disk.split("/"))
    return _COUNTED.sub(r"\1\2", place) + block + "/".join(names)
