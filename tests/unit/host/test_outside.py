"""What stands at the matches of a glob outside of /dev (real inotify)."""

import errno
import os
import select
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from udev_device_plugin.filesystem import path_watch as watching
from udev_device_plugin.host.looks import NotLookedError
from udev_device_plugin.host.model import PathKind
from udev_device_plugin.host.outside import OutsidePaths
from udev_device_plugin.selectors.paths.glob import Glob


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Callable[[str], OutsidePaths]]:
    """Makes one, for a pattern in the temporary directory."""
    made: list[OutsidePaths] = []

    def make(pattern: str) -> OutsidePaths:
        made.append(OutsidePaths(Glob.parse(f"{tmp_path}/{pattern}")))
        return made[-1]

    yield make
    for one in made:
        one.close()


def has_news(paths: OutsidePaths) -> bool:
    """Whether inotify has something; it has it before the call that caused it returns."""
    descriptor = paths.fileno()
    return descriptor is not None and bool(select.select([descriptor], [], [], 0)[0])


def names(paths: OutsidePaths) -> set[str]:
    return {os.path.basename(path) for path, entry in paths.look().items() if entry is not None}


def test_before_the_first_look_nothing_is_touched(outside: Callable[[str], OutsidePaths], tmp_path: Path) -> None:
    paths = outside("*")
    (tmp_path / "a").touch()
    assert not has_news(paths)


def test_without_an_inotify_instance_it_is_not_looked_at_and_can_be_later(
    outside: Callable[[str], OutsidePaths], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    (tmp_path / "a").touch()
    paths = outside("*")
    with monkeypatch.context() as broken:
        broken.setattr(watching, "INotify", fail)
        with pytest.raises(NotLookedError, match="max_user_instances"):
            paths.look()
    assert names(paths) == {"a"}


def test_what_comes_and_goes_is_news_and_is_seen_at_the_next_look(
    outside: Callable[[str], OutsidePaths], tmp_path: Path
) -> None:
    paths = outside("*")
    assert names(paths) == set()
    (tmp_path / "a").touch()
    assert has_news(paths)
    assert names(paths) == {"a"}
    assert not has_news(paths)
    (tmp_path / "a").unlink()
    assert has_news(paths)
    assert names(paths) == set()


def test_a_link_that_leads_nowhere_is_nothing_until_its_end_comes(
    outside: Callable[[str], OutsidePaths], tmp_path: Path
) -> None:
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "a").symlink_to("../ends/end")
    paths = outside("links/*")
    assert names(paths) == set()
    (tmp_path / "ends").mkdir()
    (tmp_path / "ends" / "end").mkdir()
    assert has_news(paths)
    (entry,) = paths.look().values()
    assert entry is not None
    assert (entry.kind, entry.target) == (PathKind.DIRECTORY, f"{tmp_path}/ends/end")
    (tmp_path / "ends" / "end").rmdir()
    assert has_news(paths)
    assert names(paths) == set()


def test_the_end_of_a_link_that_leads_elsewhere_now_is_no_news(
    outside: Callable[[str], OutsidePaths], tmp_path: Path
) -> None:
    for name in ("links", "former", "latter"):
        (tmp_path / name).mkdir()
    link = tmp_path / "links" / "a"
    link.symlink_to("../former/end")
    paths = outside("links/*")
    assert names(paths) == set()
    link.unlink()
    link.symlink_to("../latter/end")
    assert names(paths) == set()
    assert names(paths) == set()  # the kernel's word that the former watch is over
    (tmp_path / "former" / "end").touch()
    assert not has_news(paths)
    (tmp_path / "latter" / "end").touch()
    assert has_news(paths)
    assert names(paths) == {"a"}


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO, errno.ESTALE, errno.ENOTCONN])
def test_a_directory_that_cannot_be_read_is_not_an_empty_one(
    number: int, outside: Callable[[str], OutsidePaths], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").touch()
    paths = outside("*")
    assert names(paths) == {"a"}

    def fail(path: str) -> list[str]:
        raise OSError(number, os.strerror(number), path)

    with monkeypatch.context() as broken:
        broken.setattr(os, "listdir", fail)
        with pytest.raises(NotLookedError, match=os.strerror(number)):
            paths.look()
    assert names(paths) == {"a"}


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.ENOTCONN])
def test_a_single_path_that_cannot_be_looked_at_is_not_gone(
    number: int, outside: Callable[[str], OutsidePaths], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").touch()
    paths = outside("a")
    assert names(paths) == {"a"}

    def fail(path: str) -> None:
        raise OSError(number, os.strerror(number), path)

    with monkeypatch.context() as broken:
        broken.setattr(os, "lstat", fail)
        with pytest.raises(NotLookedError, match=os.strerror(number)):
            paths.look()
    assert names(paths) == {"a"}


def test_a_directory_that_goes_takes_all_with_it(outside: Callable[[str], OutsidePaths], tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a").touch()
    paths = outside("d/*")
    assert names(paths) == {"a"}
    (tmp_path / "d" / "a").unlink()
    (tmp_path / "d").rmdir()
    assert names(paths) == set()
