r"""Parses the match part of a udev rule into terms; an error has the position of the character that is wrong.

Pure. Any thread. The text is untrusted: any text gives terms or a ``RuleError``, in bounded time.

It reads what udevd's own parser reads: between terms any number of commas and white space, or nothing at all; white
space around an operator; ``"…"`` with ``\"`` for a quote and no other escape; ``e"…"`` with C's escapes (udev 247 and
later). In addition a newline is white space. What can never match, or what a rule here cannot do, is refused.
"""

import re
from difflib import get_close_matches

from udev_device_plugin.selectors.paths.pattern import PatternError
from udev_device_plugin.selectors.udev_rule.terms import KEYS, Term
from udev_device_plugin.selectors.udev_rule.values import RuleValueError, Value

MAX_RULE = 4096
"""Characters; no real rule has as many, and each costs time with each device."""

_BLANK = re.compile(r"(?:[ \t\r\n,]|\\\r?\n)*")
_SPACE = re.compile(r"[ \t\r\n]*")
_WORD = re.compile(r"[A-Za-z_]+")
_OPERATOR = re.compile(r"==|!=|\+=|-=|:=|=")
_PREFIX = re.compile(r'[A-Za-z]*(?=")')
_SUBSTITUTION = re.compile(
    r"%(?:[bcDEkLmMnNpPrsS](?![A-Za-z0-9])|[cEs]\{)"
    r"|\$(?:devnode|tempnode|attr|sysfs|env|kernel|number|driver|devpath|id|major|minor|result|parent|name|links|root"
    r"|sys)(?![A-Za-z0-9])"
)
_ESCAPE = re.compile(r'\\(?:([abfnrtvs\\"\'])|x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([0-3][0-7]{2}))')
_ESCAPES = dict(zip("abfnrtvs\\\"'", b"\a\b\f\n\r\t\v \\\"'", strict=True))
_ANY_SUBSYSTEM = frozenset(["subsystem", "class", "bus"])
_ELSEWHERE = {
    "ACTION": "it is about an event and not about a device; leave it out",
    "CONST": "it is about the machine; choose machines with a nodeSelector",
    "GOTO": "a rule here stands alone; leave it out",
    "GROUP": "it gives a node away, and this only matches; leave it out",
    "IMPORT": "it runs or reads something; match ENV{} or ATTR{} instead",
    "LABEL": "a rule here stands alone; leave it out",
    "MODE": "it changes a node, and this only matches; use permissions: for the container",
    "NAME": "it is a network interface's; match KERNEL instead",
    "OPTIONS": "it changes how udev works, and this only matches; leave it out",
    "OWNER": "it gives a node away, and this only matches; leave it out",
    "PROGRAM": "it runs a program; match ENV{} or ATTR{} instead",
    "RESULT": "it is what a program said; match ENV{} or ATTR{} instead",
    "RUN": "it runs a program, and this only matches; leave it out",
    "SECLABEL": "it changes a node, and this only matches; leave it out",
    "SYSCTL": "it is about the machine; choose machines with a nodeSelector",
    "TEST": 'it looks for a file; match ATTR{}=="*" instead, which needs the attribute to be there',
    "WAIT_FOR": "udev itself has given it up; leave it out",
}


class RuleError(PatternError):
    """A rule that cannot be used."""


def parse_terms(text: str) -> tuple[Term, ...]:
    """Return the terms of a rule as they were written; ``RuleError`` says where and why it cannot be used."""
    if len(text) > MAX_RULE:
        raise RuleError(MAX_RULE, f"the rule is longer than {MAX_RULE} characters; shorten it")
    if (odd := re.search("[\0\ud800-\udfff]", text)) is not None:
        raise RuleError(odd.start(), f"U+{ord(odd[0]):04X} cannot stand in a rule; leave it out")
    terms: list[Term] = []
    position = _skip(_BLANK, text, 0)
    while position < len(text):
        term, position = _term(text, position)
        terms.append(term)
        position = _skip(_BLANK, text, position)
    if not terms:
        raise RuleError(0, 'the rule is empty; write what is to match, such as SUBSYSTEM=="tty"')
    return tuple(terms)


def _skip(pattern: re.Pattern[str], text: str, position: int) -> int:
    found = pattern.match(text, position)
    return found.end() if found else position


def _term(text: str, start: int) -> tuple[Term, int]:
    key, position = _key(text, start)
    name, position = _name(text, key, position)
    negated, position = _operator(text, key, _skip(_SPACE, text, position))
    quote = _skip(_SPACE, text, position)
    raw, places, position = _raw(text, quote)
    if key == "SUBSYSTEM" and raw.decode("latin-1") in _ANY_SUBSYSTEM:  # the same to udevd
        return Term(key, name, negated, Value.any_of(raw, _ANY_SUBSYSTEM)), position
    try:
        value = Value.parse(raw)
    except RuleValueError as problem:
        raise RuleError(places[problem.position], problem.problem) from None
    _check_value(quote, key, value)
    return Term(key, name, negated, value), position


def _key(text: str, start: int) -> tuple[str, int]:
    word = _WORD.match(text, start)
    if word is None:
        raise RuleError(start, f'{text[start]!r} begins no match; write one as KEY=="value"')
    if (key := word[0]) not in KEYS:
        raise RuleError(start, _unknown(key))
    return key, word.end()


def _unknown(key: str) -> str:
    if key in _ELSEWHERE:
        return f"{key} cannot be used here: {_ELSEWHERE[key]}"
    if key == "looking":
        return "headings of udevadm info -a cannot stand in a rule; leave out the lines that begin with looking at"
    similar = [key.upper()] if key.upper() in KEYS else get_close_matches(key.upper()[:20], KEYS, n=1)
    return f"{key[:40]} is no key of a match; " + (
        f"did you mean {similar[0]}?" if similar else f"there are {', '.join(KEYS)}"
    )


def _name(text: str, key: str, position: int) -> tuple[str, int]:
    if not text.startswith("{", position):
        if KEYS[key].is_named:
            raise RuleError(position, f"{key} needs a name in braces; write {key}{{name}}")
        return "", position
    if not KEYS[key].is_named:
        raise RuleError(position, f"{key} takes no name in braces; leave {{…}} out")
    end = text.find("}", position)
    if end < 0:
        raise RuleError(position, "the brace is not closed; add }")
    name = text[position + 1 : end]
    if problem := _name_problem(key, name):
        raise RuleError(position + 1, problem)
    return name, end + 1


def _name_problem(key: str, name: str) -> str:
    if not name or not name.isprintable():
        return f"{key} needs a name in braces, on one line; write {key}{{name}}"
    if key == "ENV":
        return ""
    if name.startswith("["):
        return "the attribute of a device that is named in [] is not read; match the device's own, or ATTRS{}"
    if "$" in name or "%" in name:
        return "nothing is substituted in the name of an attribute; write what it is"
    if name.startswith("/") or ".." in name.split("/"):
        return "an attribute lies below its device; leave out the leading / and .. (ATTRS{} looks at ancestors)"
    return ""


def _operator(text: str, key: str, position: int) -> tuple[bool, int]:
    operator = _OPERATOR.match(text, position)
    if operator is None:
        raise RuleError(position, f'after {key}, == or != is missing; write {key}=="value"')
    if operator[0] not in ("==", "!="):
        raise RuleError(position, f"{operator[0]} assigns, and this only matches; write == or !=, or leave it out")
    return operator[0] == "!=", operator.end()


def _raw(text: str, position: int) -> tuple[bytes, list[int], int]:
    """Return the bytes of a quoted value, the position of each and of its end, and where the text goes on."""
    prefix = _PREFIX.match(text, position)
    if prefix is None:
        raise RuleError(position, 'a value must stand in double quotes; write "value"')
    if prefix[0] not in ("", "e"):
        remedy = "write both letters, such as [Aa]" if set(prefix[0]) <= set("ei") else 'only e"…" is known'
        raise RuleError(position, f"the prefix {prefix[0][:20]} of a value is not understood here; {remedy}")
    raw = bytearray()
    places: list[int] = []
    quote = prefix.end()
    index = quote + 1
    while not text.startswith('"', index):
        if index >= len(text) or text[index] in "\r\n":
            raise RuleError(quote, 'the quote is not closed on its line; add "')
        piece, end = _piece(text, index, escapes=prefix[0] == "e")
        raw += piece
        places += [index] * len(piece)
        index = end
    return bytes(raw), [*places, index], index + 1


def _piece(text: str, index: int, *, escapes: bool) -> tuple[bytes, int]:
    """Return the bytes of one character of a value, and the index behind it."""
    if escapes and text[index] == "\\":
        return _escape(text, index)
    if text.startswith('\\"', index):
        return b'"', index + 2
    if not escapes and (found := _SUBSTITUTION.match(text, index)) is not None:
        problem = f"nothing is substituted in a match; write what it is, or [{text[index]}] for the character"
        raise RuleError(index, f"{found[0]}: {problem}")
    return text[index].encode(), index + 1


def _escape(text: str, index: int) -> tuple[bytes, int]:
    found = _ESCAPE.match(text, index)
    if found is None:
        raise RuleError(index, r"this is no escape of C; write \\ for the character \ itself")
    simple, pair, short, long, octal = found.groups()
    if simple:
        return bytes([_ESCAPES[simple]]), found.end()
    number = int(octal, 8) if octal else int(pair or short or long, 16)
    if number == 0 or ((short or long) and not _is_character(number)):
        raise RuleError(index, f"{found[0]} is no character that can stand in a value; leave it out")
    return chr(number).encode() if short or long else bytes([number]), found.end()


def _is_character(number: int) -> bool:
    """Whether Unicode has it: it is neither a surrogate nor a noncharacter."""
    beyond, surrogate = number > 0x10FFFF, 0xD800 <= number <= 0xDFFF  # noqa: PLR2004 - Unicode's own limits
    return not (beyond or surrogate or 0xFDD0 <= number <= 0xFDEF or number & 0xFFFE == 0xFFFE)  # noqa: PLR2004 - ditto


def _check_value(quote: int, key: str, value: Value) -> None:
    alternatives = value.raw.split(b"|")
    if key == "SYMLINK" and any(one.startswith(b"/") for one in alternatives):
        raise RuleError(quote, "udev's links are named without /dev/; leave it out")
    if key == "DEVPATH" and any(one.startswith(b"/sys/") for one in alternatives):
        raise RuleError(quote, "udev's device paths begin with /devices/; leave /sys out")
