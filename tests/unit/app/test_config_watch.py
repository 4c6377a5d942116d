"""The configuration file's watch: which files decide what it reads, and what counts as a change."""

import asyncio
import errno
import os
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from tests.lab.odd_files import a_fifo, a_link_to_itself, something_endless, something_huge
from udev_device_plugin.app import config_watch, requests
from udev_device_plugin.app.config_watch import steps_to, watch_config
from udev_device_plugin.config.yaml_document import MAX_TEXT
from udev_device_plugin.filesystem.small_files import read_regular


@asynccontextmanager
async def watching(file: Path, content: bytes, on_change: Callable[[], None]) -> AsyncIterator[None]:
    running = asyncio.create_task(watch_config(str(file), content, on_change))
    try:
        yield
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


def test_every_link_on_the_way_to_a_file_decides_what_it_reads(tmp_path: Path) -> None:
    (tmp_path / "..1").mkdir()
    (tmp_path / "..1" / "config.yaml").touch()
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "config.yaml").symlink_to("..data/config.yaml")
    assert list(steps_to(f"{tmp_path}/config.yaml")) == [
        f"{tmp_path}/config.yaml",
        f"{tmp_path}/..data",
        f"{tmp_path}/..1/config.yaml",
    ]


def test_links_that_lead_in_a_circle_have_an_end(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to("../" + tmp_path.name + "/a")
    assert f"{tmp_path}/a" in list(steps_to(f"{tmp_path}/a"))


def test_a_file_that_is_not_there_is_waited_for_where_it_would_be(tmp_path: Path) -> None:
    assert list(steps_to(f"{tmp_path}/nowhere/./x/../config.yaml")) == [f"{tmp_path}/nowhere/config.yaml"]


@pytest.mark.parametrize("text", ["b", None], ids=["other text", "gone"])
async def test_other_bytes_are_a_change(tmp_path: Path, text: str | None) -> None:
    changed, file = asyncio.Event(), tmp_path / "config.yaml"
    file.write_text("a")
    async with watching(file, b"a", changed.set):
        file.unlink() if text is None else file.write_text(text)
        await asyncio.wait_for(changed.wait(), 10)


async def test_what_was_written_between_the_reading_and_the_watch_is_a_change(tmp_path: Path) -> None:
    changed, file = asyncio.Event(), tmp_path / "config.yaml"
    file.write_text("b")
    async with watching(file, b"a", changed.set):
        await asyncio.wait_for(changed.wait(), 10)


async def test_the_same_bytes_are_none(tmp_path: Path) -> None:
    texts, file = asyncio.Queue[str](), tmp_path / "config.yaml"
    file.write_text("a")
    async with watching(file, b"a", lambda: texts.put_nowait(file.read_text())):
        file.write_text("a")
        (tmp_path / "new").write_text("a")
        (tmp_path / "new").replace(file)
        file.write_text("b")
        assert await asyncio.wait_for(texts.get(), 10) == "b"
        assert texts.empty()


def a_little_too_much(path: Path) -> None:
    path.write_bytes(b"#" * (MAX_TEXT + 1))


def a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


@pytest.mark.parametrize(
    "make",
    [a_fifo, something_endless, something_huge, a_little_too_much, a_socket, a_link_to_itself, Path.mkdir],
)
async def test_what_is_no_file_of_a_reasonable_size_is_a_change_and_is_not_read(
    make: Callable[[Path], None], tmp_path: Path
) -> None:
    changes, file = asyncio.Queue[None](), tmp_path / "config.yaml"
    file.write_text("a")
    async with watching(file, b"a", lambda: changes.put_nowait(None)):
        make(tmp_path / "new")
        file.unlink()  # a directory replaces no file
        (tmp_path / "new").rename(file)
        await asyncio.wait_for(changes.get(), 10)
        file.rmdir() if file.is_dir() and not file.is_symlink() else file.unlink()
        file.write_text("b")
        await asyncio.wait_for(changes.get(), 10)


async def test_a_file_that_cannot_be_read_for_want_of_descriptors_is_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    changed, file, failures = asyncio.Event(), tmp_path / "config.yaml", iter(range(3))
    file.write_text("b")

    def fail_at_first(path: str, size: int) -> bytes:
        if next(failures, None) is not None:
            raise OSError(errno.EMFILE, "Too many open files")
        return read_regular(path, size)

    monkeypatch.setattr(config_watch, "read_regular", fail_at_first)
    monkeypatch.setattr(requests, "RETRY_AFTER", 0.0)
    async with watching(file, b"a", changed.set):
        await asyncio.wait_for(changed.wait(), 10)
    assert [line.levelname for line in caplog.records] == ["ERROR"]
    assert caplog.messages == [f"{file}: cannot be looked at now, and will be tried again: Too many open files"]


async def test_a_file_system_that_does_not_answer_keeps_nothing_else_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed, hangs, file, loop = asyncio.Event(), asyncio.Event(), tmp_path / "config.yaml", asyncio.get_running_loop()
    answers, has_gone_on, lstat = threading.Event(), list[bool](), os.lstat
    file.write_text("b")

    def lstat_that_hangs(path: str) -> os.stat_result:
        if path == str(file):
            loop.call_soon_threadsafe(hangs.set)
            has_gone_on.append(answers.wait(5))
        return lstat(path)

    monkeypatch.setattr(os, "lstat", lstat_that_hangs)
    async with watching(file, b"a", changed.set):
        await hangs.wait()
        answers.set()
        await asyncio.wait_for(changed.wait(), 10)
        for event in (answers, hangs, changed):
            event.clear()
        file.write_text("c")
        tmp_path.rename(tmp_path.with_name("elsewhere"))  # then it is looked for from the root on
        tmp_path.with_name("elsewhere").rename(tmp_path)
        await hangs.wait()
        answers.set()
        await asyncio.wait_for(changed.wait(), 10)
    assert all(has_gone_on), "the loop goes on meanwhile"
