"""The configuration file's watch: which files decide what it reads, and what counts as a change."""

import asyncio
from contextlib import closing
from pathlib import Path

import pytest

from udev_device_plugin.app.config_watch import ConfigWatch, steps_to


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
    with closing(ConfigWatch(str(file), b"a", changed.set)):
        file.unlink() if text is None else file.write_text(text)
        await asyncio.wait_for(changed.wait(), 10)


async def test_what_was_written_between_the_reading_and_the_watch_is_a_change(tmp_path: Path) -> None:
    changed, file = asyncio.Event(), tmp_path / "config.yaml"
    file.write_text("b")
    with closing(ConfigWatch(str(file), b"a", changed.set)):
        await asyncio.wait_for(changed.wait(), 10)


async def test_the_same_bytes_are_none(tmp_path: Path) -> None:
    texts, file = asyncio.Queue[str](), tmp_path / "config.yaml"
    file.write_text("a")
    with closing(ConfigWatch(str(file), b"a", lambda: texts.put_nowait(file.read_text()))):
        file.write_text("a")
        (tmp_path / "new").write_text("a")
        (tmp_path / "new").replace(file)
        file.write_text("b")
        assert await asyncio.wait_for(texts.get(), 10) == "b"
        assert texts.empty()
