"""Paths are watched, whatever of the directories on the way to them exists (real inotify)."""

import asyncio
import errno
import logging
import os
import select
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import closing
from pathlib import Path

import pytest
from inotify_simple import INotify

from udev_device_plugin.filesystem.loop_watch import LoopWatch
from udev_device_plugin.filesystem.path_watch import PathWatch
from udev_device_plugin.selectors.paths.glob import Glob


class Watched:
    """A watch, and what it reported."""

    def __init__(self, *globs: str | Path) -> None:
        self.reports: list[frozenset[str]] = []
        self._news = asyncio.Event()
        self.watch = LoopWatch([Glob.parse(str(glob)) for glob in globs], self._on_change)

    def _on_change(self, paths: Collection[str]) -> None:
        self.reports.append(frozenset(paths))
        self._news.set()

    async def reports_of(self, path: Path) -> None:
        """Wait until ``path`` is reported once more."""
        async with asyncio.timeout(10):
            while not any(str(path) in report for report in self.reports):
                self._news.clear()
                await self._news.wait()
        self.reports.clear()


@pytest.fixture
async def watching() -> AsyncIterator[Callable[..., Watched]]:
    made: list[Watched] = []

    def watch(*globs: str | Path) -> Watched:
        made.append(Watched(*globs))
        return made[-1]

    yield watch
    for watched in made:
        watched.watch.close()


async def test_what_comes_and_goes_is_reported(watching: Callable[..., Watched], tmp_path: Path) -> None:
    watched = watching(tmp_path / "tty*")
    (tmp_path / "ttyUSB0").touch()
    await watched.reports_of(tmp_path / "ttyUSB0")
    assert watched.watch.found == {str(tmp_path / "ttyUSB0")}
    (tmp_path / "ttyUSB0").unlink()
    await watched.reports_of(tmp_path / "ttyUSB0")
    assert watched.watch.found == set()


async def test_what_was_there_before_is_found(watching: Callable[..., Watched], tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    (tmp_path / "b").symlink_to("nowhere")
    assert watching(tmp_path / "[ab]").watch.found == {str(tmp_path / "a"), str(tmp_path / "b")}


async def test_what_no_glob_matches_is_not_reported(watching: Callable[..., Watched], tmp_path: Path) -> None:
    watched = watching(tmp_path / "wanted")
    (tmp_path / "unwanted").touch()
    (tmp_path / "wanted").touch()
    await watched.reports_of(tmp_path / "wanted")
    assert all("unwanted" not in path for report in watched.reports for path in report)


async def test_directories_on_the_way_may_come_later(watching: Callable[..., Watched], tmp_path: Path) -> None:
    link = tmp_path / "serial" / "by-id" / "usb-x"
    watched = watching(tmp_path / "serial" / "by-id" / "*")
    link.parent.mkdir(parents=True)
    link.touch()
    await watched.reports_of(link)


async def test_directories_on_the_way_may_go_and_come_again(watching: Callable[..., Watched], tmp_path: Path) -> None:
    link = tmp_path / "serial" / "by-id" / "usb-x"
    watched = watching(tmp_path / "serial" / "by-id" / "*")
    for _ in range(3):  # udevd removes the directories with the last link in them
        link.parent.mkdir(parents=True)
        link.touch()
        await watched.reports_of(link)
        link.unlink()
        await watched.reports_of(link)
        link.parent.rmdir()
        link.parent.parent.rmdir()


async def test_what_goes_with_its_directory_is_reported(watching: Callable[..., Watched], tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "node").touch()
    watched = watching(tmp_path / "sub" / "node")
    os.rename(tmp_path / "sub", tmp_path / "elsewhere")
    await watched.reports_of(tmp_path / "sub" / "node")
    assert watched.watch.found == set()


async def test_globs_may_stand_for_directories(watching: Callable[..., Watched], tmp_path: Path) -> None:
    watched = watching(tmp_path / "bus*" / "dev*")
    (tmp_path / "bus1").mkdir()
    (tmp_path / "bus1" / "dev1").touch()
    await watched.reports_of(tmp_path / "bus1" / "dev1")
    (tmp_path / "bus2").mkdir()
    (tmp_path / "bus2" / "dev7").touch()
    await watched.reports_of(tmp_path / "bus2" / "dev7")
    (tmp_path / "bus1" / "dev2").touch()
    await watched.reports_of(tmp_path / "bus1" / "dev2")


async def test_one_directory_may_be_reached_by_two_names(watching: Callable[..., Watched], tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "alias").symlink_to("real")
    watched = watching(tmp_path / "real" / "x", tmp_path / "alias" / "x")
    (tmp_path / "real" / "x").touch()
    await watched.reports_of(tmp_path / "alias" / "x")
    assert watched.watch.found == {str(tmp_path / "real" / "x"), str(tmp_path / "alias" / "x")}


async def test_a_glob_can_be_added_and_discarded_while_another_needs_the_same_directory(
    watching: Callable[..., Watched], tmp_path: Path
) -> None:
    watched = watching(tmp_path / "a")
    second = Glob.of(str(tmp_path / "b"))
    watched.watch._watch.add(second)
    (tmp_path / "b").touch()
    await watched.reports_of(tmp_path / "b")
    watched.watch._watch.discard(second)
    (tmp_path / "b").unlink()
    (tmp_path / "a").touch()
    await watched.reports_of(tmp_path / "a")
    assert watched.reports == []


async def test_lost_events_lead_to_a_new_look_at_everything(watching: Callable[..., Watched], tmp_path: Path) -> None:
    watched = watching(tmp_path / "known", tmp_path / "new")
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text(encoding="ascii"))
    # The queue is filled while the loop does not read it: nothing that comes after is reported.
    for _ in range(limit // 2 + 1):
        (tmp_path / "flood").touch()
        (tmp_path / "flood").unlink()
    (tmp_path / "new").touch()
    await watched.reports_of(tmp_path / "new")


async def test_a_closed_watch_leaves_no_descriptor_behind(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        LoopWatch([Glob.of(str(tmp_path / "x"))], lambda _: None).close()
    assert len(os.listdir("/proc/self/fd")) == before


async def test_a_watch_that_ends_together_with_its_directory_does_no_harm(
    watching: Callable[..., Watched], tmp_path: Path
) -> None:
    directory = tmp_path / "by-id"
    directory.mkdir()
    watched = watching(directory / "*")
    directory.rmdir()
    watched.watch._watch.rescan()  # before the directory's last event is read
    watched.watch._watch.discard(Glob.parse(str(directory / "*")))
    assert watched.watch.found == frozenset()


@pytest.mark.parametrize("pattern", ["sub/node", "sub/*", "*/node", "*/*"])
def test_without_further_watches_a_rescan_finds_what_comes_and_goes(
    pattern: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: INotify, path: str, __: int) -> int:
        os.lstat(path)  # as the kernel does first
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(INotify, "add_watch", fail)
    node = tmp_path / "sub" / "node"
    node.parent.mkdir()
    node.touch()
    glob = Glob.parse(f"{tmp_path}/{pattern}")
    with closing(PathWatch([glob])) as watch:
        assert watch.found == {str(node)}
        node.unlink()
        watch.rescan()
        assert watch.found == set()
        node.parent.rmdir()
        watch.rescan()
        node.parent.mkdir()
        node.touch()
        watch.rescan()
        assert watch.found == {str(node)}
        watch.discard(glob)
        assert watch.found == set()
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "max_user_watches" in caplog.text


async def test_a_directory_that_becomes_readable_is_watched_from_then_on(
    watching: Callable[..., Watched], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    closed, add_watch = tmp_path / "closed", INotify.add_watch
    closed.mkdir(mode=0o700)
    (closed / "a").touch()

    def add(inotify: INotify, path: str, mask: int) -> int:  # as for who is not root
        if path == str(closed) and not closed.stat().st_mode & 0o007:
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
        return int(add_watch(inotify, path, mask))

    monkeypatch.setattr(INotify, "add_watch", add)
    caplog.set_level(logging.INFO)
    watched = watching(closed / "[ab]")
    assert watched.watch.found == frozenset()
    closed.chmod(0o755)
    await watched.reports_of(closed / "a")
    (closed / "b").touch()
    await watched.reports_of(closed / "b")
    assert [line.getMessage() for line in caplog.records] == [f"{closed}: cannot be watched: Permission denied"]


@pytest.mark.parametrize("reads", [False, True])
def test_the_mode_of_a_file_matters_to_who_reads_it(reads: bool, tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with closing(PathWatch([Glob.parse(f"{tmp_path}/[ab]")], writes=reads, attributes=True)) as watch:
        (tmp_path / "a").chmod(0o600)
        (tmp_path / "b").touch()
        changed = watch.read()
    assert (f"{tmp_path}/a" in changed) is reads
    assert f"{tmp_path}/b" in changed


@pytest.mark.parametrize("name", ["listdir", "lstat"])
def test_what_could_not_be_read_is_known_and_can_be_tried_again(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").touch()

    def fail(*_: object) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    glob = Glob.parse(f"{tmp_path}/a" + "*" * (name == "listdir"))
    with closing(PathWatch([])) as watch:
        with monkeypatch.context() as exhausted:
            exhausted.setattr(os, name, fail)
            watch.add(glob)
        assert (watch.found, [error.errno for error in watch.failed.values()]) == (frozenset(), [errno.EMFILE])
        assert watch.retry(glob) == {f"{tmp_path}/a"}
        assert watch.failed == {}
        watch.discard(glob)
        assert watch.retry(glob) == set()


def test_what_comes_and_goes_beside_a_file_that_is_watched_itself_makes_no_event(tmp_path: Path) -> None:
    control, glob = tmp_path / "control", Glob.of(str(tmp_path / "control"))
    with closing(PathWatch([glob], files=[glob])) as watch:
        for _ in range(2):  # made, and made again
            control.touch()
            assert watch.read() == {str(control)}
            assert watch.found == {str(control)}
            assert not watch.read(), "the directory is not watched any more, the kernel says"
            (tmp_path / "queue").touch()
            (tmp_path / "queue").unlink()
            assert not select.select([watch.fileno()], [], [], 0)[0]
            with control.open():  # as udevd has its socket open: the inode stays
                control.unlink()
                assert watch.read() == {str(control)}
            assert watch.found == set()
        watch.read()  # that the former files themselves are gone
        control.touch()
        watch.read()
        watch.discard(glob)
        watch.read()
        control.unlink()
        assert not select.select([watch.fileno()], [], [], 0)[0]


def test_a_file_that_is_replaced_by_another_one_is_watched_on(tmp_path: Path) -> None:
    control, other = tmp_path / "control", tmp_path / "other"
    glob = Glob.of(str(control))
    control.touch()
    with closing(PathWatch([glob], files=[glob])) as watch:
        for _ in range(2):
            other.touch()
            with control.open():
                other.rename(control)
                assert watch.read() == {str(control)}
        control.unlink()
        assert watch.read() == {str(control)}
        assert watch.found == set()
