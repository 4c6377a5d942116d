"""The device that a udev rule is matched against: reads only what the rule asks for, and that once.

Any thread, but a subject holds a pyudev object and must not leave the one that made it. What comes from udev and sysfs
is untrusted: it may be no text, of any length, or gone meanwhile.
"""

from collections.abc import Callable, Collection, Iterator
from typing import TypeVar

import pyudev

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


class UdevSubject(UdevRelative):
    """A device that rules are matched against; one for all rules, as it keeps what it read."""

    __slots__ = ("_ancestors",)

    def __init__(self, device: pyudev.Device) -> None:
        super().__init__(device)
        self._ancestors: list[UdevRelative] | None = None

    @property
    def has_node(self) -> bool:
        """Whether it has a node."""
        return _readable(lambda: self._device.device_node is not None, False)

    @property
    def is_in_database(self) -> bool:
        """Whether it has an entry in udev's database."""
        return bool(self._device.is_initialized)

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


def all_subjects() -> Iterator[UdevSubject]:
    """Yield all devices that udev knows, with and without a node."""
    return map(UdevSubject, context_of_thread().list_devices())


def _readable(read: Callable[[], T], otherwise: T) -> T:
    """Return what ``read`` gives, else ``otherwise``: a device may vanish, and a name of it may be no text."""
    try:
        return read()
    except (OSError, UnicodeError, pyudev.DeviceNotFoundError):
        return otherwise
