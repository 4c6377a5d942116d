r"""Globs: which paths a pattern means, exactly as Go's ``path.Match`` has it for each element of a path.

Pure; never looks at a file system. Any thread.

The grammar of one element (there is no other metacharacter, and a slash always ends the element)::

    '*'          any characters, none included, a leading dot too ('**' is the same)
    '?'          any one character
    '[' ['^'] { c | lo '-' hi } ']'   one character of a class, or with '^' one that is not in it
    '\' c        c itself, in a class too
    c            itself: braces and a lone ']' too

A class needs a member; ``]`` and ``-`` are members only after a ``\``, and ``!`` is a member like any other.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from udev_device_plugin.selectors.paths.wildcard import ANY, STAR, Token, class_token, regex_of

MAX_PATH = 4095
"""The kernel's limit for a path (``PATH_MAX`` without the closing NUL); a longer pattern is a mistake."""

MAX_REMEMBERED = 1024
"""Paths whose globs are remembered: what is followed is let go again, and most often comes back."""

_SPECIAL = re.compile(r"[*?[\\]")


class GlobError(ValueError):
    """A pattern that is malformed.

    Attributes:
        position: index of the character that is wrong.
        problem: what is wrong with it, and what would be right.
    """

    def __init__(self, position: int, problem: str) -> None:
        super().__init__(f"position {position}: {problem}")
        self.position = position
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a glob: what stands between two slashes.

    Attributes:
        text: as written.
        literal: the name that it means, without escapes; "" when it has metacharacters.
    """

    text: str
    literal: str = field(compare=False)
    _pattern: re.Pattern[str] | None = field(compare=False, repr=False)

    @property
    def is_literal(self) -> bool:
        """It has no unescaped metacharacter, and means one name."""
        return self._pattern is None

    def matches(self, name: str) -> bool:
        """Whether a directory entry's name is meant."""
        if self._pattern is None:
            return name == self.literal
        return "/" not in name and self._pattern.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class Glob:
    """A pattern of absolute paths; a literal path is one without metacharacters.

    Attributes:
        text: as written.
        elements: what stands between its slashes; empty ones and ``.`` are left out.
        is_literal: it has no unescaped metacharacter, and means one path.
        warnings: what is legal and probably not meant.
    """

    text: str
    elements: tuple[Element, ...] = field(compare=False, repr=False)
    warnings: tuple[str, ...] = field(default=(), compare=False, repr=False)
    is_literal: bool = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        # Asked for each match of each path at each change: worked out once.
        object.__setattr__(self, "is_literal", all(element.is_literal for element in self.elements))

    @classmethod
    def parse(cls, text: str) -> "Glob":
        """Read a pattern; ``GlobError`` tells where and why it is malformed."""
        if not text.startswith("/"):
            raise GlobError(0, "it is not an absolute path; begin with /")
        if "\0" in text:
            raise GlobError(text.index("\0"), "a path cannot contain a NUL character; leave it out")
        if len(text) > MAX_PATH:
            raise GlobError(MAX_PATH, f"it is longer than a path can be ({MAX_PATH} characters); shorten it")
        elements = tuple(_elements(text))
        return cls(text, elements, tuple(_warnings(text)))

    @classmethod
    @lru_cache(maxsize=MAX_REMEMBERED)
    def of(cls, path: str) -> "Glob":
        """The literal glob that means ``path`` and nothing else."""
        text = _SPECIAL.sub(r"\\\g<0>", path)
        names = path.split("/")
        if names[0] or ".." in names or "\0" in path or len(text) > MAX_PATH:
            return cls.parse(text)  # which says what is wrong with it
        return cls(text, tuple(Element(name, name, None) for name in names if name not in ("", ".")))

    def __str__(self) -> str:
        return self.text

    @property
    def literal(self) -> str:
        """The path that a literal glob means, in its shortest spelling; "" when there are metacharacters."""
        return "/" + "/".join(element.literal for element in self.elements) if self.is_literal else ""

    def matches(self, path: str) -> bool:
        """Whether an absolute path in its shortest spelling is meant."""
        names = path.split("/")[1:] if path != "/" else []
        return (
            path.startswith("/")
            and len(names) == len(self.elements)
            and all(element.matches(name) for element, name in zip(self.elements, names, strict=True))
        )


def _elements(text: str) -> Iterator[Element]:
    position = 1
    for part in text[1:].split("/"):
        tokens = tuple(_tokens(part, position))
        characters = [token.literal for token in tokens if token.literal is not None]
        is_literal = len(characters) == len(tokens)
        name = "".join(characters) if is_literal else ""
        if is_literal and name == "..":
            raise GlobError(position, "an element .. leads back up; write the path without it")
        if not (is_literal and name in ("", ".")):
            yield Element(part, name, None if is_literal else re.compile(regex_of(tokens), re.DOTALL))
        position += len(part) + 1


def _tokens(part: str, offset: int) -> Iterator[Token]:
    index = 0
    while index < len(part):
        if part[index] == "[":
            token, index = _character_class(part, index, offset)
        elif part[index] == "\\":
            character, index = _escaped(part, index, offset)
            token = Token(re.escape(character), character)
        else:
            token, index = _plain(part[index]), index + 1
        yield token


def _plain(character: str) -> Token:
    match character:
        case "*":
            return STAR
        case "?":
            return ANY
        case _:
            return Token(re.escape(character), character)


def _escaped(part: str, index: int, offset: int) -> tuple[str, int]:
    if index + 1 == len(part):
        raise GlobError(offset + index, r"\ has nothing to escape; write \\ for the character itself")
    return part[index + 1], index + 2


def _character_class(part: str, start: int, offset: int) -> tuple[Token, int]:
    """Read the class that opens at ``start``; give it and the index after its closing bracket."""
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
    return _class_token(ranges, negated=negated), index + 1


def _member(part: str, index: int, start: int, offset: int) -> tuple[str, int]:
    if index >= len(part):
        raise GlobError(offset + start, r"the class is not closed within its element; add ], or write \[ for [")
    if part[index] in "]-":
        sign = part[index]
        raise GlobError(offset + index, f"the class needs a member before {sign}; write \\{sign} to make it one")
    if part[index] == "\\":
        return _escaped(part, index, offset)
    return part[index], index + 1


def _class_token(ranges: list[tuple[str, str]], *, negated: bool) -> Token:
    # Go takes a reversed range as an empty one; re would refuse it.
    members = "".join(f"{re.escape(low)}-{re.escape(high)}" for low, high in ranges if low <= high)
    return class_token(members, negated=negated)


def _warnings(text: str) -> Iterator[str]:
    bare = re.sub(r"\\.", "", text, flags=re.DOTALL)
    if "**" in bare:
        yield "** means the same as *, within one element of the path; write one glob for each depth"
    if "[!" in bare:
        yield "! negates nothing in a class, it is a member; write [^ to negate"
    if re.search(r"\{[^{}]*\}", bare):
        yield "braces are ordinary characters, not alternatives; write one path for each alternative"
