"""The terms of a udev rule: which keys there are, what of a device each reads, and when a term fits.

Pure, but a subject may belong to one thread. Reads nothing that a term does not name.
"""

from dataclasses import dataclass

from udev_device_plugin.selectors.records import Ancestor, Subject
from udev_device_plugin.selectors.udev_rule.values import Value

Found = tuple[str, ...] | None
"""What a device has for a term: one text, several or none; None for an attribute that is not there."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key of udev's matches.

    Attributes:
        cost: terms are tried in this order; what reads sysfs comes last.
        is_named: whether an attribute or property in braces follows.
        is_of_lineage: whether it is about the device or one of its ancestors.
    """

    cost: int
    is_named: bool = False
    is_of_lineage: bool = False


KEYS = {
    "KERNEL": Key(0),
    "SUBSYSTEM": Key(0),
    "DEVPATH": Key(0),
    "DRIVER": Key(1),
    "ENV": Key(2, is_named=True),
    "TAG": Key(2),
    "SYMLINK": Key(2),
    "ATTR": Key(3, is_named=True),
    "KERNELS": Key(4, is_of_lineage=True),
    "SUBSYSTEMS": Key(5, is_of_lineage=True),
    "DRIVERS": Key(6, is_of_lineage=True),
    "TAGS": Key(7, is_of_lineage=True),
    "ATTRS": Key(8, is_named=True, is_of_lineage=True),
}


@dataclass(frozen=True, slots=True)
class Term:
    """One match: ``ATTRS{idVendor}=="10c4"``.

    Attributes:
        key: one of `KEYS`.
        name: the name in braces; "" for a key that has none.
        negated: whether it is ``!=`` instead of ``==``.
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
        """The key with its name: ``KERNEL``, ``ATTRS{idVendor}``."""
        return f"{self.key}{{{self.name}}}" if KEYS[self.key].is_named else self.key

    @property
    def is_of_lineage(self) -> bool:
        """Whether it is about the device or an ancestor; all such terms of a rule must fit one and the same."""
        return KEYS[self.key].is_of_lineage

    @property
    def is_specific(self) -> bool:
        """Whether few devices fit it: it does not ask for a whole subsystem, nor for anything but something."""
        return not self.negated and self.key not in ("SUBSYSTEM", "SUBSYSTEMS")

    def read(self, subject: Subject) -> Found:
        """Return what the device has for this term."""
        match self.key:
            case "DEVPATH":
                return (subject.devpath,)
            case "ENV":
                return (subject.property(self.name) or "",)
            case "SYMLINK":
                return tuple(link.removeprefix("/dev/") for link in subject.links)
            case _:
                return self.read_ancestor(subject)

    def read_ancestor(self, device: Ancestor) -> Found:
        """Return what the device or an ancestor has for a term that ancestors can have too."""
        match self.key.removesuffix("S"):
            case "KERNEL":
                return (device.name,)
            case "SUBSYSTEM":
                return (device.subsystem,)
            case "DRIVER":
                return (device.driver or "",)
            case "TAG":
                return tuple(device.tags)
            case _:
                value = device.attribute(self.name)
                return None if value is None else (value,)

    def fits(self, found: Found) -> bool:
        """Whether that is what is wanted. A missing attribute never is; of several values, one must be (``==``)."""
        if found is None:
            return False
        takes = self.value.takes_attribute if self.key in ("ATTR", "ATTRS") else self.value.takes
        return any(map(takes, found)) != (self.negated != self.value.inverted)


def _quoted(raw: bytes) -> str:
    """Return the shortest spelling that reads back as these bytes."""
    text = raw.decode("utf-8", "backslashreplace")
    plain = text.isprintable() and not text.endswith("\\") and not set("$%") & set(text)  # these may be refused there
    if plain and text.encode() == raw:
        return '"' + text.replace('"', '\\"') + '"'
    return 'e"' + "".join(map(_escaped, raw)) + '"'


def _escaped(byte: int) -> str:
    character = chr(byte)
    if character in '"\\':
        return f"\\{character}"
    return character if character.isascii() and character.isprintable() else f"\\x{byte:02x}"
