"""Asking many globs at once gives what asking each of them gives."""

from typing import Any

import hypothesis.strategies as st
from hypothesis import given

from udev_device_plugin.selectors.paths.glob import MAX_CACHED, Glob, matching

NAMES = st.sampled_from(["dev", "serial", "by-id", "ttyUSB0", "ttyUSB1", "*", "tty*", "[a-s]*", "?"])
PATTERNS = st.lists(NAMES, max_size=4).map(lambda names: "/" + "/".join(names))


def globs(*texts: str) -> frozenset[Glob]:
    return frozenset(map(Glob.parse, texts))


def test_a_path_is_meant_by_the_globs_of_its_directory_and_by_those_of_any() -> None:
    known = matching(globs("/dev/ttyUSB*", "/dev/ttyUSB0", "/dev/ttyACM*", "/*/ttyUSB0", "/dev/serial/*"))
    assert known("/dev/ttyUSB0") == globs("/dev/ttyUSB*", "/dev/ttyUSB0", "/*/ttyUSB0")


def test_a_path_that_nobody_means_is_meant_by_none() -> None:
    assert matching(globs("/dev/ttyUSB*"))("/dev/serial/ttyUSB0") == frozenset()


def test_no_globs_mean_nothing() -> None:
    assert matching(())("/dev/null") == frozenset()


def test_escapes_in_a_directory_are_its_name() -> None:
    assert matching(globs("/dev/\\*/tty*"))("/dev/*/tty0") == globs("/dev/\\*/tty*")


def test_ever_new_names_are_not_cached_for_ever() -> None:
    known: Any = matching(globs("/dev/tty*"))
    for number in range(2 * MAX_CACHED):
        known(f"/dev/tty{number}")
    assert known.cache_info().currsize <= MAX_CACHED


@given(st.lists(PATTERNS), st.lists(NAMES, max_size=4))
def test_all_together_say_what_each_says(patterns: list[str], names: list[str]) -> None:
    path = "/" + "/".join(names)
    each = [Glob.parse(pattern) for pattern in patterns]
    known = matching(each)
    for _ in range(2):  # the second answer is a cached one
        assert known(path) == {glob for glob in each if glob.matches(path)}
