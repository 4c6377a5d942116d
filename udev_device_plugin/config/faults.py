"""Faults and warnings found while a configuration is read, each with its place, and how they are worded.

Pure.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from udev_device_plugin.errors import ConfigError, Fault

_SHOWN = 60
"""Characters of a value that a fault quotes: enough to find it, and a fault stays one line."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is written.

    Attributes:
        source: the file, flag or environment variable.
        path: within it, ``devices[1].groups[0].count``.
        line: counted from 1; 0 where the source has only one.
    """

    source: str
    path: str = ""
    line: int = 0

    def at(self, line: int) -> "Place":
        """Return the same place on another line, if the source has several."""
        return Place(self.source, self.path, line if self.line else 0)

    def key(self, name: str) -> "Place":
        """Return the place of a mapping's entry."""
        shown = name if re.fullmatch(r"[\w-]{1,60}", name) else quoted(name)
        return Place(self.source, f"{self.path}.{shown}" if self.path else shown, self.line)

    def item(self, index: int) -> "Place":
        """Return the place of a list's item."""
        return Place(self.source, f"{self.path}[{index}]", self.line)

    def __str__(self) -> str:
        source = f"{self.source}:{self.line}" if self.line else self.source
        return f"{source}: {self.path}" if self.path else source


class Faults:
    """Collects the faults and warnings of one configuration while it is read.

    Attributes:
        found: what makes the configuration unusable.
        warnings: what is usable and probably not meant.
    """

    def __init__(self) -> None:
        self.found: list[Fault] = []
        self.warnings: list[Fault] = []

    def add(self, place: Place | str, problem: str) -> None:
        """Add a fault."""
        self.found.append(Fault(printable(str(place)), printable(problem)))

    def warn(self, place: Place | str, problem: str) -> None:
        """Add a warning."""
        self.warnings.append(Fault(printable(str(place)), printable(problem)))

    def raise_all(self) -> None:
        """Raise all faults at once, if there are any."""
        if self.found:
            raise ConfigError(self.found)


def printable(text: str) -> str:
    """Escape every character that could break the line or confuse a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def quoted(value: str) -> str:
    """Return a value in quotes, on one line, cut if it is long."""
    return f'"{printable(value if len(value) <= _SHOWN else value[:_SHOWN] + "…")}"'


def listed(names: Iterable[str]) -> str:
    """Join names for a sentence: ``a, b or c``."""
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return the remedy for a misspelt word: the most similar known one, else all of them."""
    names = tuple(known)
    nearest = get_close_matches(word[:_SHOWN].lower().replace("_", "-"), [name.lower() for name in names], n=1)
    if not nearest:
        return f"use {listed(names)}"
    return f"did you mean {next(name for name in names if name.lower() == nearest[0])}?"
