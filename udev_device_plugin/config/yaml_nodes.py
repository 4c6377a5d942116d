"""The form between text and meaning: nodes that know their place, and typed reading of them.

Floor 1: pure; no YAML here, no I/O. A reader never raises at what a person wrote: it notes the fault and
gives something to go on with, so that all faults are found in one go.
"""

import re
from collections.abc import Sequence as Listing
from dataclasses import dataclass
from enum import Enum

from udev_device_plugin.config.faults import Faults, Place, quoted, suggestion


class Kind(Enum):
    """What YAML takes a scalar for, as a fault words it."""

    TEXT = "a text"
    NUMBER = "a number"
    BOOLEAN = "a truth value"
    NULL = "null"


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value: its text as it was written, without quotes and escapes."""

    place: Place
    kind: Kind
    text: str

    def __str__(self) -> str:
        if self.kind is Kind.NULL:
            return "null" if self.text else "empty"
        return f"{quoted(self.text)} is {self.kind.value}"


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    place: Place
    items: "tuple[Node, ...]"

    def __str__(self) -> str:
        return "a list"


@dataclass(frozen=True, slots=True)
class Entry:
    """A key of a mapping and its value; ``place`` is the key's."""

    place: Place
    key: str
    value: "Node"


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping: every key once, merge keys (``<<``) resolved."""

    place: Place
    entries: tuple[Entry, ...]

    def __str__(self) -> str:
        return "a mapping"

    def get(self, key: str) -> "Node | None":
        """The value of ``key``; None where it is missing or null, which is the same here as in Go."""
        for entry in self.entries:
            if entry.key == key:
                return None if is_null(entry.value) else entry.value
        return None


Node = Scalar | Sequence | Mapping


def is_null(node: Node) -> bool:
    """Nothing was written, or ``null``."""
    return isinstance(node, Scalar) and node.kind is Kind.NULL


@dataclass(frozen=True, slots=True)
class Reader:
    """Nodes to plain values; what does not fit goes to ``faults``."""

    faults: Faults

    def mapping(self, node: Node, known: Listing[str], what: str) -> Mapping | None:
        """A mapping with no other keys than the ``known`` ones."""
        if not isinstance(node, Mapping):
            self.wrong(node, f"{what} is needed, a mapping with {', '.join(known)}")
            return None
        for entry in node.entries:
            if entry.key not in known:
                self.faults.add(entry.place, f"unknown key; {suggestion(entry.key, known)}")
        return node

    def items(self, node: Node | None, parent: Node, key: str) -> tuple[Node, ...]:
        """The items of the list ``key`` of ``parent``, at least one."""
        if node is None:
            self.faults.add(parent.place, f"it has no {key}; give a list of one or more")
        elif not isinstance(node, Sequence):
            self.wrong(node, "a list is needed: put it into [ ]")
        elif not node.items:
            self.faults.add(node.place, "the list is empty; give one item or more")
        else:
            return node.items
        return ()

    def text(self, node: Node) -> str | None:
        """A text; what looks like something else must be quoted, for YAML may have another idea of it."""
        if isinstance(node, Scalar) and node.kind is Kind.TEXT:
            return node.text
        quotable = isinstance(node, Scalar) and node.kind is not Kind.NULL
        self.wrong(node, "a text is needed" + (": put it into quotes" if quotable else ""))
        return None

    def whole_number(self, node: Node | None, maximum: int) -> int:
        """A number from 1 to ``maximum``; missing and 0 mean 1, as they do for the origin."""
        if node is None:
            return 1
        if not isinstance(node, Scalar) or node.kind is not Kind.NUMBER:
            self.wrong(node, "a whole number is needed, without quotes")
        elif not re.fullmatch(r"\+?(0|[1-9][0-9]{0,8})", node.text) or int(node.text) > maximum:
            problem = f"{quoted(node.text)} is not a whole number from 0 to {maximum}; write it in plain digits"
            self.faults.add(node.place, problem)
        else:
            return max(1, int(node.text))
        return 1

    def truth(self, node: Node | None) -> bool:
        """True or false; missing means false."""
        if node is None:
            return False
        if not isinstance(node, Scalar) or node.kind is not Kind.BOOLEAN:
            self.wrong(node, "true or false is needed, without quotes")
            return False
        return node.text.lower() in ("true", "yes", "on")

    def wrong(self, node: Node, remedy: str) -> None:
        """Note that ``node`` is of the wrong type."""
        subject = str(node) if isinstance(node, Scalar) and node.kind is not Kind.NULL else f"it is {node}"
        self.faults.add(node.place, f"{subject}; {remedy}")
