"""Asking many globs at once gives what asking each of them gives."""

import hypothesis.strategies as st
from hypothesis import given

from udev_device_plugin.selectors.paths.glob import Glob
from udev_device_plugin.selectors.paths.glob_index import MAX_CACHED, GlobSet

NAMES = st.sampled_from(["dev", "serial", "by-id", "ttyUSB0", "ttyUSB1", "*", "tty*", "[a-s]*", "?"])
PATTERNS = st.lists(NAMES, max_size=4).map(lambda names: "/" + "/".join(names))


def globs(*texts: str) -> frozenset[Glob]:
    return frozenset(map(Glob.parse, texts))


def test_a_path_is_meant_by_the_globs_of_its_directory_and_by_those_of_any() -> None:
    known = GlobSet(globs("/dev/ttyUSB*", "/dev/ttyUSB0", "/dev/ttyACM*", "/*/ttyUSB0", "/dev/serial/*"))
    assert known.matching("/dev/ttyUSB0") == globs("/dev/ttyUSB*", "/dev/ttyUSB0", "/*/ttyUSB0")


def test_a_path_that_nobody_means_is_meant_by_none() -> None:
    assert GlobSet(globs("/dev/ttyUSB*")).matching("/dev/serial/ttyUSB0") == frozenset()


def test_no_globs_mean_nothing() -> None:
    assert GlobSet(()).matching("/dev/null") == frozenset()


def test_escapes_in_a_directory_are_its_name() -> None:
    assert GlobSet(globs("/dev/\\*/tty*")).matching("/dev/*/tty0") == globs("/dev/\\*/tty*")


def test_ever_new_names_are_not_cached_for_ever() -> None:
    known = GlobSet(globs("/dev/tty*"))
    for number in range(2 * MAX_CACHED):
        known.matching(f"/dev/tty{number}")
    assert known._cached.cache_info().currsize <= MAX_CACHED


@given(st.lists(PATTERNS), st.lists(NAMES, max_size=4))
def test_all_together_say_what_each_says(patterns: list[str], names: list[str]) -> None:
    path = "/" + "/".join(names)
    each = [Glob.parse(pattern) for pattern in patterns]
    known = GlobSet(each)
    for _ in range(2):  # the second answer is a cached one
        assert known.matching(path) == {glob for glob in each if glob.matches(path)}
