"""Reads what udev and sysfs say of a device: for udev rules only what they ask for, and that once; and as plain values.

Any thread, but a `UdevDevice` holds a pyudev object and must not leave the one that made it. What comes from udev and
sysfs is untrusted: it may be no text, of any length, or gone meanwhile; what cannot be read is ignored by itself.
"""

import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from typing import TypeVar

import pyudev

from udev_device_plugin.filesystem.small_files import raise_if_exhausted
from udev_device_plugin.host.hid_report import usage_pages
from udev_device_plugin.host.interest import Interest
from udev_device_plugin.host.model import DeviceNumber, HostDevice
from udev_device_plugin.host.path_facts import is_name_in_dev
from udev_device_plugin.host.siblings import place_among_siblings, siblings_in_sysfs
from udev_device_plugin.host.sysfs import driver, numa_node, usb_device_of
from udev_device_plugin.host.topology import root_hub
from udev_device_plugin.host.udev.context import context_of_thread

MAX_VALUE = 4096
"""Bytes of an attribute or a property that are read; a page of sysfs has no more."""

T = TypeVar("T")


class UdevRelative:
    """A device or one of its ancestors."""

    __slots__ = ("_attributes", "_device")

    def __init__(self, device: pyudev.Device) -> None:
        self._device = device
        self._attributes: dict[str, str | None] = {}

    @property
    def name(self) -> str:
        """The kernel's name of the device."""
        return _readable(lambda: str(self._device.sys_name), "")

    @property
    def subsystem(self) -> str:
        """The kernel's subsystem; "" for none."""
        return _readable(lambda: str(self._device.subsystem or ""), "")

    @property
    def driver(self) -> str | None:
        """The driver that is bound to it."""
        driver: str | None = _readable(lambda: self._device.driver, None)
        return driver

    @property
    def tags(self) -> Collection[str]:
        """Its current tags, which udevd's rules see; those of former events stay in the database."""
        tags = _readable(lambda: self._device.properties.get("CURRENT_TAGS"), None)
        return tuple(tag for tag in (tags or "").split(":") if tag)

    def attribute(self, name: str, /) -> str | None:
        """Return an attribute in sysfs; bytes that are not UTF-8 become surrogates."""
        if name not in self._attributes:
            value = _readable(lambda: self._device.attributes.get(name), None)
            self._attributes[name] = None if value is None else value[:MAX_VALUE].decode("utf-8", "surrogateescape")
        return self._attributes[name]


class UdevDevice(UdevRelative):
    """One reading of a device: libudev reads its database entry once, at the first question.

    Attributes:
        is_in_database: the database has an entry for it. Asked first: libudev remembers the entry that it found, but
            not that it found none, so that other questions before this one could lead to a mixture.
        devnode: the kernel's name of its node; "" if it has none, or one that none can have.
    """

    __slots__ = ("_ancestors", "devnode", "is_in_database")

    def __init__(self, device: pyudev.Device) -> None:
        super().__init__(device)
        self._ancestors: list[UdevRelative] | None = None
        self.is_in_database = _readable(lambda: bool(device.is_initialized), False)
        name = self.property("DEVNAME") or ""
        self.devnode = name if is_name_in_dev(name) else ""

    @property
    def has_node(self) -> bool:
        """Whether it has a node."""
        return bool(self.devnode)

    @property
    def is_processing(self) -> bool:
        """Whether udevd (257 and later) says that it is at work on the device."""
        return self.property("ID_PROCESSING") == "1"

    @property
    def devpath(self) -> str:
        """The path in sysfs, without ``/sys``."""
        return _readable(lambda: str(self._device.device_path), "")

    @property
    def links(self) -> Collection[str]:
        """The links in udev's database."""
        return _readable(lambda: tuple(self._device.device_links), ())

    def property(self, name: str, /) -> str | None:
        """Return a property in udev's database; None if it is not UTF-8, as pyudev does not give its bytes."""
        value = _readable(lambda: self._device.properties.get(name), None)
        return None if value is None else value[:MAX_VALUE]

    def lineage(self) -> Iterator[UdevRelative]:
        """Yield the device itself, then its parent, and so on."""
        yield self
        if self._ancestors is None:
            ancestors: list[pyudev.Device] = _readable(lambda: list(self._device.ancestors), [])
            self._ancestors = [UdevRelative(device) for device in ancestors]
        yield from self._ancestors

    def describe(
        self, number: DeviceNumber, sys_path: str, listed: Collection[str], interest: Interest, *, is_at_path: bool
    ) -> HostDevice:
        """Return all that the program needs of it; in brief if no selector can match it.

        Args:
            number: its node's.
            sys_path: its place in sysfs.
            listed: the places in sysfs of all nodes of its USB device; none if it belongs to none.
            interest: the selectors.
            is_at_path: whether a selected path leads to it, whatever udev calls it: a link that somebody made.
        """
        subsystem, usb_device = self.subsystem, usb_device_of(sys_path)
        devlinks = tuple(filter(is_name_in_dev, self.links)) if self.is_in_database else ()
        rules = frozenset(str(rule) for rule in interest.rules_for(subsystem) if rule.matches(self))
        is_named = is_at_path or interest.is_named((self.devnode, *devlinks))
        is_wanted = is_named or bool(rules) or interest.wants_usb_device(usb_device)
        brief = HostDevice(sys_path, subsystem, number, self.devnode, devlinks, usb_device=usb_device, is_wanted=False)
        if not is_wanted:
            return brief
        return replace(
            brief,
            links=tuple(link for link in devlinks if _leads_to(link, number)),
            serial=(self.property("ID_SERIAL_SHORT") or "") if self.is_in_database else "",
            numa_node=numa_node(root_hub(sys_path) or sys_path),
            place=place_among_siblings(sys_path, subsystem, listed or siblings_in_sysfs(sys_path)),
            rules=rules,
            usage_pages=usage_pages(sys_path, subsystem),
            driver=driver(sys_path),
            is_wanted=True,
        )


def read_device(number: DeviceNumber) -> UdevDevice | None:
    """Read the device with this number; None if libudev gives none.

    Raises:
        OSError: libudev is not to be had.
    """
    context, kind = context_of_thread(), "char" if number.kind == "c" else "block"
    try:
        return UdevDevice(pyudev.Devices.from_device_number(context, kind, os.makedev(number.major, number.minor)))
    except (pyudev.DeviceNotFoundError, OSError):
        return None


def all_devices() -> Iterator[UdevDevice]:
    """Yield all devices that udev knows, with and without a node."""
    return map(UdevDevice, context_of_thread().list_devices())


def _readable(read: Callable[[], T], otherwise: T) -> T:
    """Return what ``read`` gives, else ``otherwise``: a device may vanish, and a name of it may be no text."""
    try:
        return read()
    except (OSError, UnicodeError, pyudev.DeviceNotFoundError):
        return otherwise


def _leads_to(link: str, number: DeviceNumber) -> bool:
    try:
        return os.stat(link).st_rdev == os.makedev(number.major, number.minor)
    except OSError as error:
        raise_if_exhausted(error)
        return False
