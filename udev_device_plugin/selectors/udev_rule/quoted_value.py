r"""Reads the quoted value of a match: ``"…"`` with ``\"`` for a quote, and ``e"…"`` with C's escapes.

Pure. Any thread.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from udev_device_plugin.selectors.udev_rule.refusals import TYPOGRAPHIC_QUOTES

AddFault = Callable[[int, str], None]
"""Takes the position of a character that is wrong, and what is wrong with it."""

_PREFIX = re.compile(r'[A-Za-z]*(?=")')
_SUBSTITUTION = re.compile(
    r"%(?:[bcDEkLmMnNpPrsS](?![A-Za-z0-9])|[cEs]\{)"
    r"|\$(?:devnode|tempnode|attr|sysfs|env|kernel|number|driver|devpath|id|major|minor|result|parent|name|links|root"
    r"|sys)(?![A-Za-z0-9])"
)
_ESCAPE = re.compile(r'\\(?:([abfnrtvs\\"\'])|x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([0-3][0-7]{2}))')
_ESCAPES = dict(zip("abfnrtvs\\\"'", b"\a\b\f\n\r\t\v \\\"'", strict=True))


class QuotedValue(NamedTuple):
    """A value as it is written.

    Attributes:
        raw: its bytes, without quotes and escapes.
        places: the position of each byte in the text, and that of the closing quote.
        end: the position behind it.
    """

    raw: bytes
    places: list[int]
    end: int


def read_quoted(text: str, position: int, add_fault: AddFault) -> QuotedValue | None:
    """Read the value that begins at ``position``; None if it has no beginning or no end, which is a fault, too."""
    prefix = _PREFIX.match(text, position)
    if prefix is None:
        add_fault(position, _why_no_quote(text, position))
        return None
    if prefix[0] not in ("", "e"):
        remedy = "write both letters, such as [Aa]" if set(prefix[0]) <= set("ei") else 'only e"…" is known'
        add_fault(position, f"the prefix {prefix[0][:20]} of a value is not understood here; {remedy}")
    raw = bytearray()
    places: list[int] = []
    index = prefix.end() + 1
    while not text.startswith('"', index):
        if index >= len(text) or text[index] in "\r\n":
            add_fault(prefix.end(), _why_not_closed(text[prefix.end() + 1 : index]))
            return None
        piece, end = _piece(text, index, add_fault, escapes=prefix[0] == "e")
        raw += piece
        places += [index] * len(piece)
        index = end
    return QuotedValue(bytes(raw), [*places, index], index + 1)


def _why_no_quote(text: str, position: int) -> str:
    if text[position : position + 1] and text[position] in TYPOGRAPHIC_QUOTES:
        return f'{text[position]} is a typographic quote; write straight double quotes, "value"'
    return 'a value must stand in double quotes; write "value"'


def _why_not_closed(rest: str) -> str:
    if found := next((one for one in rest if one in TYPOGRAPHIC_QUOTES), ""):
        return f'the quote is not closed on its line: {found} is a typographic quote; write a straight one, "'
    return 'the quote is not closed on its line; add "'


def _piece(text: str, index: int, add_fault: AddFault, *, escapes: bool) -> tuple[bytes, int]:
    """Return the bytes of one character of a value, and the index behind it."""
    if escapes and text[index] == "\\":
        return _escape(text, index, add_fault)
    if text.startswith('\\"', index):
        return b'"', index + 2
    if not escapes and (found := _SUBSTITUTION.match(text, index)) is not None:
        problem = f"nothing is substituted in a match; write what it is, or [{text[index]}] for the character"
        add_fault(index, f"{found[0]}: {problem}")
    return text[index].encode(), index + 1


def _escape(text: str, index: int, add_fault: AddFault) -> tuple[bytes, int]:
    found = _ESCAPE.match(text, index)
    if found is None:
        add_fault(index, r"this is no escape of C; write \\ for the character \ itself")
        return b"", index + 1
    simple, pair, short, long, octal = found.groups()
    if simple:
        return bytes([_ESCAPES[simple]]), found.end()
    number = int(octal, 8) if octal else int(pair or short or long, 16)
    if number == 0 or ((short or long) and not _is_character(number)):
        add_fault(index, f"{found[0]} is no character that can stand in a value; leave it out")
        return b"", found.end()
    return chr(number).encode() if short or long else bytes([number]), found.end()


def _is_character(number: int) -> bool:
    """Whether Unicode has it: it is neither a surrogate nor a noncharacter."""
    beyond, surrogate = number > 0x10FFFF, 0xD800 <= number <= 0xDFFF  # noqa: PLR2004 - Unicode's own limits
    return not (beyond or surrogate or 0xFDD0 <= number <= 0xFDEF or number & 0xFFFE == 0xFFFE)  # noqa: PLR2004 - ditto
