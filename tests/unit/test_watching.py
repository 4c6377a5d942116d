"""Paths are watched, whatever of the directories on the way to them exists (real inotify)."""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from udev_device_plugin.globs import Glob
from udev_device_plugin.watching import PathWatch


class Watched:
    """A watch, and what it reported."""

    def __init__(self, *globs: str | Path) -> None:
        self.reports: list[frozenset[str]] = []
        self._news = asyncio.Event()
        self.watch = PathWatch([Glob.parse(str(glob)) for glob in globs], self._on_change)

    def _on_change(self, paths: Mapping[str, float]) -> None:
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


async def test_what_nobody_asked_for_is_not_reported(watching: Callable[..., Watched], tmp_path: Path) -> None:
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
    watched.watch.add(second)
    (tmp_path / "b").touch()
    await watched.reports_of(tmp_path / "b")
    watched.watch.discard(second)
    (tmp_path / "b").unlink()
    (tmp_path / "a").touch()
    await watched.reports_of(tmp_path / "a")
    assert watched.reports == []


async def test_lost_events_lead_to_a_new_look_at_everything(watching: Callable[..., Watched], tmp_path: Path) -> None:
    watched = watching(tmp_path / "known", tmp_path / "new")
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text(encoding="ascii"))
    # The queue is filled while the loop does not read it: nothing that comes after is told.
    for _ in range(limit // 2 + 1):
        (tmp_path / "flood").touch()
        (tmp_path / "flood").unlink()
    (tmp_path / "new").touch()
    await watched.reports_of(tmp_path / "new")


async def test_a_closed_watch_leaves_no_descriptor_behind(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        PathWatch([Glob.of(str(tmp_path / "x"))], lambda _: None).close()
    assert len(os.listdir("/proc/self/fd")) == before


async def test_a_watch_that_ends_together_with_its_directory_does_no_harm(
    watching: Callable[..., Watched], tmp_path: Path
) -> None:
    directory = tmp_path / "by-id"
    directory.mkdir()
    watched = watching(directory / "*")
    directory.rmdir()
    watched.watch.rescan()  # before the directory's last event is read
    watched.watch.discard(Glob.parse(str(directory / "*")))
    assert watched.watch.found == frozenset()


def watched_inodes(watch: PathWatch) -> set[int]:
    """What the kernel watches for us (proc(5), ``fdinfo``)."""
    text = Path(f"/proc/self/fdinfo/{watch._inotify.fileno()}").read_text()
    return {int(inode, 16) for inode in re.findall(r"^inotify wd:\S+ ino:(\S+)", text, re.MULTILINE)}


async def test_what_happens_beside_a_thing_that_is_watched_closely_wakes_nobody(tmp_path: Path) -> None:
    reports: list[set[str]] = []
    news = asyncio.Event()

    def on_change(paths: Mapping[str, float]) -> None:
        reports.append(set(paths))
        news.set()

    async def report() -> set[str]:
        async with asyncio.timeout(10):
            await news.wait()
        news.clear()
        return reports.pop()

    control = tmp_path / "control"
    glob = Glob.of(str(control))
    with closing(PathWatch([glob], on_change, closely={glob})) as watch:
        for _ in range(2):  # made, and made again
            control.touch()
            assert await report() == {str(control)}
            assert watched_inodes(watch) == {control.stat().st_ino}
            assert watch.found == {str(control)}
            with control.open():  # as udevd has it: its inode stays
                control.unlink()
                assert await report() == {str(control)}
            assert watched_inodes(watch) >= {tmp_path.stat().st_ino}
            assert watch.found == frozenset()
        assert not reports
        control.touch()
        await report()
        watch.discard(glob)
        assert not watched_inodes(watch)


async def test_a_thing_that_is_replaced_by_another_is_watched_on(tmp_path: Path) -> None:
    told = asyncio.Event()
    control, other = tmp_path / "control", tmp_path / "other"
    control.touch()
    glob = Glob.of(str(control))
    with closing(PathWatch([glob], lambda _: told.set(), closely={glob})) as watch:
        for _ in range(2):
            other.touch()
            inode = other.stat().st_ino
            other.rename(control)
            async with asyncio.timeout(10):
                await told.wait()
            told.clear()
            assert watched_inodes(watch) == {inode}


async def test_what_comes_waits_for_more_and_while_somebody_else_tells_of_it(
    watching: Callable[..., Watched], tmp_path: Path
) -> None:
    watched = watching(tmp_path / "*")
    watched.watch.patience = 0.01
    (tmp_path / "a").touch()
    watched.watch.read()
    assert not watched.reports
    watched.watch.wait_on(3600, longest=0.02)
    (tmp_path / "b").touch()
    await watched.reports_of(tmp_path / "b")
    watched.watch.wait_on(3600, longest=3600)  # of nothing that waits
    (tmp_path / "c").touch()
    await watched.reports_of(tmp_path / "c")


async def test_what_goes_waits_for_nothing(watching: Callable[..., Watched], tmp_path: Path) -> None:
    (tmp_path / "old").touch()
    watched = watching(tmp_path / "*")
    watched.watch.patience = 3600
    (tmp_path / "new").touch()
    (tmp_path / ".#link").touch()
    (tmp_path / ".#link").rename(tmp_path / "link")  # as udevd makes links
    watched.watch.read()
    assert not watched.reports
    (tmp_path / "old").unlink()
    watched.watch.read()
    names = {"old", "new", ".#link", "link"}
    assert watched.reports == [frozenset(str(tmp_path / name) for name in names)]
    (tmp_path / "short-lived").touch()
    (tmp_path / "short-lived").unlink()
    watched.watch.read()
    assert watched.reports[1:] == [frozenset({str(tmp_path / "short-lived")})]
