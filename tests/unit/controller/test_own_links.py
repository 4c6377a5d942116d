"""Links of our own, on a real directory."""

import logging
import os
from pathlib import Path

import pytest

from udev_device_plugin.config.specs import PathType
from udev_device_plugin.controller.own_links import OwnLinks
from udev_device_plugin.devices.device import Device, DeviceSet, Member
from udev_device_plugin.filesystem.own_directory import OwnDirectory


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return f"{tmp_path}/kubelet/udev-device-plugin/"


def named(slug: str) -> str:
    """A name as links of our own have it."""
    return f"{slug}-0123456789"


def present(folder: str) -> dict[str, str]:
    return {folder + name: os.readlink(folder + name) for name in os.listdir(folder) if os.path.islink(folder + name)}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param({}, {"a": "/dev/null"}, id="one comes"),
        pytest.param({"a": "/dev/null"}, {}, id="one goes"),
        pytest.param({"a": "/dev/null"}, {"a": "/dev/zero"}, id="one leads elsewhere"),
        pytest.param({"a": "/dev/null"}, {"b": "/dev/null"}, id="one is replaced by another"),
        pytest.param({"a": "/dev/x", "b": "/dev/y"}, {"a": "/dev/y", "b": "/dev/x"}, id="two swap"),
        pytest.param({"a": "/dev/gone"}, {"a": "/dev/gone"}, id="nothing changes"),
    ],
)
def test_exactly_the_links_that_are_wanted_are_there(
    folder: str, before: dict[str, str], after: dict[str, str]
) -> None:
    links = OwnLinks(OwnDirectory(str(Path(folder).parent)))
    for wanted in ({"first": "/dev/null"}, before, after, {**after, "last": "/dev/null"}):
        links.keep({folder + named(name): node for name, node in wanted.items()})
        assert present(folder) == {folder + named(name): node for name, node in wanted.items()}


def test_each_resource_has_the_links_that_its_present_devices_need(folder: str) -> None:
    links = OwnLinks(OwnDirectory(str(Path(folder).parent)))

    def device(own_link: str, node: str, *, is_healthy: bool = True) -> Device:
        member = Member(node, own_link or node, node, PathType.DEVICE, "mrw", node=node, own_link=own_link)
        return Device((node,), (member,), 1, is_healthy, 0.0)

    links.keep_for(DeviceSet("a", (device(folder + named("one"), "/dev/null"), device("", "/dev/zero"))))
    links.keep_for(DeviceSet("b", (device(folder + named("two"), "/dev/full"),)))
    assert present(folder) == {folder + named("one"): "/dev/null", folder + named("two"): "/dev/full"}
    links.keep_for(DeviceSet("a", (device(folder + named("one"), "/dev/null", is_healthy=False),)))
    assert present(folder) == {folder + named("two"): "/dev/full"}


def test_the_directory_is_made_when_the_first_link_is(folder: str) -> None:
    links = OwnLinks(OwnDirectory(str(Path(folder).parent)))
    links.keep({})
    links.restore()
    assert not os.path.exists(folder)
    links.keep({folder + named("a"): "/dev/null"})
    assert os.listdir(folder) == [named("a")]


def test_whatever_was_done_to_the_directory_is_made_good(folder: str) -> None:
    links = OwnLinks(OwnDirectory(str(Path(folder).parent)))
    wanted = {folder + named(name): "/dev/null" for name in "abc"}
    links.keep(wanted)
    os.unlink(folder + named("a"))
    os.unlink(folder + named("b"))
    os.symlink("/dev/zero", folder + named("b"))
    os.symlink("/dev/zero", folder + named("of-an-earlier-run"))
    links.restore()
    assert present(folder) == wanted


def test_a_link_that_is_right_is_not_touched(folder: str) -> None:
    links = OwnLinks(OwnDirectory(str(Path(folder).parent)))
    links.keep({folder + named("a"): "/dev/null"})
    before = os.lstat(folder + named("a")).st_ino
    links.restore()
    links.keep({folder + named("a"): "/dev/null", folder + named("b"): "/dev/null"})
    assert os.lstat(folder + named("a")).st_ino == before


def test_a_link_that_cannot_be_made_keeps_no_other_from_being_made(
    folder: str, caplog: pytest.LogCaptureFixture
) -> None:
    links = OwnLinks(OwnDirectory(str(Path(folder).parent)))
    links.keep({folder + named("a"): "/dev/null"})
    Path(folder + named("b")).touch()
    links.keep({folder + named(name): "/dev/null" for name in "abc"})
    assert present(folder).keys() == {folder + named("a"), folder + named("c")}
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "something else" in caplog.text
    os.unlink(folder + named("b"))
    links.restore()
    assert present(folder).keys() == {folder + named(name) for name in "abc"}


def test_a_link_is_replaced_in_one_step(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    links = OwnLinks(OwnDirectory(str(Path(folder).parent)))
    links.keep({folder + named("a"): "/dev/null"})
    replace = os.replace

    def looking(source: str, target: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        assert os.readlink(target, dir_fd=dst_dir_fd) == "/dev/null"
        replace(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    monkeypatch.setattr(os, "replace", looking)
    links.keep({folder + named("a"): "/dev/zero"})
    assert present(folder) == {folder + named("a"): "/dev/zero"}


def test_a_directory_that_cannot_be_written_is_complained_of_once_until_it_can(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    folder = f"{tmp_path}/file/udev-device-plugin/"  # not even root can make that
    links = OwnLinks(OwnDirectory(str(Path(folder).parent)))
    with caplog.at_level(logging.ERROR):
        for name in "ab":
            links.keep({folder + named(name): "/dev/null"})
        links.restore()
    assert len(caplog.records) == 1
    assert caplog.messages[0].startswith(
        f"{folder.rstrip('/')}: cannot be used: Not a directory; until it can be, containers do"
    )
    (tmp_path / "file").unlink()
    links.restore()
    assert present(folder) == {folder + named("b"): "/dev/null"}
