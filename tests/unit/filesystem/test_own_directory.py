"""What we put below the kubelet's plugin directory is there as a whole, or not at all."""

import os
from pathlib import Path

import pytest

from udev_device_plugin.filesystem.own_directory import OwnDirectory


@pytest.fixture
def own(tmp_path: Path) -> OwnDirectory:
    return OwnDirectory.below(str(tmp_path))


def test_it_is_made_when_something_is_put_into_it(own: OwnDirectory, tmp_path: Path) -> None:
    assert (own.names(), own.has("a")) == ([], False)
    own.remove("a")
    assert list(tmp_path.iterdir()) == []
    own.write("a", "text")
    assert (own.names(), own.has("a"), own.read("a", 10)) == (["a"], True, "text")


def test_what_is_no_utf8_is_read_as_it_was_written(own: OwnDirectory) -> None:
    own.write("a", "\udcff")
    assert Path(own.path + "a").read_bytes() == b"\xff"
    assert own.read("a", 10) == "\udcff"


def test_a_link_takes_the_place_of_whatever_stood_there(own: OwnDirectory) -> None:
    own.write("a", "text")
    own.link("a", "/dev/null")
    assert os.readlink(own.path + "a") == "/dev/null"
    own.remove("a")
    assert own.names() == []


@pytest.mark.parametrize("place", ["write", "link"])
def test_what_cannot_be_put_in_its_place_leaves_nothing_behind(own: OwnDirectory, place: str) -> None:
    os.makedirs(f"{own.path}a/full")
    with pytest.raises(OSError, match="directory"):
        getattr(own, place)("a", "/dev/null")
    assert own.names() == ["a"]
