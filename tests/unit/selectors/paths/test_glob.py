"""Globs mean what Go's ``path.Match`` makes of them, for each element of a path."""

import re
import string

import pytest
from hypothesis import given, settings, strategies as st

from udev_device_plugin.selectors.paths.glob import Glob, GlobError

MEANINGS = [
    # Go's own table of path.Match (path/match_test.go), each pattern as one element
    ("abc", "abc", True),
    ("*", "abc", True),
    ("*c", "abc", True),
    ("a*", "a", True),
    ("a*", "abc", True),
    ("a*b*c*d*e*", "axbxcxdxe", True),
    ("a*b*c*d*e*", "axbxcxdxexxx", True),
    ("a*b?c*x", "abxbbxdbxebxczzx", True),
    ("a*b?c*x", "abxbbxdbxebxczzy", False),
    ("ab[c]", "abc", True),
    ("ab[b-d]", "abc", True),
    ("ab[e-g]", "abc", False),
    ("ab[^c]", "abc", False),
    ("ab[^b-d]", "abc", False),
    ("ab[^e-g]", "abc", True),
    (r"a\*b", "a*b", True),
    (r"a\*b", "ab", False),
    ("a?b", "a☺b", True),
    ("a[^a]b", "a☺b", True),
    ("a???b", "a☺b", False),
    ("a[^a][^a][^a]b", "a☺b", False),
    ("[a-ζ]*", "β", True),
    ("*[a-ζ]", "A", False),
    (r"[\]a]", "]", True),
    (r"[\-]", "-", True),
    (r"[x\-]", "x", True),
    (r"[x\-]", "-", True),
    (r"[x\-]", "z", False),
    (r"[\-x]", "x", True),
    (r"[\-x]", "-", True),
    (r"[\-x]", "a", False),
    ("*x", "xxx", True),
    # and what people expect differently
    ("*", ".hidden", True),
    ("?", "", False),
    ("[!a]", "!", True),
    ("[!a]", "a", True),
    ("[!a]", "b", False),
    ("tty{USB,ACM}0", "tty{USB,ACM}0", True),
    ("tty{USB,ACM}0", "ttyUSB0", False),
    ("**", "ab", True),
    ("[z-a]", "m", False),
    ("[^z-a]", "m", True),
    ("a]", "a]", True),
    ("[a^]", "^", True),
    (r"[\^a]", "^", True),
    (r"[a-c\-]", "-", True),
    ("*", "line\nbreak", True),
    ("[[]", "[", True),
    ("[&&~~||]", "|", True),
]


@pytest.mark.parametrize(("pattern", "name", "expected"), MEANINGS)
def test_an_element_means_what_go_makes_of_it(pattern: str, name: str, expected: bool) -> None:
    glob = Glob.parse(f"/dev/{pattern}")
    assert glob.elements[-1].matches(name) is expected
    assert glob.matches(f"/dev/{name}") is expected


@pytest.mark.parametrize("pattern", ["/dev/*", "/dev/a*", "/dev/?", "/dev/[^a]", "/dev/[.-0]", "/*"])
def test_a_metacharacter_never_crosses_a_slash(pattern: str) -> None:
    glob = Glob.parse(pattern)
    assert not glob.matches("/dev/a/b")
    assert not glob.matches("/dev//")
    assert not glob.elements[-1].matches("a/b")


def test_a_metacharacter_may_stand_in_any_element() -> None:
    glob = Glob.parse("/dev/bus/*/00?")
    assert glob.matches("/dev/bus/usb/001")
    assert not glob.matches("/dev/bus/usb/x/001")
    assert not glob.matches("dev/bus/usb/001")
    assert [element.is_literal for element in glob.elements] == [True, True, False, False]
    assert [element.literal for element in glob.elements] == ["dev", "bus", "", ""]


@pytest.mark.parametrize(
    ("pattern", "position", "words"),
    [
        ("", 0, "begin with /"),
        ("dev/x", 0, "not an absolute path"),
        ("/dev/\0", 5, "NUL"),
        ("/dev/../etc", 5, ".."),
        (r"/dev/\.\.", 5, ".."),
        ("/dev/[a-", 5, "not closed"),
        ("/dev/[a", 5, "not closed"),
        ("/dev/[", 5, "not closed"),
        ("/dev/[^", 5, "not closed"),
        ("/dev/[a/b]", 5, "not closed"),
        ("/dev/[]a]", 6, r"\]"),
        ("/dev/[^]a]", 7, r"\]"),
        ("/dev/[]", 6, r"\]"),
        ("/dev/[a-]", 8, r"\]"),
        ("/dev/[-a]", 6, r"\-"),
        ("/dev/[a-b-c]", 9, r"\-"),
        ("/dev/[a-c-]", 9, r"\-"),
        ("/dev/[--x]", 6, r"\-"),
        ("/dev/a\\", 6, r"\\"),
        ("/dev/[a\\", 7, r"\\"),
        ("/dev/a\\/b", 6, r"\\"),
        ("/" + "x" * 4095, 4095, "shorten"),
    ],
)
def test_a_malformed_pattern_is_refused_with_its_position_and_the_remedy(
    pattern: str, position: int, words: str
) -> None:
    with pytest.raises(GlobError, match=re.escape(words)) as caught:
        Glob.parse(pattern)
    assert caught.value.position == position
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/dev/ttyUSB0", "/dev/ttyUSB0"),
        ("/dev//snd/./controlC0/", "/dev/snd/controlC0"),
        (r"/dev/a\*b\[\?\\", r"/dev/a*b[?" + "\\"),
        (r"/dev/\./x", "/dev/x"),
        ("/dev/a]b{c}", "/dev/a]b{c}"),
        ("/dev/...", "/dev/..."),
        ("/", "/"),
    ],
)
def test_a_pattern_without_metacharacters_is_a_literal_path(text: str, path: str) -> None:
    glob = Glob.parse(text)
    assert glob.is_literal
    assert glob.literal == path
    assert glob.matches(path)
    assert glob.text == text


def test_a_pattern_with_metacharacters_has_no_literal_path() -> None:
    assert not Glob.parse("/dev/tty*").is_literal
    assert Glob.parse("/dev/tty*").literal == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("/dev/**/x", [r"** means the same as *"]),
        ("/dev/tty{USB,ACM}*", ["braces are ordinary"]),
        ("/dev/{x}", ["braces are ordinary"]),
        ("/dev/[!a]", ["write [^ to negate"]),
        ("/dev/**{a}", ["**", "braces"]),
        (r"/dev/\**", []),
        (r"/dev/\{a}", []),
        ("/dev/*/*", []),
    ],
)
def test_what_is_legal_and_probably_not_meant_is_warned_about(text: str, words: list[str]) -> None:
    warnings = Glob.parse(text).warnings
    assert len(warnings) == len(words)
    assert all(word in warning for word, warning in zip(words, warnings, strict=True))


def test_globs_are_equal_when_they_are_written_the_same() -> None:
    assert Glob.parse("/dev/tty*") == Glob.parse("/dev/tty*")
    assert len({Glob.parse("/dev/tty*"), Glob.parse("/dev/tty*"), Glob.parse("/dev/tty?")}) == 2


@given(st.text(st.sampled_from("ab*?[]\\-^!{}."), min_size=1).filter(lambda name: name not in (".", "..")))
def test_the_glob_of_a_path_means_that_path(name: str) -> None:
    glob = Glob.of(f"/dev/{name}")
    assert glob.is_literal
    assert glob.literal == f"/dev/{name}"
    assert glob.matches(f"/dev/{name}")


def test_many_stars_take_no_more_than_a_moment() -> None:
    """With plain backtracking these would not end in a lifetime."""
    for pattern in ("*a" * 120 + "b", "*a*b" * 60 + "c", "*[ab]?" * 80 + "c", "*" * 2000 + "b"):
        assert not Glob.parse(f"/dev/{pattern}").matches("/dev/" + "a" * 255)
    assert Glob.parse("/dev/" + "*a" * 127 + "*").matches("/dev/" + "a" * 255)


def reference(pattern: str, name: str) -> bool:
    """Go's documented grammar, word for word, by plain recursion; "malformed" is a ``ValueError``."""
    if not pattern:
        return not name
    head, rest = pattern[0], pattern[1:]
    if head == "*":
        ends = [reference(rest, name[skip:]) for skip in range(len(name) + 1)]  # the rest is read even if no use
        return any(ends)
    if head == "[":
        accepts, rest = reference_class(rest)
        return reference(rest, name[1:]) & bool(name) & accepts(name[:1])
    if head == "?":
        return reference(rest, name[1:]) & bool(name)
    if head == "\\":
        if not rest:
            raise ValueError
        head, rest = rest[0], rest[1:]
    return reference(rest, name[1:]) & (name[:1] == head)


class Class:
    def __init__(self, ranges: list[tuple[str, str]], negated: bool) -> None:
        self.ranges = ranges
        self.negated = negated

    def __call__(self, character: str) -> bool:
        return any(low <= character <= high for low, high in self.ranges) != self.negated


def reference_class(pattern: str) -> tuple[Class, str]:
    negated = pattern[:1] == "^"
    pattern = pattern[negated:]
    ranges: list[tuple[str, str]] = []
    while pattern[:1] != "]" or not ranges:
        low, pattern = reference_member(pattern)
        high = low
        if pattern[:1] == "-":
            high, pattern = reference_member(pattern[1:])
        ranges.append((low, high))
    return Class(ranges, negated), pattern[1:]


def reference_member(pattern: str) -> tuple[str, str]:
    if pattern[:1] in ("", "-", "]"):
        raise ValueError
    if pattern[0] == "\\":
        pattern = pattern[1:]
        if not pattern:
            raise ValueError
    return pattern[0], pattern[1:]


patterns = st.text(st.sampled_from("aabbc**?[]-^!\\☺"), max_size=9)
names = st.text(st.sampled_from("aabbcc-^!]☺"), max_size=7)


@settings(max_examples=400)
@given(patterns, st.lists(names, min_size=1, max_size=6))
def test_an_element_equals_the_plain_reading_of_gos_grammar(pattern: str, several: list[str]) -> None:
    try:
        expected = [reference(pattern, name) for name in several]
    except ValueError:
        with pytest.raises(GlobError):
            Glob.parse(f"/{pattern}")
        return
    glob = Glob.parse(f"/{pattern}")
    if glob.elements:
        assert [glob.elements[0].matches(name) for name in several] == expected


def parsed(text: str) -> Glob | GlobError:
    try:
        return Glob.parse(text)
    except GlobError as error:
        return error


@given(st.text(max_size=40), st.text(max_size=20))
def test_whatever_the_text_it_is_a_glob_or_a_glob_error(text: str, path: str) -> None:
    glob = parsed(f"/{text}")
    if isinstance(glob, GlobError):
        assert 0 <= glob.position <= len(text)
    else:
        glob.matches(f"/{path}")


@given(st.text(string.ascii_letters + "*?.-", min_size=1, max_size=12).filter(lambda text: ".." not in text))
def test_matching_a_path_is_matching_its_elements(text: str) -> None:
    glob = Glob.parse(f"/dev/{text}/x*")
    *_, last = glob.elements
    assert last.matches("xyz")
    assert glob.matches("/dev/abc/xyz") == (len(glob.elements) == 3 and glob.elements[1].matches("abc"))
