"""What a glob of any grammar is parsed to, and a regular expression of it whose time is bounded.

Pure. Any thread. ``paths.glob`` and ``udev_rule.values`` parse the two grammars.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass


class PatternError(ValueError):
    """A pattern that cannot be used.

    Attributes:
        position: index of the character that is wrong.
        problem: what is wrong with it, and what would be right; one line.
    """

    def __init__(self, position: int, problem: str) -> None:
        super().__init__(f"position {position}: {problem}")
        self.position = position
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Token:
    """What one character of a text must be: a regular expression, and the character if there is only one."""

    regex: str
    literal: str | None = None

    @classmethod
    def of(cls, character: str) -> "Token":
        """Return a token for this character."""
        return cls(re.escape(character), character)

    @classmethod
    def of_class(cls, ranges: Iterable[tuple[str, str]], *, negated: bool) -> "Token":
        """Return a token for the characters of these ranges, or for all others; a reversed range is empty."""
        members = "".join(f"{re.escape(low)}-{re.escape(high)}" for low, high in ranges if low <= high)
        if not members:
            return ANY if negated else NONE
        return cls(f"[{'^' if negated else ''}{members}]")


ANY = Token(".")
STAR = Token("")
NONE = Token("(?!)")


def tokens(
    text: str,
    offset: int,
    read_class: Callable[[str, int, int], tuple[Token, int]],
    read_escaped: Callable[[str, int, int], str | None],
) -> Iterator[Token]:
    """Yield what each character of a glob means.

    Args:
        text: the glob.
        offset: where it stands in a longer text, for errors.
        read_class: takes the glob, the index at which a class opens, and ``offset``; returns the class and the index
            behind it.
        read_escaped: takes an index behind a backslash likewise; returns the character there, or None if nothing can
            match it.
    """
    index = 0
    while index < len(text):
        match text[index]:
            case "*":
                yield STAR
            case "?":
                yield ANY
            case "[":
                token, index = read_class(text, index, offset)
                yield token
                continue
            case "\\":
                index += 1
                character = read_escaped(text, index, offset)
                yield NONE if character is None else Token.of(character)
            case plain:
                yield Token.of(plain)
        index += 1


def literal_of(tokens: Sequence[Token]) -> str | None:
    """Return the only text that the tokens match; None if there are others."""
    characters = [token.literal for token in tokens if token.literal is not None]
    return "".join(characters) if len(characters) == len(tokens) else None


def pattern_of(tokens: Iterable[Token]) -> re.Pattern[str]:
    """Compile tokens so that matching never takes more than length of the text times length of the pattern.

    What is between two stars matches a fixed number of characters, so its leftmost match leaves the most
    to the rest: an atomic group takes it and never backtracks. Only the last star tries every place.
    """
    chunks = [""]
    for token in tokens:
        if token is not STAR:
            chunks[-1] += token.regex
        elif chunks[-1] or len(chunks) == 1:  # a run of stars is one star
            chunks.append("")
    first, rest = chunks[0], chunks[1:]
    middle = "".join(f"(?>.*?{chunk})" for chunk in rest[:-1])
    return re.compile(first + middle + "".join(f".*{last}" for last in rest[-1:]), re.DOTALL)
