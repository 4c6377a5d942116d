"""Values match what fnmatch(3) matches, which is what udevd asks; and no value makes it take for ever."""

import ctypes
import platform

import pytest
from hypothesis import given, settings, strategies as st

from udev_device_plugin.selectors.udev_rule.values import RuleValueError, Value

libc = ctypes.CDLL(None)
needs_glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another fnmatch than that of most udevds")


def fnmatch(pattern: bytes, text: bytes) -> bool:
    return int(libc.fnmatch(pattern, text, 0)) == 0


@needs_glibc
@settings(max_examples=1500)
@given(st.text(r"ab-[]!^*?\\/.:c", min_size=1, max_size=10), st.text(r"ab-[]!^*?\/.:c", max_size=6))
def test_a_glob_takes_what_fnmatch_takes(pattern: str, text: str) -> None:
    if not set("*?[") & set(pattern) or pattern == "?*":
        return  # udevd does not ask fnmatch then
    try:
        value = Value.parse(pattern.encode())
    except RuleValueError:
        return  # a class that is not closed, or not understood
    assert value.takes(text) == fnmatch(pattern.encode(), text.encode())


@needs_glibc
@pytest.mark.parametrize(
    "name",
    ["alnum", "alpha", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "xdigit"],
)
@pytest.mark.parametrize("negation", ["", "!", "^"])
def test_the_named_classes_have_the_members_that_fnmatch_gives_them(name: str, negation: str) -> None:
    pattern = f"[{negation}[:{name}:]]"
    value = Value.parse(pattern.encode())
    for byte in range(1, 128):
        assert value.takes(chr(byte)) == fnmatch(pattern.encode(), bytes([byte])), chr(byte)


def test_without_a_metacharacter_a_backslash_is_itself() -> None:
    assert Value.parse(rb"a\b").takes(r"a\b")
    assert not Value.parse(rb"a\b*").takes(r"a\b")
    assert not Value.parse(rb"a\b|c*").takes(r"a\b")


def test_an_alternative_may_be_empty() -> None:
    for raw in (b"", b"|", b"|a", b"a|", b"a||b", b"|a*"):
        assert Value.parse(raw).takes("")
    assert not Value.parse(b"a|b").takes("")


def test_trailing_whitespace_of_an_attribute_counts_only_if_the_first_alternative_ends_in_some() -> None:
    for raw in (b"x", b"x|y", b"x|y ", b"|x", b"?", b"?*"):
        assert Value.parse(raw).takes_attribute("x  ") is (raw != b"?*")
    for raw in (b" |x", b"y |x", b"", b"x ", b"|x "):
        assert not Value.parse(raw).takes_attribute("x  ")
    assert Value.parse(b"y |x  ").takes_attribute("x  ")


def test_so_much_of_an_attribute_is_compared_as_udevd_has_room_for() -> None:
    assert Value.parse(b"a" * 511).takes_attribute("a" * 600)
    assert not Value.parse(b"a" * 600).takes_attribute("a" * 600)
    assert Value.parse(b"*b[ ]|*b ").takes_attribute("a" * 600 + "b") is False


def test_bytes_are_compared_and_not_characters() -> None:
    assert Value.parse(b"??").takes("é")
    assert Value.parse(b"\xff*").takes("\udcffx")
    assert Value.parse("é".encode()).texts == {"é"}


@pytest.mark.parametrize("raw", [b"*a" * 200 + b"b", b"*" * 400 + b"b", b"*?" * 200 + b"b", b"*[ab]" * 80 + b"c"])
def test_a_glob_that_would_have_others_backtrack_for_years_is_soon_done(raw: bytes) -> None:
    assert not Value.parse(raw).takes("a" * 4000)
