"""Reads what udev and sysfs say of a device, in plain values.

Any thread that owns its reader. What comes from udev is untrusted: a property or a link that is not UTF-8 is ignored,
and nothing else with it; a device may vanish at any moment.
"""

import logging
import os
from collections.abc import Callable, Collection, Iterable
from typing import TypeVar

import pyudev

from udev_device_plugin.filesystem.small_files import beginning
from udev_device_plugin.host.interest import Interest
from udev_device_plugin.host.model import DeviceNumber, HostDevice, UsbDevice
from udev_device_plugin.host.siblings import place_among_siblings, siblings_in_sysfs
from udev_device_plugin.host.udev.context import new_context
from udev_device_plugin.host.udev.rule_subject import UdevSubject
from udev_device_plugin.host.udev.usb_sysfs import controller, usb_version
from udev_device_plugin.selectors.udev_rule.rule import Rule

logger = logging.getLogger(__name__)

MAX_CACHED = 1_000
"""Buses and bridges whose NUMA node is remembered by a reader."""

_NOWHERE = "/sys/devices/virtual"
"""Where sysfs has what no hardware stands behind."""

T = TypeVar("T")


class UdevDevice:
    """One reading of a device: libudev reads its database entry once, at the first question.

    Attributes:
        is_initialized: the database has an entry for it. Asked first: libudev remembers the entry that it found, but
            not that it found none, so that other questions before this one could lead to a mixture.
        devnode: the kernel's name of its node; "" if it has none.
    """

    def __init__(self, device: pyudev.Device) -> None:
        self._device = device
        self.is_initialized = bool(device.is_initialized)
        self.devnode = self._read(lambda: device.device_node, None) or ""

    @property
    def is_processing(self) -> bool:
        """Whether udevd (257 and later) says that it is at work on the device."""
        return self._property("ID_PROCESSING") == "1"

    def describe(
        self,
        number: DeviceNumber,
        sys_path: str,
        *,
        interest: Interest,
        usb_device: UsbDevice | None,
        listed: Collection[str],
        numa_node: Callable[[str], int | None],
    ) -> HostDevice:
        """All that the program needs of it.

        Args:
            number: its node's.
            sys_path: its place in sysfs.
            interest: what is configured: only a device that may be offered is described in full.
            usb_device: the USB device that it belongs to; None for none.
            listed: the places in sysfs of all nodes of that USB device.
            numa_node: tells the NUMA node of a place in sysfs.
        """
        device = self._device
        subsystem = self._read(lambda: device.subsystem, None) or ""
        devlinks: tuple[str, ...] = ()
        if self.is_initialized:
            devlinks = self._read(lambda: tuple(map(str, device.device_links)), ())
        rules = interest.rules_for(subsystem)
        matching = self._matching(rules) if rules else frozenset[str]()
        is_wanted = (
            bool(matching) or interest.wants_usb_device(usb_device) or interest.is_named((self.devnode, *devlinks))
        )
        if not is_wanted:
            return HostDevice(
                sys_path, subsystem, number, self.devnode, devlinks, usb_device=usb_device, is_wanted=False
            )
        return HostDevice(
            sys_path=sys_path,
            subsystem=subsystem,
            number=number,
            devnode=self.devnode,
            devlinks=devlinks,
            links=tuple(link for link in devlinks if _leads_to(link, number)),
            is_initialized=self.is_initialized,
            serial=(self._property("ID_SERIAL_SHORT") or "") if self.is_initialized else "",
            usb_version=usb_version(sys_path),
            numa_node=numa_node(controller(sys_path)),
            place=place_among_siblings(sys_path, subsystem, listed or siblings_in_sysfs(sys_path)),
            rules=matching,
            usb_device=usb_device,
        )

    def _matching(self, rules: Iterable[Rule]) -> frozenset[str]:
        subject = UdevSubject(self._device)
        return frozenset(str(rule) for rule in rules if rule.matches(subject))

    def _property(self, name: str) -> str | None:
        value: str | None = self._read(lambda: self._device.properties.get(name), None)
        return value

    def _read(self, read: Callable[[], T], otherwise: T) -> T:
        try:
            return read()
        except UnicodeDecodeError as error:
            logger.warning("%s: udev says something that is not UTF-8; ignored: %r", self._device, error.object)
        except (OSError, pyudev.DeviceNotFoundError):  # it is gone
            pass
        return otherwise


class UdevDeviceReader:
    """Makes `UdevDevice`; one for each thread."""

    def __init__(self) -> None:
        self._context = new_context()
        self._numa_nodes: dict[str, int | None] = {}

    def device(self, number: DeviceNumber) -> UdevDevice | None:
        """The device with this number, read anew; None if libudev gives none."""
        kind = "char" if number.kind == "c" else "block"
        try:
            found = pyudev.Devices.from_device_number(self._context, kind, os.makedev(number.major, number.minor))
        except (pyudev.DeviceNotFoundError, OSError):
            return None
        return UdevDevice(found)

    def numa_node(self, sys_path: str) -> int | None:
        """Of the nearest ancestor that has one (``numa_node`` is -1 where the firmware says nothing)."""
        if sys_path.startswith(_NOWHERE) or sys_path.count("/") <= 2:  # noqa: PLR2004 - /sys/devices itself
            return None
        if sys_path not in self._numa_nodes:
            if len(self._numa_nodes) >= MAX_CACHED:
                self._numa_nodes.clear()
            own = _read_number(f"{sys_path}/numa_node")
            parent = os.path.dirname(sys_path)
            self._numa_nodes[sys_path] = own if own is not None and own >= 0 else self.numa_node(parent)
        return self._numa_nodes[sys_path]


def _leads_to(link: str, number: DeviceNumber) -> bool:
    try:
        return os.stat(link).st_rdev == os.makedev(number.major, number.minor)
    except OSError:
        return False


def _read_number(path: str) -> int | None:
    try:
        return int(beginning(path, 16))
    except ValueError:
        return None
