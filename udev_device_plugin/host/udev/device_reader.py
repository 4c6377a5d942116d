"""Reads what udev and sysfs say of a device, as plain values.

Any thread; a `UdevDevice` belongs to the one that read it. What comes from udev is untrusted: a property or a link that
is not UTF-8 is ignored, and nothing else with it; a device may vanish at any moment.
"""

import os
from collections.abc import Collection
from dataclasses import replace

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
from udev_device_plugin.host.udev.rule_subject import UdevSubject


class UdevDevice(UdevSubject):
    """One reading of a device: libudev reads its database entry once, at the first question.

    Attributes:
        is_initialized: the database has an entry for it. Asked first: libudev remembers the entry that it found, but
            not that it found none, so that other questions before this one could lead to a mixture.
        devnode: the kernel's name of its node; "" if it has none, or one that none can have.
    """

    __slots__ = ("devnode", "is_initialized")

    def __init__(self, device: pyudev.Device) -> None:
        super().__init__(device)
        self.is_initialized = self.is_in_database
        name = self.property("DEVNAME") or ""
        self.devnode = name if is_name_in_dev(name) else ""

    @property
    def is_processing(self) -> bool:
        """Whether udevd (257 and later) says that it is at work on the device."""
        return self.property("ID_PROCESSING") == "1"

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
        devlinks = tuple(filter(is_name_in_dev, self.links)) if self.is_initialized else ()
        rules = frozenset(str(rule) for rule in interest.rules_for(subsystem) if rule.matches(self))
        is_named = is_at_path or interest.is_named((self.devnode, *devlinks))
        is_wanted = is_named or bool(rules) or interest.wants_usb_device(usb_device)
        brief = HostDevice(sys_path, subsystem, number, self.devnode, devlinks, usb_device=usb_device, is_wanted=False)
        if not is_wanted:
            return brief
        return replace(
            brief,
            links=tuple(link for link in devlinks if _leads_to(link, number)),
            serial=(self.property("ID_SERIAL_SHORT") or "") if self.is_initialized else "",
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


def _leads_to(link: str, number: DeviceNumber) -> bool:
    try:
        return os.stat(link).st_rdev == os.makedev(number.major, number.minor)
    except OSError as error:
        raise_if_exhausted(error)
        return False
