"""What selectors read of devices and matches: read-only attributes, which the classes named here document.

Pure. A `Subject` belongs to one thread, all others may be used on any.
"""

from collections.abc import Collection, Iterator
from typing import Protocol


class UsbDeviceRecord(Protocol):
    """A USB device as a whole (`host.model.UsbDevice`)."""

    @property
    def sys_path(self) -> str: ...
    @property
    def vendor(self) -> str: ...
    @property
    def product(self) -> str: ...
    @property
    def serial(self) -> str: ...


class DeviceRecord(Protocol):
    """A device with a node (`host.model.HostDevice`)."""

    @property
    def sys_path(self) -> str: ...
    @property
    def subsystem(self) -> str: ...
    @property
    def devnode(self) -> str: ...
    @property
    def devlinks(self) -> tuple[str, ...]: ...
    @property
    def rules(self) -> frozenset[str]: ...
    @property
    def usage_pages(self) -> frozenset[str]: ...
    @property
    def usb_device(self) -> UsbDeviceRecord | None: ...


class Ancestor(Protocol):
    """A device as the rules of its descendants see it (`host.udev.device.UdevRelative`).

    In its texts, bytes that are no UTF-8 are surrogates, as in those of ``os.fsdecode``.
    """

    @property
    def name(self) -> str: ...
    @property
    def subsystem(self) -> str: ...
    @property
    def driver(self) -> str | None: ...
    @property
    def tags(self) -> Collection[str]: ...
    def attribute(self, name: str, /) -> str | None: ...


class Subject(Ancestor, Protocol):
    """A device that rules are tried on (`host.udev.device.UdevDevice`); it reads only what a term asks for."""

    @property
    def devpath(self) -> str: ...
    @property
    def links(self) -> Collection[str]: ...
    def property(self, name: str, /) -> str | None: ...
    def lineage(self) -> Iterator[Ancestor]: ...


class ComparedDevice(Subject, Protocol):
    """A device that rules are compared with (`host.udev.device.UdevDevice`)."""

    @property
    def has_node(self) -> bool: ...
    @property
    def is_in_database(self) -> bool: ...


class Match(Protocol):
    """What a selector matches (`devices.candidates.Candidate`)."""

    @property
    def path(self) -> str: ...
    @property
    def subsystem(self) -> str: ...
    @property
    def usb_device_path(self) -> str: ...
