r"""Parses the match part of a udev rule into terms; each fault has the position of the character that is wrong.

Pure. Any thread. The text is untrusted: any text gives terms or a ``RuleError``, in bounded time.

It reads what udevd's own parser reads: between terms any number of commas and white space, or nothing at all; lines of
remarks, which begin with ``#``; white space around an operator; ``"…"`` with ``\"`` for a quote and no other escape;
``e"…"`` with C's escapes (udev 247 and later). In addition a newline is white space. What can never match, or what a
rule here cannot do, is refused; all that is to be refused is found at once.
"""

import re
from collections.abc import Sequence
from difflib import get_close_matches

from udev_device_plugin.selectors.paths.pattern import PatternError
from udev_device_plugin.selectors.udev_rule.quoted_value import QuotedValue, read_quoted
from udev_device_plugin.selectors.udev_rule.refusals import (
    TYPOGRAPHIC_QUOTES,
    key_refusal,
    property_refusal,
    value_refusal,
)
from udev_device_plugin.selectors.udev_rule.terms import KEYS, Term
from udev_device_plugin.selectors.udev_rule.values import RuleValueError, Value

MAX_RULE = 4096
"""Characters; no real rule has as many, and each costs time with each device."""

_BLANK = re.compile(r"(?:[ \t\r\n,]|\\\r?\n)*")
_SPACE = re.compile(r"[ \t\r\n]*")
_LINE = re.compile(r"[^\n]*")
_WORD = re.compile(r"[A-Za-z_]+")
_OPERATOR = re.compile(r"==|!=|\+=|-=|:=|=")
_OF_A_MATCH = re.compile(r"[ \t]*(?:[{=!+:-]|$)")
_REST_OF_TERM = re.compile(
    rf"""(?:\{{[^}}\r\n]*\}}?|[^\s,={{!+:"'{TYPOGRAPHIC_QUOTES}-])*   # key and name
    [ \t]*[=!+:-]*[ \t]*                                               # operator
    (?:[A-Za-z]*"(?:\\"|[^"\r\n])*"?                                   # value
    |['{TYPOGRAPHIC_QUOTES}][^"'{TYPOGRAPHIC_QUOTES}\r\n]*["'{TYPOGRAPHIC_QUOTES}]?
    |[^\s,]*)""",
    re.VERBOSE,
)
_ANY_SUBSYSTEM = frozenset(["subsystem", "class", "bus"])


class RuleError(PatternError):
    """A rule that cannot be used; itself its first fault.

    Attributes:
        faults: all of them, in the order of the text.
    """

    def __init__(self, faults: Sequence[PatternError]) -> None:
        super().__init__(faults[0].position, faults[0].problem)
        self.faults = tuple(faults)


def parse_terms(text: str) -> tuple[Term, ...]:
    """Return the terms of a rule as they were written; ``RuleError`` says where and why it cannot be used."""
    parser = _Parser(text)
    terms = parser.terms()
    if parser.faults:
        raise RuleError(sorted(parser.faults, key=lambda fault: fault.position))
    return tuple(terms)


class _Parser:
    """Reads ``text``; a fault is added to the others, and reading goes on behind it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.faults: list[PatternError] = []

    def terms(self) -> list[Term]:
        """Return those terms that have no fault."""
        text = self._text
        if len(text) > MAX_RULE:
            self._refuse(MAX_RULE, f"the rule is longer than {MAX_RULE} characters; shorten it")
            return []
        if (odd := re.search("[\0\ud800-\udfff]", text)) is not None:
            self._refuse(odd.start(), f"U+{ord(odd[0]):04X} cannot stand in a rule; leave it out")
            return []
        terms: list[Term] = []
        position = self._skip(_BLANK, 0)
        while position < len(text):
            if text[position] == "#":
                if self._begin_of_line(position) != position:
                    self._refuse(
                        position, "a remark needs a line of its own (in YAML, | keeps lines, and > joins them)"
                    )
                position = self._skip(_LINE, position)
            else:
                found = len(self.faults)
                term, end = self._term(position)
                if term is not None and len(self.faults) == found:
                    terms.append(term)
                position = end
            position = self._skip(_BLANK, position)
        if not terms and not self.faults:
            self._refuse(0, 'the rule is empty; write what is to match, such as SUBSYSTEM=="tty"')
        return terms

    def _refuse(self, position: int, problem: str) -> None:
        self.faults.append(PatternError(position, problem))

    def _skip(self, pattern: re.Pattern[str], position: int) -> int:
        found = pattern.match(self._text, position)
        return found.end() if found else position

    def _begin_of_line(self, position: int) -> int:
        """Return where the first term or remark of this line begins."""
        return self._skip(_BLANK, self._text.rfind("\n", 0, position) + 1)

    def _term(self, start: int) -> tuple[Term | None, int]:
        """Read the term that begins at ``start``; return it, if it can be read at all, and where reading goes on."""
        word = _WORD.match(self._text, start)
        if word is None:
            self._refuse(start, f'{self._text[start]!r} begins no match; write one as KEY=="value"')
            return None, max(start + 1, self._skip(_REST_OF_TERM, start))
        if (key := word[0]) not in KEYS:
            self._refuse(start, _unknown(key))
            is_prose = _OF_A_MATCH.match(self._text, word.end()) is None
            return None, self._skip(_LINE if is_prose else _REST_OF_TERM, start)
        name, position = self._name(key, word.end())
        operator, position = (None, position) if name is None else self._operator(key, self._skip(_SPACE, position))
        if name is None or operator is None:
            return None, max(position, self._skip(_REST_OF_TERM, start))
        quote = self._skip(_SPACE, position)
        value = read_quoted(self._text, quote, self._refuse)
        if value is None:
            return None, max(quote, self._skip(_REST_OF_TERM, start))
        return self._checked(key, name, operator == "!=", quote, value), value.end

    def _name(self, key: str, position: int) -> tuple[str | None, int]:
        if not self._text.startswith("{", position):
            if KEYS[key].is_named:
                self._refuse(position, f"{key} needs a name in braces; write {key}{{name}}")
            return "", position
        if not KEYS[key].is_named:
            self._refuse(position, f"{key} takes no name in braces; leave {{…}} out")
        end = self._text.find("}", position, self._skip(_LINE, position))
        if end < 0:
            self._refuse(position, "the brace is not closed on its line; add }")
            return None, position
        name = self._text[position + 1 : end]
        if KEYS[key].is_named and (problem := _name_problem(key, name)):
            self._refuse(position + 1, problem)
        return name, end + 1

    def _operator(self, key: str, position: int) -> tuple[str | None, int]:
        operator = _OPERATOR.match(self._text, position)
        if operator is None:
            self._refuse(position, f'after {key}, == or != is missing; write {key}=="value"')
            return None, position
        if operator[0] not in ("==", "!="):
            problem = f"{operator[0]} assigns, and this only matches; write == or !=, or leave it out"
            self._refuse(position, problem)
        return operator[0], operator.end()

    def _checked(self, key: str, name: str, negated: bool, quote: int, quoted: QuotedValue) -> Term | None:
        if key == "SUBSYSTEM" and quoted.raw.decode("latin-1") in _ANY_SUBSYSTEM:  # the same to udevd
            return Term(key, name, negated, Value.any_of(quoted.raw, _ANY_SUBSYSTEM))
        try:
            value = Value.parse(quoted.raw)
        except RuleValueError as problem:
            self._refuse(quoted.places[problem.position], problem.problem)
            return None
        if refusal := value_refusal(key, quoted.raw):
            self._refuse(quote, refusal)
        return Term(key, name, negated, value)


def _unknown(key: str) -> str:
    if refusal := key_refusal(key):
        return refusal
    if key == "looking":
        return "headings of udevadm info -a cannot stand in a rule; leave out the lines that begin with looking at"
    similar = [key.upper()] if key.upper() in KEYS else get_close_matches(key.upper()[:20], KEYS, n=1)
    return f"{key[:40]} is no key of a match; " + (
        f"did you mean {similar[0]}?" if similar else f"there are {', '.join(KEYS)}"
    )


def _name_problem(key: str, name: str) -> str:
    if not name or not name.isprintable():
        return f"{key} needs a name in braces, of characters that can be printed; write {key}{{name}}"
    if key == "ENV":
        return property_refusal(name)
    if name.startswith("["):
        return "the attribute of a device that is named in [] is not read; match the device's own, or ATTRS{}"
    if "$" in name or "%" in name:
        return "nothing is substituted in the name of an attribute; write what it is"
    if name.startswith("/") or ".." in name.split("/"):
        return "an attribute lies below its device; leave out the leading / and .. (ATTRS{} looks at ancestors)"
    return ""
