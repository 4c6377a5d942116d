"""Device nodes, host devices, and what is at a path.

Pure, and all frozen. Any thread.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Literal, NamedTuple


class DeviceNumber(NamedTuple):
    """Type, major and minor number of a device node; written as udev does, ``c188:0``."""

    kind: Literal["b", "c"]
    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.kind}{self.major}:{self.minor}"


Unit = str | DeviceNumber
"""What is looked at as a whole: a USB device, as its place in sysfs, or a node that belongs to none, as its number."""


OfferedNodes = frozenset[tuple[DeviceNumber, int]]
"""Nodes, each with its inode, that an earlier process of the plugin has offered."""


@dataclass(frozen=True, slots=True)
class UsbDevice:
    """A USB device as a whole; udev's ``usb_device``.

    Attributes:
        sys_path: its place in sysfs.
        vendor: ``idVendor``, four lower-case hexadecimal digits.
        product: ``idProduct``, likewise.
        serial: the hardware's serial number; "" for none.
        usb_version: of its bus, by the root hub, ``2`` or ``3``; "" if not known. The ports of both versions at one
            controller have the same numbers.
        manufacturer: the hardware's name of it; "" for none.
        model: the hardware's name of the product (sysfs: ``product``); "" for none.
        physical_port: the socket that it is plugged into, by the name of the port of USB 2; "" if not known.
    """

    sys_path: str
    vendor: str
    product: str
    serial: str = ""
    usb_version: str = ""
    manufacturer: str = ""
    model: str = ""
    physical_port: str = ""


@dataclass(frozen=True, slots=True)
class HostDevice:
    """A device with a node, as udev and sysfs describe it.

    Attributes:
        sys_path: its place in sysfs, ``/sys/devices/…``; unique among the devices present.
        subsystem: the kernel's subsystem, ``tty``.
        number: of its node.
        devnode: the kernel's name of its node, ``/dev/ttyUSB0``.
        devlinks: the links that udev's rules claim for it (``DEVLINKS``); several devices may claim one link, which
            leads to one of them.
        links: those of them that led to this node when it was described.
        serial: the hardware's serial number (``ID_SERIAL_SHORT``); "" for none.
        numa_node: of the nearest ancestor that has one; None for none.
        place: its number among its siblings (`host.siblings`), from 0.
        rules: those of the configured udev rules that it matches, as text (``str(rule)``).
        usage_pages: of a HID interface (a hidraw node), four lower-case hexadecimal digits each.
        usb_device: the nearest USB device that it belongs to, or is; None for none.
        driver: of the device, or of the nearest ancestor that has one; "" for none.
        is_wanted: a selector may match it; if not, only place, number, names and USB device are filled in.
    """

    sys_path: str
    subsystem: str
    number: DeviceNumber
    devnode: str
    devlinks: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    serial: str = ""
    numa_node: int | None = None
    place: int = 0
    rules: frozenset[str] = frozenset()
    usage_pages: frozenset[str] = frozenset()
    usb_device: UsbDevice | None = None
    driver: str = ""
    is_wanted: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """All paths that may lead to this device's node, its own first."""
        return (self.devnode, *self.devlinks)


class PathKind(Enum):
    """What is at a path, links followed."""

    NODE = "device node"
    DIRECTORY = "directory"
    FILE = "regular file"
    SOCKET = "socket"
    OTHER = "neither device node, directory, regular file nor socket"


@dataclass(frozen=True, slots=True)
class PathEntry:
    """What is at a path, links followed.

    Attributes:
        path: before links were followed.
        kind: of what is there.
        number: of a device node, else None.
        target: the end of the chain of links; ``path`` itself where there is none.
        inode: of the target; each node that is created has its own.
    """

    path: str
    kind: PathKind
    number: DeviceNumber | None = None
    target: str = ""
    inode: int = 0


PathEntries = Mapping[str, PathEntry | None]
"""What is at paths; None: nothing."""


class NodeState(Enum):
    """How far udevd is with a device node."""

    UNKNOWN = "udev does not know it: it is what it is"
    UNFINISHED = "udevd works on it"
    FINISHED = "udevd is done with it"
    OVERDUE = "udevd has not got to it in time: offered without what udev would know"


@dataclass(frozen=True, slots=True)
class Node:
    """A device node, as last looked at.

    Attributes:
        number: type, major and minor number.
        unit: that it belongs to.
        state: how far udevd is with it.
        inode: of ``devnode``; 0 if that does not exist: then other nodes with this number have no description.
        devnode: the kernel's name of it; "" if sysfs knows of no such node.
        description: what udev and sysfs say; None until udevd is done with it for the first time.
    """

    number: DeviceNumber
    unit: Unit
    state: NodeState
    inode: int = 0
    devnode: str = ""
    description: HostDevice | None = None
