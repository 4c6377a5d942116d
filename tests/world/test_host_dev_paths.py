"""What stands at paths in /dev: watched, and looked at (real inotify and links, in a /dev with nothing in it)."""

import os
import select
from collections.abc import Iterable, Iterator

import pytest

from tests.lab.records import FakeNode
from tests.lab.sysfs import make_node
from udev_device_plugin.host.dev_paths import DevPaths, is_glob_in_dev
from udev_device_plugin.selectors.paths.glob import Glob

pytestmark = pytest.mark.usefixtures("host")

FIRST, SECOND = FakeNode("x0", 188, 0), FakeNode("x1", 188, 1)
UNIT = "/sys/devices/usb1/1-1"


@pytest.fixture
def paths() -> Iterator[DevPaths]:
    """Nothing is configured."""
    made = DevPaths(())
    yield made
    made.close()


def news(paths: DevPaths) -> set[str]:
    """What inotify has; it has it before the call that caused it returns."""
    return paths.read() if select.select([paths.fileno()], [], [], 0)[0] else set()


def look(paths: DevPaths, at: Iterable[str]) -> set[str]:
    """Look at those of these paths that are wanted; returns those that lead out of /dev."""
    return {path for path in at if paths.is_wanted(path) and paths.look(path)}


def looked(paths: DevPaths) -> dict[str, int | None]:
    """What is another than at the last look, by its minor number, where there is news."""
    before = dict(paths.entries)
    look(paths, news(paths))
    changed = {path for path in before.keys() | paths.entries.keys() if before.get(path) != paths.entries.get(path)}
    entries = {path: paths.entries.get(path) for path in changed}
    return {path: entry.number.minor if entry and entry.number else None for path, entry in entries.items()}


def configure(paths: DevPaths, *patterns: str) -> None:
    paths.configure([Glob.parse(pattern) for pattern in patterns])
    look(paths, paths.all_paths())


def test_a_node_comes_and_goes(paths: DevPaths) -> None:
    configure(paths, "/dev/x*")
    make_node(FIRST)
    assert looked(paths) == {"/dev/x0": 0}
    os.unlink("/dev/x0")
    assert looked(paths) == {"/dev/x0": None}
    assert paths.entries == {}


def test_a_node_that_is_made_anew_is_another_one(paths: DevPaths) -> None:
    make_node(FIRST)
    configure(paths, "/dev/x0")
    make_node(FakeNode("x0.new", 188, 0))
    os.rename("/dev/x0.new", "/dev/x0")
    assert looked(paths) == {"/dev/x0": 0}


def test_a_link_is_reported_with_its_end_and_when_that_goes(paths: DevPaths) -> None:
    configure(paths, "/dev/by-id/*")
    os.mkdir("/dev/by-id")
    os.mkdir("/dev/ends")
    os.symlink("../ends/x0", "/dev/by-id/a")
    assert looked(paths) == {}
    make_node(FakeNode("ends/x0", 188, 0))
    assert looked(paths) == {"/dev/by-id/a": 0}
    os.unlink("/dev/ends/x0")
    assert looked(paths) == {"/dev/by-id/a": None}


def test_a_link_that_is_led_elsewhere_is_reported_once(paths: DevPaths) -> None:
    for node in (FIRST, SECOND):
        make_node(node)
    os.symlink("x0", "/dev/link")
    configure(paths, "/dev/link")
    os.symlink("x1", "/dev/link.new")
    os.rename("/dev/link.new", "/dev/link")
    assert looked(paths) == {"/dev/link": 1}
    os.unlink("/dev/x0")
    assert looked(paths) == {}


def test_a_link_over_links_is_reported_when_one_on_the_way_goes(paths: DevPaths) -> None:
    make_node(FIRST)
    os.symlink("x0", "/dev/second")
    os.symlink("second", "/dev/first")
    configure(paths, "/dev/first")
    os.unlink("/dev/second")
    assert looked(paths) == {"/dev/first": None}


def test_a_link_that_leads_out_of_dev_is_left_to_others(paths: DevPaths) -> None:
    os.symlink("/run/udev", "/dev/x0")
    paths.configure([Glob.parse("/dev/x*")])
    assert look(paths, paths.all_paths()) == {"/dev/x0"}
    assert paths.entries == {}


def test_what_nobody_asks_for_is_not_to_be_looked_at(paths: DevPaths) -> None:
    make_node(FIRST)
    assert not paths.is_wanted("/dev/x0")


def test_a_units_nodes_are_looked_at_and_its_claimed_links_only_watched(paths: DevPaths) -> None:
    paths.follow(UNIT, {"/dev/x0"}, {"/dev/link"})
    make_node(FIRST)
    assert looked(paths) == {"/dev/x0": 0}
    os.symlink("x0", "/dev/link")
    assert news(paths) == {"/dev/link"}
    assert not paths.is_wanted("/dev/link")


def test_what_no_unit_claims_any_more_is_watched_no_longer(paths: DevPaths) -> None:
    make_node(FIRST)
    paths.follow(UNIT, {"/dev/x0"}, {"/dev/link"})
    paths.look("/dev/x0")
    paths.follow(UNIT, (), ())
    assert paths.entries == {}
    news(paths)  # the kernel's word that the watch is over
    os.unlink("/dev/x0")
    os.symlink("x0", "/dev/link")
    assert news(paths) == set()


def test_a_link_that_two_units_claim_is_watched_until_both_are_gone(paths: DevPaths) -> None:
    paths.follow(UNIT, (), {"/dev/link"})
    paths.follow("/sys/devices/usb1/1-2", (), {"/dev/link"})
    paths.follow(UNIT, (), ())
    os.symlink("x0", "/dev/link")
    assert news(paths) == {"/dev/link"}
    paths.follow("/sys/devices/usb1/1-2", (), ())
    os.unlink("/dev/link")
    assert news(paths) == set()


def test_what_is_configured_no_longer_is_forgotten(paths: DevPaths) -> None:
    make_node(FIRST)
    make_node(FakeNode("y0", 188, 1))
    configure(paths, "/dev/x*", "/dev/y*")
    paths.configure([Glob.parse("/dev/y*")])
    assert paths.entries.keys() == {"/dev/y0"}
    assert paths.all_paths() == {"/dev/y0"}


def test_a_path_that_a_glob_and_a_unit_ask_for_stays_for_either(paths: DevPaths) -> None:
    make_node(FIRST)
    paths.follow(UNIT, {"/dev/x0"}, ())
    configure(paths, "/dev/x0")
    paths.configure(())
    assert paths.entries.keys() == {"/dev/x0"}
    os.unlink("/dev/x0")
    assert looked(paths) == {"/dev/x0": None}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("/dev/x*", True),
        ("/dev/*/x", True),
        ("/dev", False),
        ("/d*/x", False),
        ("/run/x", False),
        ("/devices/x", False),
    ],
)
def test_a_glob_is_in_dev_if_all_its_matches_are(pattern: str, expected: bool) -> None:
    assert is_glob_in_dev(Glob.parse(pattern)) is expected
