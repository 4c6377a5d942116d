"""Wildcards: what a glob of any grammar comes to, and a regular expression of it that never runs away.

Pure. Any thread. Reads no pattern itself: ``paths.glob`` and ``udev_rule.values`` do.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Token:
    """What one character of a text must be: a regular expression, and the character if only one will do."""

    regex: str
    literal: str | None = None


ANY = Token(".")
STAR = Token("")
NONE = Token("(?!)")


def class_token(members: str, *, negated: bool) -> Token:
    """One character of those that ``members`` has in the spelling of ``re``; or, negated, one of the others."""
    if not members:
        return ANY if negated else NONE
    return Token(f"[{'^' if negated else ''}{members}]")


def regex_of(tokens: Sequence[Token]) -> str:
    """Join tokens so that matching never takes more than length of the text times length of the pattern.

    What stands between two stars matches a fixed number of characters, so its leftmost match leaves the most
    to the rest: an atomic group takes it and never comes back. Only the last star tries every place.
    """
    chunks = [""]
    for token in tokens:
        if token is not STAR:
            chunks[-1] += token.regex
        elif chunks[-1] or len(chunks) == 1:  # a run of stars is one star
            chunks.append("")
    first, rest = chunks[0], chunks[1:]
    return first + "".join(f"(?>.*?{chunk})" for chunk in rest[:-1]) + "".join(f".*{last}" for last in rest[-1:])
