r"""The values that a udev rule wants, compared exactly as udevd compares them.

Pure. Any thread. Does not depend on keys and devices.

udevd compares bytes, in the C locale. A value is split at every ``|``; there is no escaping it. If the whole has none
of ``*``, ``?`` and ``[``, its alternatives are literal, backslashes included. Otherwise each is a glob of fnmatch(3)
without flags (a slash and a leading dot are characters like any other)::

    '*'                       any characters, none included
    '?'                       any one byte
    '[' ['!' | '^'] { c | lo '-' hi | '[:' class ':]' } ']'   a ']' that comes first is a member
    '\' c                     c itself, in a class too

An empty alternative takes the empty text. ``?*`` alone is not a glob but means "not empty", by turning ``==`` into
``!=`` and back; that shows where a key has several values or none (``TAG``, ``SYMLINK``).
"""

import re
import string
from dataclasses import dataclass, field

from udev_device_plugin.selectors.paths.pattern import PatternError, Token, literal_of, pattern_of, tokens

MAX_ATTRIBUTE = 511
"""Bytes of an attribute that are compared where its trailing whitespace does not count (the size of udevd's buffer)."""

_SPACES = " \t\n\v\f\r"  # C's isspace
_TRAILING = " \t\n\r"  # what udevd removes
_CLASSES = {
    "alnum": string.ascii_letters + string.digits,
    "alpha": string.ascii_letters,
    "blank": " \t",
    "cntrl": "".join(map(chr, (*range(32), 127))),
    "digit": string.digits,
    "graph": string.ascii_letters + string.digits + string.punctuation,
    "lower": string.ascii_lowercase,
    "print": string.ascii_letters + string.digits + string.punctuation + " ",
    "punct": string.punctuation,
    "space": _SPACES,
    "upper": string.ascii_uppercase,
    "xdigit": string.hexdigits,
}


class RuleValueError(PatternError):
    """A value with a class that cannot be used; positions are bytes."""


@dataclass(frozen=True, slots=True)
class Value:
    """What a rule wants a text to be.

    Attributes:
        raw: its bytes, as udevd keeps them without quotes and escapes.
        literals: the texts that it takes as they are, in Latin-1, which has a character for each byte.
        inverted: whether it is ``?*``, which takes the empty text and inverts the operator.
        strips: whether the trailing whitespace of an attribute does not count.
    """

    raw: bytes
    literals: frozenset[str] = field(compare=False, repr=False)
    inverted: bool = field(compare=False, repr=False)
    strips: bool = field(compare=False, repr=False)
    _patterns: tuple[re.Pattern[str], ...] = field(compare=False, repr=False)

    @classmethod
    def parse(cls, raw: bytes) -> "Value":
        """Parse a value; ``RuleValueError`` says where and why it cannot be used."""
        alternatives = raw.decode("latin-1").split("|")
        first = next((text for text in alternatives if text), "")
        strips = first != "" and first[-1] not in _SPACES  # udevd looks at the first alternative only
        if raw == b"?*":
            return cls(raw, frozenset([""]), inverted=True, strips=strips, _patterns=())
        if not re.search(rb"[*?\[]", raw):
            return cls(raw, frozenset(alternatives), inverted=False, strips=strips, _patterns=())
        literals, patterns, offset = set[str](), list[re.Pattern[str]](), 0
        for alternative in alternatives:
            read = tuple(tokens(alternative, offset, _class, _escaped))
            if (literal := literal_of(read)) is not None:
                literals.add(literal)
            else:
                patterns.append(pattern_of(read))
            offset += len(alternative) + 1
        return cls(raw, frozenset(literals), inverted=False, strips=strips, _patterns=tuple(patterns))

    @classmethod
    def any_of(cls, raw: bytes, literals: frozenset[str]) -> "Value":
        """Return a value that takes these texts instead of its own."""
        return cls(raw, literals, inverted=False, strips=True, _patterns=())

    @property
    def text(self) -> str:
        """For a person; bytes that are no UTF-8 are surrogates."""
        return self.raw.decode("utf-8", "surrogateescape")

    @property
    def is_literal(self) -> bool:
        """Whether it has no glob among its alternatives, and is not ``?*``."""
        return not self._patterns and not self.inverted

    @property
    def texts(self) -> frozenset[str]:
        """``literals`` in the encoding of ``text``."""
        return frozenset(one.encode("latin-1").decode("utf-8", "surrogateescape") for one in self.literals)

    def takes(self, text: str) -> bool:
        """Whether a text is wanted (before ``inverted`` inverts that)."""
        return self._takes(_bytewise(text))

    def takes_attribute(self, text: str) -> bool:
        """The same for an attribute of sysfs, which often ends in whitespace that nobody means."""
        found = _bytewise(text)
        return self._takes(found[:MAX_ATTRIBUTE].rstrip(_TRAILING) if self.strips else found)

    def _takes(self, found: str) -> bool:
        return found in self.literals or any(pattern.fullmatch(found) for pattern in self._patterns)


def _bytewise(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


def _escaped(text: str, index: int, _offset: int) -> str | None:
    return text[index] if index < len(text) else None  # fnmatch: with nothing to escape, it matches nothing


def _class(text: str, start: int, offset: int) -> tuple[Token, int]:
    """Parse the class that opens at ``start``; return it and the index behind its closing bracket."""
    index = start + 1
    negated = text[index : index + 1] in ("!", "^")
    first = index = index + negated
    ranges: list[tuple[str, str]] = []
    while index == first or not text.startswith("]", index):
        if (named := re.compile(r"\[:([a-z]+):\]").match(text, index)) is not None:
            members = _named_class(named[1], offset + index)
            ranges += zip(members, members, strict=True)
            index = named.end()
            continue
        low, index = _member(text, index, start, offset)
        high = low
        if text.startswith("-", index) and not text.startswith("-]", index):
            high, index = _member(text, index + 1, start, offset)
        ranges.append((low, high))
    return Token.of_class(ranges, negated=negated), index + 1


def _named_class(name: str, index: int) -> str:
    if name not in _CLASSES:
        raise RuleValueError(index, f"[:{name}:] is no class of characters; there are {', '.join(_CLASSES)}")
    return _CLASSES[name]


def _member(text: str, index: int, start: int, offset: int) -> tuple[str, int]:
    if text.startswith(("[.", "[="), index):
        raise RuleValueError(offset + index, r"collating symbols in a class are not understood; write \[ for [")
    if text.startswith("\\", index):
        index += 1
    if index >= len(text):
        raise RuleValueError(offset + start, r"the class is not closed before | or the end; add ], or write \[ for [")
    return text[index], index + 1
