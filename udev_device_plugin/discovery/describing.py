"""Describes udev's devices in plain values.

Floor 4, on the udev thread: what leaves it is frozen text and numbers, never a pyudev object. What comes from udev is
untrusted: a name that is no text costs its device, and nothing else.
"""

import logging
import os
from collections.abc import Iterable, Iterator, Sequence

import pyudev

from udev_device_plugin.device import DeviceNumber, HostDevice
from udev_device_plugin.discovery.repeats import Repeats
from udev_device_plugin.discovery.rule_subject import UdevSubject
from udev_device_plugin.discovery.small_files import beginning
from udev_device_plugin.discovery.usb_sticks import controller, stick_of, usb_version
from udev_device_plugin.interest import Interest
from udev_device_plugin.observations import DeviceObserved, DeviceRemoved, Observation
from udev_device_plugin.rules import Rule

logger = logging.getLogger(__name__)

MAX_CACHED = 10_000
"""Places in sysfs of which something is remembered at a time: sticks that come and go have ever new ones."""

_NOWHERE = "/sys/devices/virtual"
"""Where sysfs has what no hardware stands behind."""

_MAX_DIGITS = 20
"""Of the kernel's numbers of 64 bits."""


class Describer:
    """Copies out of pyudev what the rest of the program needs.

    Args:
        interest: what is configured: only a device that may be offered is described in full.
    """

    def __init__(self, interest: Interest) -> None:
        self.interest = interest
        self._numa_nodes: dict[str, int | None] = {}
        self._told: set[str] = set()
        self._repeats = Repeats()

    def begin(self, interest: Interest) -> None:
        """Describe for ``interest``, and forget what was read of buses and bridges: a session starts."""
        self.interest = interest
        self._numa_nodes.clear()
        self._told.clear()
        self._repeats.clear()

    def all_devices(self, context: pyudev.Context) -> Iterator[HostDevice]:
        """All devices with a node: those that sysfs has a number for.

        Libudev would look through all of sysfs for them, which takes four times as long.

        Raises:
            OSError: sysfs is not there.
        """
        kinds = os.listdir("/sys/dev")  # a kernel may have no block devices
        for kind in sorted({"char", "block"}.intersection(kinds)):
            for name in os.listdir(f"/sys/dev/{kind}"):
                major, _, minor = name.partition(":")
                if (described := self._device(context, kind, os.makedev(int(major), int(minor)))) is not None:
                    yield described

    def device(self, context: pyudev.Context, number: DeviceNumber) -> HostDevice | None:
        """The device with this node; None if there is none."""
        self._repeats.clear()  # who asks doubts what was told
        kind = "char" if number.kind == "c" else "block"
        return self._device(context, kind, os.makedev(number.major, number.minor))

    def _device(self, context: pyudev.Context, kind: str, number: int) -> HostDevice | None:
        try:
            device = pyudev.Devices.from_device_number(context, kind, number)
        except (pyudev.DeviceNotFoundError, OSError):
            return None
        return self._describe(device, device.sys_path)

    def is_repeated(self, device: pyudev.Device, sys_path: str, devnode: str) -> bool:
        """Whether an event says of a device what was told before, and nobody could ask for more than that."""
        return self._repeats.is_certain(device, sys_path, devnode)

    def observations(
        self, device: pyudev.Device, action: str, sys_path: str, devnode: str | None
    ) -> Sequence[Observation]:
        """What one uevent means: every action but ``remove`` means "look again"; nothing, if it says nothing new."""
        if action == "remove":
            return self._gone(sys_path)
        old = device.properties.get("DEVPATH_OLD") if action == "move" else None
        gone = () if old is None else self._gone(f"/sys{old}")
        described = self._describe(device, sys_path, devnode)
        if described is None or not self._repeats.is_new(device, described, self.interest):
            return gone
        return (*gone, DeviceObserved(described))

    def _gone(self, sys_path: str) -> Sequence[DeviceRemoved]:
        """A device is gone: of interest to those who were told that it is there."""
        if sys_path not in self._told:
            return ()
        self._told.discard(sys_path)
        self._repeats.forget(sys_path)
        return (DeviceRemoved(sys_path),)

    def _describe(self, device: pyudev.Device, sys_path: str, devnode: str | None = None) -> HostDevice | None:
        """A device as plain values; None if it has no node, or a name that is no text."""
        try:
            devnode, number = devnode or device.device_node, device.device_number
            if devnode is None or not number:
                return None
            described = self._copy(device, sys_path, devnode, number)
        except UnicodeDecodeError as error:
            logger.warning("udev: a device is passed over, since a name of it is not UTF-8: %r", error.object)
            return None
        self._told.add(sys_path)
        return described

    def _copy(self, device: pyudev.Device, sys_path: str, devnode: str, number: int) -> HostDevice:
        properties = device.properties
        subsystem, devlinks = device.subsystem or "", tuple(device.device_links)
        rules = self.interest.rules_for(subsystem)
        matching = self._matching(rules, device) if rules else frozenset[str]()
        stick = stick_of(sys_path) if self.interest.sticks else None
        is_wanted = bool(matching) or stick is not None or self.interest.is_named((devnode, *devlinks))
        return HostDevice(
            sys_path=sys_path,
            subsystem=subsystem,
            number=DeviceNumber("b" if subsystem == "block" else "c", os.major(number), os.minor(number)),
            devnode=devnode,
            devlinks=devlinks,
            links=tuple(link for link in devlinks if _leads_to(link, number)) if is_wanted else (),
            is_initialized=device.is_initialized,
            initialized_at=_whole_number(properties.get("USEC_INITIALIZED", "")) if is_wanted else 0,
            serial=properties.get("ID_SERIAL_SHORT", "") if is_wanted else "",
            usb_version=usb_version(sys_path) if is_wanted else "",
            numa_node=self._numa_node(controller(sys_path)) if is_wanted else None,
            rules=matching,
            stick=stick,
        )

    @staticmethod
    def _matching(rules: Iterable[tuple[str, Rule]], device: pyudev.Device) -> frozenset[str]:
        subject = UdevSubject(device)
        return frozenset(text for text, rule in rules if rule.matches(subject))

    def _numa_node(self, sys_path: str) -> int | None:
        """Of the nearest ancestor that has one (``numa_node`` is -1 where the firmware says nothing)."""
        if sys_path.startswith(_NOWHERE) or sys_path.count("/") <= 2:  # noqa: PLR2004 - /sys/devices itself
            return None
        if sys_path not in self._numa_nodes:
            if len(self._numa_nodes) >= MAX_CACHED:
                self._numa_nodes.clear()
            own = _read_number(f"{sys_path}/numa_node")
            parent = os.path.dirname(sys_path)
            self._numa_nodes[sys_path] = own if own is not None and own >= 0 else self._numa_node(parent)
        return self._numa_nodes[sys_path]


def _whole_number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS else 0


def _leads_to(link: str, number: int) -> bool:
    try:
        return os.stat(link).st_rdev == number
    except OSError:
        return False


def _read_number(path: str) -> int | None:
    try:
        return int(beginning(path, 16))
    except ValueError:
        return None
