"""Shows udev's devices to rules.

Any thread, but a subject holds a pyudev object and must not leave the one that made it. Reads only what a rule asks
for, and that once. What comes from udev and sysfs is untrusted: it may be no text, of any length, or gone meanwhile.
"""

from collections.abc import Callable, Collection, Iterator
from typing import TypeVar

import pyudev

from udev_device_plugin.host.udev.context import context_of_thread

MAX_VALUE = 4096
"""So many bytes of an attribute or a property are looked at; a page of sysfs has no more."""

T = TypeVar("T")


class UdevRelative:
    """A device among the ancestors of a subject."""

    __slots__ = ("_attributes", "_device")

    def __init__(self, device: pyudev.Device) -> None:
        self._device = device
        self._attributes: dict[str, str | None] = {}

    @property
    def name(self) -> str:
        """The kernel's name of it."""
        return _readable(lambda: str(self._device.sys_name), "")

    @property
    def subsystem(self) -> str:
        """Its subsystem; "" if it has none."""
        return _readable(lambda: str(self._device.subsystem or ""), "")

    @property
    def driver(self) -> str | None:
        """The driver bound to it."""
        driver: str | None = _readable(lambda: self._device.driver, None)
        return driver

    @property
    def tags(self) -> Collection[str]:
        """Its tags that are in force, which udevd's rules see; those of former events stay in the database."""
        tags = _readable(lambda: self._device.properties.get("CURRENT_TAGS"), None)
        return tuple(tag for tag in (tags or "").split(":") if tag)

    def attribute(self, name: str, /) -> str | None:
        """An attribute in sysfs; bytes that are no UTF-8 become surrogates."""
        if name not in self._attributes:
            value = _readable(lambda: self._device.attributes.get(name), None)
            self._attributes[name] = None if value is None else value[:MAX_VALUE].decode("utf-8", "surrogateescape")
        return self._attributes[name]


class UdevSubject(UdevRelative):
    """A device that rules are tried on; one subject for all rules, as it remembers what it read."""

    __slots__ = ("_ancestors",)

    def __init__(self, device: pyudev.Device) -> None:
        super().__init__(device)
        self._ancestors: list[UdevRelative] | None = None

    @property
    def has_node(self) -> bool:
        """Whether it has a node; one whose name is no text is passed over (`device_reader`)."""
        return _readable(lambda: self._device.device_node is not None, False)

    @property
    def is_in_database(self) -> bool:
        """Whether it has an entry in udev's database."""
        return bool(self._device.is_initialized)

    @property
    def devpath(self) -> str:
        """Its path in sysfs, without ``/sys``."""
        return _readable(lambda: str(self._device.device_path), "")

    @property
    def links(self) -> Collection[str]:
        """Its links, as udev's database has them."""
        return _readable(lambda: tuple(self._device.device_links), ())

    def property(self, name: str, /) -> str | None:
        """A property in udev's database; one that is no text counts as none: pyudev does not give its bytes."""
        value = _readable(lambda: self._device.properties.get(name), None)
        return None if value is None else value[:MAX_VALUE]

    def lineage(self) -> Iterator[UdevRelative]:
        """The device itself, then its parent, and so on."""
        yield self
        if self._ancestors is None:
            ancestors: list[pyudev.Device] = _readable(lambda: list(self._device.ancestors), [])
            self._ancestors = [UdevRelative(device) for device in ancestors]
        yield from self._ancestors


def all_subjects() -> Iterator[UdevSubject]:
    """All devices that udev knows, with and without a node."""
    return map(UdevSubject, context_of_thread().list_devices())


def _readable(read: Callable[[], T], otherwise: T) -> T:
    """What can be read now: a device may vanish at any moment, and a name of it may be no text."""
    try:
        return read()
    except (OSError, UnicodeError, pyudev.DeviceNotFoundError):
        return otherwise
