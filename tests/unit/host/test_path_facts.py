"""What stands at paths, and where they lead."""

import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from udev_device_plugin.host.looks import NotLookedError
from udev_device_plugin.host.model import DeviceNumber, PathEntry, PathKind
from udev_device_plugin.host.path_facts import (
    MAX_LINKS,
    inode_at,
    is_name_in_dev,
    leads_outside,
    links_on_the_way,
    stat_path,
)
from udev_device_plugin.selectors.paths.glob import Glob


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (Path.touch, PathKind.FILE),
        (Path.mkdir, PathKind.DIRECTORY),
        (make_socket, PathKind.SOCKET),
        (os.mkfifo, PathKind.OTHER),
    ],
)
def test_what_is_no_node_is_said_by_its_kind(
    make: Callable[[Path], None], kind: PathKind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's name is short
    make(Path("it"))
    path = str(tmp_path / "it")
    assert stat_path(path) == PathEntry(path, kind, None, path, os.stat(path).st_ino)


def test_a_node_is_said_with_its_number() -> None:
    assert stat_path("/dev/null") == PathEntry(
        "/dev/null", PathKind.NODE, DeviceNumber("c", 1, 3), "/dev/null", os.stat("/dev/null").st_ino
    )


def test_a_link_is_what_stands_at_its_end(tmp_path: Path) -> None:
    (tmp_path / "first").symlink_to("second")
    (tmp_path / "second").symlink_to(tmp_path / "below" / ".." / "end")
    (tmp_path / "end").touch()
    (tmp_path / "below").mkdir()
    entry = stat_path(str(tmp_path / "first"))
    assert entry is not None
    assert (entry.path, entry.kind, entry.target) == (
        str(tmp_path / "first"),
        PathKind.FILE,
        str(tmp_path / "end"),
    )


@pytest.mark.parametrize("name", ["missing", "file/below", "dead", "ring", "x" * 300, "nul\0byte"])
def test_nothing_stands_where_no_path_leads(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "dead").symlink_to("missing")
    (tmp_path / "ring").symlink_to("ring")
    assert stat_path(f"{tmp_path}/{name}") is None


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.ENOMEM, errno.EMFILE])
def test_an_error_that_does_not_say_that_nothing_is_there_is_none_of_it(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: str) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "stat", fail)
    with pytest.raises(NotLookedError, match=f"/mnt/x: {os.strerror(number)}"):
        stat_path("/mnt/x")


def test_the_inode_is_that_of_the_path_itself(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("missing")
    assert inode_at(str(tmp_path / "link")) == (tmp_path / "link").lstat().st_ino
    assert inode_at(str(tmp_path / "missing")) == 0


def test_links_out_of_dev_are_followed_by_those_who_may_block_alone(tmp_path: Path) -> None:
    (tmp_path / "first").symlink_to("second")
    (tmp_path / "second").symlink_to("third")
    path = str(tmp_path / "first")
    assert links_on_the_way(path, may_block=True) == (str(tmp_path / "second"), str(tmp_path / "third"))
    assert links_on_the_way(path) == ()
    assert not leads_outside(path)  # it was never in /dev


def test_a_ring_of_links_ends(tmp_path: Path) -> None:
    (tmp_path / "ring").symlink_to("ring")
    assert len(links_on_the_way(str(tmp_path / "ring"), may_block=True)) == MAX_LINKS


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("/dev/ttyUSB0", True),
        ("/dev/bus/usb/001/002", True),
        ("/dev/..b/*", True),
        *(
            (name, False)
            for name in ("", "odd", "/dev", "/dev/", "/dev/../etc", "/dev/./a", "/dev//a", "/dev/a/", "/etc/a")
        ),
        ("/dev/a\0b", False),
        ("/dev/" + "x" * 5000, False),
    ],
)
def test_a_name_is_one_in_dev_or_none(name: str, expected: bool) -> None:
    assert is_name_in_dev(name) is expected
    if expected:
        assert Glob.of(name).literal == name


def test_a_link_to_a_path_longer_than_any_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("*" * 4094)
    (tmp_path / "b").symlink_to("/" + "*" * 4000)
    assert links_on_the_way(f"{tmp_path}/a", may_block=True) == ()
    (step,) = links_on_the_way(f"{tmp_path}/b", may_block=True)
    assert Glob.of(step).literal == step
