"""YAML nodes with their places, and typed reading of them.

Pure. A reader never raises because of what is written: it adds the fault and returns a value to go on with,
so that all faults are found at once.
"""

import re
from collections.abc import Callable, Sequence as Listing
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from udev_device_plugin.config.faults import Faults, Place, quoted, suggestion
from udev_device_plugin.config.scalars import ScalarError

T = TypeVar("T")


class Kind(Enum):
    """The type that a scalar has for YAML, as faults word it."""

    TEXT = "a text"
    NUMBER = "a number"
    BOOLEAN = "a truth value"
    NULL = "null"


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value: its text without quotes and escapes."""

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
    """Whether the value is ``null`` or empty."""
    return isinstance(node, Scalar) and node.kind is Kind.NULL


def written(node: Node) -> str:
    """Return a node as YAML on one line, which reads as the same."""
    match node:
        case Scalar(kind=Kind.TEXT, text=text):
            return _in_quotes(text)
        case Scalar(text=text):
            return text or "null"
        case Sequence(items=items):
            return f"[{', '.join(map(written, items))}]"
        case Mapping(entries=entries):
            return "{" + ", ".join(f"{_in_quotes(entry.key)}: {written(entry.value)}" for entry in entries) + "}"


def _in_quotes(text: str) -> str:
    plain = (one if one.isascii() and one.isprintable() and one not in '"\\' else f"\\U{ord(one):08x}" for one in text)
    return f'"{"".join(plain)}"'


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads plain values from nodes; a node that has another type or value than needed is added to ``faults``."""

    faults: Faults

    def mapping(self, node: Node, known: Listing[str], what: str) -> Mapping | None:
        """Return ``node`` if it is a mapping; other keys than the ``known`` ones are faults."""
        if not isinstance(node, Mapping):
            self.wrong(node, f"{what} is needed, a mapping with {', '.join(known)}")
            return None
        for entry in node.entries:
            if entry.key not in known:
                self.faults.add(entry.place, f"unknown key; {suggestion(entry.key, known)}")
        return node

    def required(self, parent: Mapping, key: str, remedy: str) -> Node | None:
        """Return the value of ``key``; a missing one is a fault."""
        node = parent.get(key)
        if node is None:
            self.faults.add(parent.place, f"it has no {key}; {remedy}")
        return node

    def items(self, node: Node | None, parent: Mapping, key: str) -> tuple[Node, ...]:
        """Return the items of ``node``, the list ``key`` of ``parent``; at least one is needed."""
        if node is None:
            self.faults.add(parent.place, f"it has no {key}; give a list of one or more")
        elif not isinstance(node, Sequence):
            self.wrong(node, "a list is needed: put it into [ ]")
        elif not node.items:
            self.faults.add(node.place, "the list is empty; give one item or more")
        else:
            return node.items
        return ()

    def text(self, node: Node | None, parse: Callable[[str], T]) -> T | None:
        """Parse a string. What YAML reads as another type must be quoted."""
        if node is None or (isinstance(node, Scalar) and node.kind is Kind.TEXT):
            return self.scalar(node, parse)
        quotable = isinstance(node, Scalar) and node.kind is not Kind.NULL
        self.wrong(node, "a text is needed" + (": put it into quotes" if quotable else ""))
        return None

    def scalar(self, node: Node | None, parse: Callable[[str], T]) -> T | None:
        """Parse a single value as it is written, of whatever type for YAML: 0451 is not a number here."""
        if isinstance(node, Scalar):
            try:
                return parse(node.text)
            except ScalarError as error:
                self.faults.add(node.place, str(error))
        elif node is not None:
            self.wrong(node, "a single value is needed")
        return None

    def whole_number(self, node: Node | None, maximum: int) -> int:
        """Return a number from 1 to ``maximum``; missing and 0 mean 1, as in the origin."""
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
        """Return a boolean; missing means false."""
        if node is None:
            return False
        if not isinstance(node, Scalar) or node.kind is not Kind.BOOLEAN:
            self.wrong(node, "true or false is needed, without quotes")
            return False
        return node.text.lower() in ("true", "yes", "on")

    def wrong(self, node: Node, remedy: str) -> None:
        """Add the fault that ``node`` is of the wrong type."""
        subject = str(node) if isinstance(node, Scalar) and node.kind is not Kind.NULL else f"it is {node}"
        self.faults.add(node.place, f"{subject}; {remedy}")
