"""What we put below the kubelet's plugin directory is there as a whole, or not at all, and nothing else is touched."""

import errno
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from udev_device_plugin.devices.identity import own_link_name
from udev_device_plugin.filesystem.own_directory import LEFT_BEHIND, LINK, NAME, RECORD, OwnDirectory

A_LINK = "port-0123456789"
A_RECORD = ".offered-0123456789.json"
A_TEMPORARY = ".new-0123456789abcdef"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[OwnDirectory]:
    directory = OwnDirectory(str(tmp_path))
    yield directory
    directory.close()


def test_it_is_made_when_something_is_put_into_it(own: OwnDirectory, tmp_path: Path) -> None:
    assert (own.names(RECORD), own.has(A_RECORD, RECORD)) == ([], False)
    own.remove(A_LINK, LINK)
    own.tidy()
    with pytest.raises(FileNotFoundError):
        own.read(A_RECORD, 10)
    assert list(tmp_path.iterdir()) == []
    own.write(A_RECORD, b"text")
    own.link(A_LINK, "/dev/null")
    assert (own.names(RECORD), own.names(LINK)) == ([A_RECORD], [A_LINK])
    assert (own.has(A_RECORD, RECORD), own.read(A_RECORD, 4)) == (True, b"text")
    assert os.readlink(own.path + A_LINK) == "/dev/null"
    assert os.stat(own.path + A_RECORD).st_mode & 0o777 == 0o600


def test_the_plugin_directory_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    OwnDirectory(f"{tmp_path}/link").link(A_LINK, "/dev/null")
    assert os.readlink(tmp_path / "real" / NAME / A_LINK) == "/dev/null"


@pytest.mark.parametrize("way", ["removed", "replaced"])
def test_it_is_made_anew_when_it_has_gone(own: OwnDirectory, tmp_path: Path, way: str) -> None:
    own.link(A_LINK, "/dev/null")
    (tmp_path / NAME).rename(tmp_path / "former")
    if way == "replaced":
        (tmp_path / NAME).mkdir()
    own.link(A_LINK, "/dev/zero")
    assert os.readlink(own.path + A_LINK) == "/dev/zero"
    assert os.readlink(tmp_path / "former" / A_LINK) == "/dev/null"


def a_link_to_elsewhere(path: Path, elsewhere: Path) -> None:
    path.symlink_to(elsewhere)


def a_link_to_its_own_directory(path: Path, _: Path) -> None:
    path.symlink_to(".")


def a_link_to_itself(path: Path, _: Path) -> None:
    path.symlink_to(path.name)


def a_link_to_nowhere(path: Path, _: Path) -> None:
    path.symlink_to("nowhere")


def a_file(path: Path, _: Path) -> None:
    path.touch()


def a_fifo(path: Path, _: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize(
    "make", [a_link_to_elsewhere, a_link_to_its_own_directory, a_link_to_itself, a_link_to_nowhere, a_file, a_fifo]
)
def test_what_is_no_directory_of_its_own_is_never_used_and_said_once(
    make: Callable[[Path, Path], None], own: OwnDirectory, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for directory in (elsewhere, tmp_path):  # as if it were ours, so that it would be found and removed
        (directory / A_LINK).symlink_to("/dev/null")
        (directory / A_RECORD).touch()
    make(tmp_path / NAME, elsewhere)
    before = sorted(tmp_path.rglob("*"))
    for use in (
        lambda: own.names(LINK),
        lambda: own.read(A_RECORD, 10),
        lambda: own.write(A_RECORD, b"text"),
        lambda: own.link(A_LINK, "/dev/zero"),
        lambda: own.remove(A_LINK, LINK),
        own.tidy,
    ):
        with pytest.raises(OSError, match="remove it") as raised:
            use()
        assert raised.value.errno == errno.ENOTDIR
    assert sorted(tmp_path.rglob("*")) == before
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    (tmp_path / NAME).unlink()
    own.link(A_LINK, "/dev/zero")
    assert os.readlink(own.path + A_LINK) == "/dev/zero"


def test_what_this_program_does_not_make_is_neither_removed_nor_replaced(own: OwnDirectory) -> None:
    own.link("other-0123456789", "/dev/null")
    folder = Path(own.path)
    (folder / "config.yaml").touch()
    (folder / "camera").symlink_to("/dev/video0")
    (folder / A_LINK).touch()  # the name of ours, and another type
    (folder / A_RECORD).symlink_to("/etc/passwd")
    (folder / A_TEMPORARY).mkdir()
    before = sorted(folder.iterdir())
    assert own.names(LINK) == ["other-0123456789"]
    assert own.names(RECORD) == []
    own.remove(A_LINK, LINK)
    own.remove(A_RECORD, RECORD)
    own.remove("config.yaml", LINK)
    own.tidy()
    with pytest.raises(FileExistsError, match="something else"):
        own.link(A_LINK, "/dev/null")
    with pytest.raises(FileExistsError, match="something else"):
        own.write(A_RECORD, b"text")
    with pytest.raises(OSError):  # noqa: PT011 - ELOOP or EINVAL
        own.read(A_RECORD, 10)
    assert sorted(folder.iterdir()) == before


def test_what_is_no_regular_file_or_too_large_is_not_read(own: OwnDirectory) -> None:
    own.write(A_RECORD, b"12345")
    with pytest.raises(OSError, match="more than 4 bytes"):
        own.read(A_RECORD, 4)
    path = Path(own.path + A_RECORD)
    for make in (os.mkfifo, os.mkdir):
        path.unlink() if not path.is_dir() else path.rmdir()
        make(path)
        with pytest.raises(OSError, match=r"no regular file|Is a directory"):
            own.read(A_RECORD, 4)


def test_temporary_files_of_processes_that_ended_are_removed(own: OwnDirectory) -> None:
    own.write(A_RECORD, b"")
    folder, long_ago = Path(own.path), time.time() - LEFT_BEHIND - 1
    (folder / A_TEMPORARY).touch()
    os.utime(folder / A_TEMPORARY, (long_ago, long_ago))
    (folder / ".new-aaaaaaaaaaaaaaaa").symlink_to("/dev/null")
    os.utime(folder / ".new-aaaaaaaaaaaaaaaa", (long_ago, long_ago), follow_symlinks=False)
    (folder / ".new-bbbbbbbbbbbbbbbb").touch()  # another instance is just writing it
    own.tidy()
    assert {path.name for path in folder.iterdir()} == {A_RECORD, ".new-bbbbbbbbbbbbbbbb"}


@pytest.mark.parametrize("identity", ["/dev/ttyUSB0", "usb:1a86:7523:serial=" + "0" * 300, "\udcff", "", "@", "-"])
def test_the_links_that_this_program_makes_are_known_by_their_names(own: OwnDirectory, identity: str) -> None:
    own.link(own_link_name(identity), "/dev/null")
    assert own.names(LINK) == [own_link_name(identity)]


@pytest.mark.parametrize("put", [lambda own: own.link(A_LINK, "/x"), lambda own: own.write(A_RECORD, b"")])
def test_what_cannot_be_put_in_its_place_leaves_nothing_behind(
    own: OwnDirectory, put: Callable[[OwnDirectory], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="broken"):
        put(own)
    assert os.listdir(own.path) == []
