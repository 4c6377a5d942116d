"""What a look finds: plain values, handed from the pool to the host thread and from there to the event loop."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from udev_device_plugin.host.model import DeviceNumber, HostDevice, Node, PathEntry, Unit


class NotLookedError(Exception):
    """Nothing can be said of what was looked at, not even that it is gone: descriptors or memory are used up."""


@dataclass(frozen=True, slots=True)
class EntryStamp:
    """One version of a file of udev's database: udevd never rewrites one in place.

    Attributes:
        inode: the file's.
        written: its modification time, nanoseconds since 1970 by the wall clock.
    """

    inode: int
    written: int


@dataclass(frozen=True, slots=True)
class NodeLook:
    """What was found about one node that sysfs has.

    Attributes:
        number: its number.
        device: the inode of its place in sysfs: a device that is plugged again has another one, whatever its number.
        devnode: the kernel's name of it, ``/dev/ttyUSB0``; "" if there is none.
        inode: of ``devnode``; 0 if it is not there.
        made: modification time of ``devnode``, nanoseconds since 1970 by the wall clock.
        entry: the version of udev's database entry that was read; None if there is none.
        is_processing: udevd (257 and later) says in it that it is at work on the device.
        description: what udev and sysfs say; None if there is no entry, and the look was not to do without.
    """

    number: DeviceNumber
    device: int = 0
    devnode: str = ""
    inode: int = 0
    made: int = 0
    entry: EntryStamp | None = None
    is_processing: bool = False
    description: HostDevice | None = None


@dataclass(frozen=True, slots=True)
class UnitLook:
    """What was found of a unit: all nodes that sysfs lists for it; none if it is gone.

    Attributes:
        unit: a USB device, or the number of a node that belongs to none.
        nodes: what was found.
        is_elsewhere: sysfs has the node, as that of a USB device.
    """

    unit: Unit
    nodes: tuple[NodeLook, ...] = ()
    is_elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class HostLook:
    """What the host thread hands to the event loop in one hop: each part replaces what was known of it.

    Attributes:
        paths: what stands at paths now; None: nothing.
        units: the nodes of units; none: the unit is gone.
        received: when the earliest hint behind it was received, monotonic seconds.
        complete_for: the number of the ``Interest`` for which everything has been looked at with this; None: not yet.
    """

    paths: Mapping[str, PathEntry | None] = field(default_factory=dict)
    units: Mapping[Unit, tuple[Node, ...]] = field(default_factory=dict)
    received: float = 0.0
    complete_for: int | None = None
