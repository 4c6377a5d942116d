"""The results of looks: from the pool to the host thread, and from there to the event loop.

Pure, and all frozen. Any thread.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from udev_device_plugin.host.model import DeviceNumber, HostDevice, Node, PathEntry, Unit


class NotLookedError(Exception):
    """A look failed, so that not even absence is known: descriptors or memory are used up, or a file system fails."""


@dataclass(frozen=True, slots=True)
class EntryStamp:
    """One version of a file of udev's database, which udevd always replaces: inode and mtime (nanoseconds)."""

    inode: int
    written: int


@dataclass(frozen=True, slots=True)
class NodeLook:
    """A look at one node that sysfs has.

    Attributes:
        number: of the node.
        device: the inode of its place in sysfs: each plug has its own.
        devnode: the kernel's name of it, ``/dev/ttyUSB0``; "" if there is none.
        inode: of ``devnode``; 0 if that does not exist.
        made: mtime of ``devnode``, nanoseconds.
        entry: the version of udev's database entry that was read; None if there is none.
        is_processing: udevd (257 and later) says in the entry that it is at work on the device.
        description: what udev and sysfs say; None without an entry, unless one was asked for all the same.
        sequence: the number of the kernel's latest event (``SEQNUM``) when it was there; 0 if not known.
    """

    number: DeviceNumber
    device: int = 0
    devnode: str = ""
    inode: int = 0
    made: int = 0
    entry: EntryStamp | None = None
    is_processing: bool = False
    description: HostDevice | None = None
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class UnitLook:
    """A look at a unit.

    Attributes:
        unit: that was looked at.
        nodes: all that sysfs lists for it; none if it is gone.
        is_udevd_idle: udevd has nothing to do, so that no entry is yet to come or to go.
    """

    unit: Unit
    nodes: tuple[NodeLook, ...] = ()
    is_udevd_idle: bool = False


@dataclass(frozen=True, slots=True)
class HostLook:
    """What the host thread passes to the event loop: each part replaces what was known of it.

    Attributes:
        paths: what is at paths now; None: nothing.
        units: the nodes of units; none: the unit is gone.
        received: when the earliest hint that led to it was received, monotonic seconds.
        complete_for: the number of the `Interest` for which everything has been looked at now; None: not yet.
    """

    paths: Mapping[str, PathEntry | None] = field(default_factory=dict)
    units: Mapping[Unit, tuple[Node, ...]] = field(default_factory=dict)
    received: float = 0.0
    complete_for: int | None = None
