"""The source that decides what exists, on real files and links (nodes: those that every host has)."""

import asyncio
import os
import socket
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from udev_device_plugin.device import DeviceNumber, PathEntry, PathKind
from udev_device_plugin.discovery import filesystem
from udev_device_plugin.discovery.ends import end_of
from udev_device_plugin.discovery.filesystem import FilesystemSource
from udev_device_plugin.globs import Glob
from udev_device_plugin.interest import Interest
from udev_device_plugin.metrics import Metrics
from udev_device_plugin.observations import Observation, PathObserved, PathsResync, PathVanished

NULL = DeviceNumber("c", 1, 3)
ZERO = DeviceNumber("c", 1, 5)


def without_inode(observation: Observation) -> Observation:
    """An observation as it would be anywhere."""
    if isinstance(observation, PathObserved):
        return PathObserved(replace(observation.entry, inode=0))
    return observation


class Told:
    """What the source told, in order."""

    def __init__(self, *globs: str | Path) -> None:
        interest = Interest(frozenset(Glob.parse(str(glob)) for glob in globs))
        self.source = FilesystemSource(interest, lambda: None, Metrics())
        self.observations: asyncio.Queue[Observation] = asyncio.Queue()

    def sink(self, observations: Sequence[Observation], received: float) -> None:
        assert received > 0
        for observation in observations:
            self.observations.put_nowait(without_inode(observation))

    async def next(self) -> Observation:
        return await asyncio.wait_for(self.observations.get(), 10)


@asynccontextmanager
async def running(*globs: str | Path) -> AsyncIterator[Told]:
    told = Told(*globs)
    task = asyncio.create_task(told.source.run(told.sink))
    yield told
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_its_first_word_is_everything_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "file").touch()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "sock"))
        async with running(tmp_path / "*", "/dev/null") as told:
            resync = await told.next()
    assert isinstance(resync, PathsResync)
    kinds = {entry.path: entry.kind for entry in resync.entries}
    assert kinds == {
        str(tmp_path / "sub"): PathKind.DIRECTORY,
        str(tmp_path / "file"): PathKind.FILE,
        str(tmp_path / "sock"): PathKind.SOCKET,
        "/dev/null": PathKind.NODE,
    }
    assert next(entry.number for entry in resync.entries if entry.path == "/dev/null") == NULL


async def test_what_comes_and_goes_is_told(tmp_path: Path) -> None:
    async with running(tmp_path / "*") as told:
        await told.next()
        (tmp_path / "link").symlink_to("/dev/null")
        observed = await told.next()
        assert isinstance(observed, PathObserved)
        assert (observed.entry.number, observed.entry.target) == (NULL, "/dev/null")
        (tmp_path / "link").unlink()
        assert await told.next() == PathVanished(str(tmp_path / "link"))


async def test_a_link_that_is_replaced_leads_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/dev/null")
    async with running(tmp_path / "link") as told:
        await told.next()
        (tmp_path / "new").symlink_to("/dev/zero")
        os.replace(tmp_path / "new", tmp_path / "link")  # as udevd does it
        observed = await told.next()
        assert isinstance(observed, PathObserved)
        assert observed.entry.number == ZERO


async def test_a_link_whose_end_goes_is_gone_and_comes_back_with_it(tmp_path: Path) -> None:
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "link").symlink_to("../ends/end")
    link = str(tmp_path / "links" / "link")
    async with running(tmp_path / "links" / "*") as told:
        assert await told.next() == PathsResync(())
        (tmp_path / "ends").mkdir()
        (tmp_path / "ends" / "end").touch()
        end = str(tmp_path / "ends" / "end")
        assert await told.next() == PathObserved(PathEntry(link, PathKind.FILE, target=end))
        (tmp_path / "ends" / "end").unlink()
        assert await told.next() == PathVanished(link)


async def test_a_rescan_tells_everything_anew(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    async with running(tmp_path / "*") as told:
        first = await told.next()
        told.source.rescan()
        assert await told.next() == first


async def test_a_look_tells_only_what_is_new_and_only_of_configured_paths(tmp_path: Path) -> None:
    async with running(tmp_path / "*") as told:
        await told.next()
        (tmp_path / "file").touch()
        path = str(tmp_path / "file")
        assert list(map(without_inode, told.source.look([path, "/dev/null"]))) == [
            PathObserved(PathEntry(path, PathKind.FILE, target=path))
        ]
        assert told.source.look([path]) == []


async def test_what_one_of_udevs_events_led_to_is_not_looked_at_again_because_inotify_tells_it_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: Counter[str] = Counter()

    def count(path: str) -> tuple[os.stat_result, str]:
        looked[path] += 1
        return end_of(path)

    monkeypatch.setattr(filesystem, "end_of", count)
    spoken_of, other = tmp_path / "spoken-of", tmp_path / "other"
    async with running(tmp_path / "*") as told:
        await told.next()
        told.source.trust(True)
        spoken_of.touch()
        told.source.catch_up()
        assert told.source.look([str(spoken_of)])
        other.touch()
        assert await told.next() == PathObserved(PathEntry(str(other), PathKind.FILE, target=str(other)))
        assert looked == {str(spoken_of): 1, str(other): 1}


async def test_what_changes_after_one_of_udevs_events_led_to_it_is_looked_at_again(tmp_path: Path) -> None:
    link, new = tmp_path / "link", tmp_path / "new"
    link.symlink_to("/dev/null")
    async with running(link) as told:
        await told.next()
        told.source.trust(True)
        told.source.catch_up()
        assert not told.source.look([str(link)])
        new.symlink_to("/dev/zero")
        new.rename(link)
        seen = await told.next()
        assert isinstance(seen, PathObserved)
        assert seen.entry.target == "/dev/zero"


async def test_files_of_a_directory_that_goes_are_gone(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "file").touch()
    async with running(tmp_path / "sub" / "*") as told:
        await told.next()
        os.rename(tmp_path / "sub", tmp_path / "elsewhere")
        assert await told.next() == PathVanished(str(tmp_path / "sub" / "file"))


async def test_a_link_that_goes_while_it_is_looked_at_is_simply_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")

    def gone(path: str) -> str:
        raise FileNotFoundError(path)

    monkeypatch.setattr(os, "readlink", gone)
    async with running(f"{tmp_path}/link") as told:
        assert await told.next() == PathsResync(())
