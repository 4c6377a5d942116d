"""The terms of a udev rule: which keys there are, where each looks, and when a term fits.

Pure. Any thread, as far as it goes: a subject may be bound to one. Looks at nothing that a term does not name.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Protocol

from udev_device_plugin.selectors.udev_rule.values import Value


class Relative(Protocol):
    """A device as its descendants' rules see it; bytes beyond UTF-8 are surrogates, as ``os.fsdecode`` has it."""

    @property
    def name(self) -> str:
        """The kernel's name of it: ``ttyUSB0``, ``1-4.2:1.0``."""

    @property
    def subsystem(self) -> str:
        """Its subsystem; "" if it has none."""

    @property
    def driver(self) -> str | None:
        """The driver bound to it."""

    @property
    def tags(self) -> Collection[str]:
        """Its tags, those in force."""

    def attribute(self, name: str, /) -> str | None:
        """An attribute in sysfs, without the newline at its end; None if there is none that can be read."""


class Subject(Relative, Protocol):
    """A device that rules are tried on. What it tells is asked for only when a term needs it."""

    @property
    def devpath(self) -> str:
        """Its path in sysfs, without ``/sys``."""

    @property
    def links(self) -> Collection[str]:
        """Its links, with or without ``/dev/``."""

    def property(self, name: str, /) -> str | None:
        """A property in udev's database."""

    def lineage(self) -> Iterator[Relative]:
        """The device itself, then its parent, and so on."""


Found = tuple[str, ...] | None
"""What a device has where a term looks: one text, several or none; None for an attribute that is not there."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key of udev's matches.

    Attributes:
        cost: terms are tried in this order; what reads sysfs comes last.
        is_named: an attribute or property in braces follows.
        of_subject: what it looks at, for a key of the device alone.
        of_relative: what it looks at, for a key of the device and its ancestors.
    """

    cost: int
    is_named: bool = False
    of_subject: Callable[[Subject, str], Found] | None = None
    of_relative: Callable[[Relative, str], Found] | None = None


def _name(device: Relative, _: str) -> Found:
    return (device.name,)


def _subsystem(device: Relative, _: str) -> Found:
    return (device.subsystem,)


def _driver(device: Relative, _: str) -> Found:
    return (device.driver or "",)


def _tags(device: Relative, _: str) -> Found:
    return tuple(device.tags)


def _attribute(device: Relative, name: str) -> Found:
    value = device.attribute(name)
    return None if value is None else (value,)


def _devpath(device: Subject, _: str) -> Found:
    return (device.devpath,)


def _links(device: Subject, _: str) -> Found:
    return tuple(link.removeprefix("/dev/") for link in device.links)


def _property(device: Subject, name: str) -> Found:
    return (device.property(name) or "",)


KEYS = {
    "KERNEL": Key(0, of_subject=_name),
    "SUBSYSTEM": Key(0, of_subject=_subsystem),
    "DEVPATH": Key(0, of_subject=_devpath),
    "DRIVER": Key(1, of_subject=_driver),
    "ENV": Key(2, is_named=True, of_subject=_property),
    "TAG": Key(2, of_subject=_tags),
    "SYMLINK": Key(2, of_subject=_links),
    "ATTR": Key(3, is_named=True, of_subject=_attribute),
    "KERNELS": Key(4, of_relative=_name),
    "SUBSYSTEMS": Key(5, of_relative=_subsystem),
    "DRIVERS": Key(6, of_relative=_driver),
    "TAGS": Key(7, of_relative=_tags),
    "ATTRS": Key(8, is_named=True, of_relative=_attribute),
}


@dataclass(frozen=True, slots=True)
class Term:
    """One match: ``ATTRS{idVendor}=="10c4"``.

    Attributes:
        key: one of ``KEYS``.
        name: what stands in braces; "" for a key that has none.
        negated: ``!=`` instead of ``==``.
        value: what is wanted, or with ``!=`` not wanted.
    """

    key: str
    name: str
    negated: bool
    value: Value

    def __str__(self) -> str:
        return f"{self.place}{'!=' if self.negated else '=='}{_quoted(self.value.raw)}"

    @property
    def place(self) -> str:
        """Where it looks: ``KERNEL``, ``ATTRS{idVendor}``."""
        return f"{self.key}{{{self.name}}}" if KEYS[self.key].is_named else self.key

    @property
    def is_of_lineage(self) -> bool:
        """It is about the device or an ancestor: the one that all such terms of a rule must fit."""
        return KEYS[self.key].of_relative is not None

    @property
    def is_telling(self) -> bool:
        """A device that fits it is of some special kind: it is neither of a whole subsystem, nor merely not another."""
        return not self.negated and self.key not in ("SUBSYSTEM", "SUBSYSTEMS")

    def look(self, subject: Subject) -> Found:
        """What the device has where this term looks."""
        of_subject = KEYS[self.key].of_subject
        return of_subject(subject, self.name) if of_subject is not None else self.look_at_relative(subject)

    def look_at_relative(self, relative: Relative) -> Found:
        """What the device or an ancestor has where this term looks."""
        of_relative = KEYS[self.key].of_relative
        return of_relative(relative, self.name) if of_relative is not None else None

    def fits(self, found: Found) -> bool:
        """Whether that is what is wanted. A missing attribute never is; of several values, one must be (``==``)."""
        if found is None:
            return False
        takes = self.value.takes_attribute if self.key in ("ATTR", "ATTRS") else self.value.takes
        return any(map(takes, found)) != (self.negated != self.value.inverted)


def _quoted(raw: bytes) -> str:
    """The shortest spelling that reads back as these bytes."""
    text = raw.decode("utf-8", "backslashreplace")
    plain = text.isprintable() and not text.endswith("\\") and not set("$%") & set(text)  # these may be refused there
    if plain and text.encode() == raw:
        return '"' + text.replace('"', '\\"') + '"'
    return 'e"' + "".join(_escaped(byte) for byte in raw) + '"'


def _escaped(byte: int) -> str:
    character = chr(byte)
    if character in '"\\':
        return f"\\{character}"
    return character if character.isascii() and character.isprintable() else f"\\x{byte:02x}"
