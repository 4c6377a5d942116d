r"""Globs: patterns of paths, exactly as Go's ``path.Match`` has them for each element of a path.

Pure; reads no file system. Any thread.

The grammar of one element (there is no other metacharacter, and a slash always ends the element)::

    '*'          any characters, none included, a leading dot too ('**' is the same)
    '?'          any one character
    '[' ['^'] { c | lo '-' hi } ']'   one character of a class, or with '^' one that is not in it
    '\' c        c itself, in a class too
    c            itself: braces and a lone ']' too

A class needs a member; ``]`` and ``-`` are members only after a ``\``, and ``!`` is a member like any other.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from udev_device_plugin.selectors.paths.pattern import PatternError, Token, literal_of, pattern_of, tokens

MAX_PATH = 4095
"""The kernel's limit for a path (``PATH_MAX`` without the closing NUL); a longer pattern is a mistake."""


MAX_CACHED = 4096
"""Cached paths: a host has thousands, most of which are looked up repeatedly, and there may always be new ones."""


class GlobError(PatternError):
    """A glob that is malformed."""


@dataclass(frozen=True, slots=True)
class Element:
    """What is between two slashes of a glob.

    Attributes:
        literal: the only name that it matches, without escapes; "" when it has metacharacters.
    """

    literal: str
    _pattern: re.Pattern[str] | None = None

    @property
    def is_literal(self) -> bool:
        """Whether it has no unescaped metacharacter."""
        return self._pattern is None

    def matches(self, name: str) -> bool:
        """Whether it matches the name of a directory entry."""
        if self._pattern is None:
            return name == self.literal
        return "/" not in name and self._pattern.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class Glob:
    """A pattern of absolute paths; a literal path is one without metacharacters.

    Attributes:
        text: as written.
        elements: what is between its slashes, without empty ones and ``.``.
        warnings: what is legal and probably a mistake.
    """

    text: str
    elements: tuple[Element, ...] = field(compare=False, repr=False)
    warnings: tuple[str, ...] = field(default=(), compare=False, repr=False)

    @classmethod
    def parse(cls, text: str) -> "Glob":
        """Parse a pattern; ``GlobError`` says where and why it is malformed."""
        if not text.startswith("/"):
            raise GlobError(0, "it is not an absolute path; begin with /")
        if "\0" in text:
            raise GlobError(text.index("\0"), "a path cannot contain a NUL character; leave it out")
        if len(text) > MAX_PATH:
            raise GlobError(MAX_PATH, f"it is longer than a path can be ({MAX_PATH} characters); shorten it")
        return cls(text, tuple(_elements(text)), tuple(_warnings(text)))

    @classmethod
    def of(cls, path: str) -> "Glob":
        """Return the literal glob that matches ``path`` alone."""
        text = re.sub(r"[*?[\\]", r"\\\g<0>", path)
        names = path.split("/")
        if names[0] or ".." in names or "\0" in path or len(path) > MAX_PATH:
            return cls.parse(text)  # which says what is wrong with it
        return cls(text, tuple(Element(name) for name in names if name not in ("", ".")))

    def __str__(self) -> str:
        return self.text

    @property
    def is_literal(self) -> bool:
        """Whether it has no unescaped metacharacter, and matches one path."""
        return all(element.is_literal for element in self.elements)

    @property
    def literal(self) -> str:
        """The path that a literal glob matches, in its shortest spelling; "" when there are metacharacters."""
        return "/" + "/".join(element.literal for element in self.elements) if self.is_literal else ""

    def matches(self, path: str) -> bool:
        """Whether it matches an absolute path in its shortest spelling."""
        names = path.split("/")[1:] if path != "/" else []
        return (
            path.startswith("/")
            and len(names) == len(self.elements)
            and all(element.matches(name) for element, name in zip(self.elements, names, strict=True))
        )


Matching = Callable[[str], frozenset[Glob]]


def matching(globs: Iterable[Glob]) -> Matching:
    """Return what tells which of many globs match an absolute path in its shortest spelling."""
    known, none = frozenset(globs), frozenset[Glob]()  # one empty set for the many paths that none matches
    return lru_cache(MAX_CACHED)(lambda path: frozenset(glob for glob in known if glob.matches(path)) or none)


def _elements(text: str) -> Iterator[Element]:
    position = 1
    for part in text[1:].split("/"):
        read = tuple(tokens(part, position, _class, _escaped))
        name = literal_of(read)
        if name == "..":
            raise GlobError(position, "an element .. leads back up; write the path without it")
        if name is None:
            yield Element("", pattern_of(read))
        elif name not in ("", "."):
            yield Element(name)
        position += len(part) + 1


def _escaped(part: str, index: int, offset: int) -> str:
    """Return the character at ``index``, which is behind a backslash."""
    if index == len(part):
        raise GlobError(offset + index - 1, r"\ has nothing to escape; write \\ for the character itself")
    return part[index]


def _class(part: str, start: int, offset: int) -> tuple[Token, int]:
    """Parse the class that opens at ``start``; return it and the index behind its closing bracket."""
    index = start + 1
    negated = part.startswith("^", index)
    index += negated
    ranges: list[tuple[str, str]] = []
    while not (ranges and part.startswith("]", index)):
        low, index = _member(part, index, start, offset)
        high = low
        if part.startswith("-", index):
            high, index = _member(part, index + 1, start, offset)
        ranges.append((low, high))
    return Token.of_class(ranges, negated=negated), index + 1


def _member(part: str, index: int, start: int, offset: int) -> tuple[str, int]:
    if index >= len(part):
        raise GlobError(offset + start, r"the class is not closed within its element; add ], or write \[ for [")
    if part[index] in "]-":
        sign = part[index]
        raise GlobError(offset + index, f"the class needs a member before {sign}; write \\{sign} to make it one")
    index += part[index] == "\\"
    return _escaped(part, index, offset), index + 1


def _warnings(text: str) -> Iterator[str]:
    bare = re.sub(r"\\.", "", text, flags=re.DOTALL)
    if "**" in bare:
        yield "** means the same as *, within one element of the path; write one glob for each depth"
    if "[!" in bare:
        yield "! negates nothing in a class, it is a member; write [^ to negate"
    if re.search(r"\{[^{}]*\}", bare):
        yield "braces are ordinary characters, not alternatives; write one path for each alternative"
