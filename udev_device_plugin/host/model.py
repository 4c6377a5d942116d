"""The vocabulary: device nodes, host devices, and what stands at a path.

Floor 0: imports nothing of this package, does no I/O. Everything here is frozen and safe to hand between threads.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Literal, NamedTuple


class DeviceNumber(NamedTuple):
    """What the kernel knows a device node by: its type and its numbers.

    Written as udev writes it, ``c188:0`` (the name of the device's file in ``/run/udev/data``).
    """

    kind: Literal["b", "c"]
    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.kind}{self.major}:{self.minor}"


Unit = str | DeviceNumber
"""What is looked at as a whole: a USB device, by its place in sysfs, or a node that belongs to none, by its number."""


@dataclass(frozen=True, slots=True)
class UsbDevice:
    """A USB device as a whole: what somebody plugs. Udev's ``usb_device``.

    Attributes:
        sys_path: its place in sysfs.
        vendor: ``idVendor``, four lower-case hexadecimal digits.
        product: ``idProduct``, likewise.
        serial: the serial number that the hardware tells (``serial``); "" for none.
        usb_version: of the bus that it hangs on, by its root hub, ``2`` or ``3``; "" if that is not known. The ports of
            both versions at one controller have the same numbers.
        manufacturer: the manufacturer's name, as the hardware tells it; "" for none.
        model: the product's name, likewise (sysfs has it as ``product``).
    """

    sys_path: str
    vendor: str
    product: str
    serial: str = ""
    usb_version: str = ""
    manufacturer: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class HostDevice:
    """A device with a node, as udev described it last. Only ``host.udev`` makes these from the real thing.

    Attributes:
        sys_path: its place in sysfs, ``/sys/devices/…``; unique among the devices present.
        subsystem: the kernel's subsystem, ``tty``.
        number: type, major and minor number of its node.
        devnode: the kernel's name of its node, ``/dev/ttyUSB0``.
        devlinks: the links that udev's rules claim for it (``DEVLINKS``). A claim only: another device may claim
            the same link, and it leads to one of them.
        links: those of them that led to this node when it was described.
        is_initialized: udevd has worked on it: links, mode and properties are there.
        serial: the serial number that the hardware has (``ID_SERIAL_SHORT``); "" for none.
        usb_version: of the bus that it hangs on, by its root hub, ``2`` or ``3``; "" if it is on none. The ports of
            both versions at one controller have the same numbers.
        numa_node: of the nearest ancestor that has one; None for none.
        place: which of its siblings it is, from 0: of the nodes whose places differ only in what the kernel counts up.
        rules: those of the configured udev rules that it matches, as text (``str(rule)``).
        usb_device: the nearest USB device that it belongs to, or is; None for none.
        driver: of the device, or of the nearest ancestor that has one; "" for none.
        is_wanted: a selector asks for it; if not, only place, number, names and USB device are filled in.
    """

    sys_path: str
    subsystem: str
    number: DeviceNumber
    devnode: str
    devlinks: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    is_initialized: bool = True
    serial: str = ""
    usb_version: str = ""
    numa_node: int | None = None
    place: int = 0
    rules: frozenset[str] = frozenset()
    usb_device: UsbDevice | None = None
    driver: str = ""
    is_wanted: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """All paths that may lead to this device's node, its own first."""
        return (self.devnode, *self.devlinks)


class PathKind(Enum):
    """What stands at a path, links followed."""

    NODE = "device node"
    DIRECTORY = "directory"
    FILE = "regular file"
    SOCKET = "socket"
    OTHER = "neither device node, directory, regular file nor socket"


@dataclass(frozen=True, slots=True)
class PathEntry:
    """What stands at one path right now, links followed. Only ``host`` makes these.

    Attributes:
        path: the name that was looked at.
        kind: what its end is.
        number: of a device node, else None.
        target: the end of the chain of links; ``path`` itself where there is none.
        inode: of the end: a node that was made anew has another one.
    """

    path: str
    kind: PathKind
    number: DeviceNumber | None = None
    target: str = ""
    inode: int = 0


class NodeState(Enum):
    """How far udev is with a device node."""

    UNKNOWN = "udev does not know it: it is what it is"
    UNFINISHED = "udevd works on it"
    FINISHED = "udevd is done with it"
    OVERDUE = "udevd has not got to it in time: offered without what udev would know"


@dataclass(frozen=True, slots=True)
class Node:
    """A device node, as last looked at.

    Attributes:
        number: type, major and minor number.
        unit: what it was looked at with.
        state: how far udev is with it.
        inode: of ``devnode``; 0 if it is not there: then other nodes with this number stand for themselves.
        devnode: the kernel's name of it; "" if sysfs knows of no such node.
        description: what udev and sysfs say; None as long as udevd has not finished with it for the first time.
    """

    number: DeviceNumber
    unit: Unit
    state: NodeState
    inode: int = 0
    devnode: str = ""
    description: HostDevice | None = None
