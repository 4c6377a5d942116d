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


def present(folder: str) -> dict[str, str]:
    return {folder + name: os.readlink(folder + name) for name in os.listdir(folder)}


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
    links = OwnLinks(OwnDirectory(folder))
    for wanted in ({"first": "/dev/null"}, before, after, {**after, "last": "/dev/null"}):
        links.keep({folder + name: node for name, node in wanted.items()})
        assert present(folder) == {folder + name: node for name, node in wanted.items()}


def test_each_resource_has_the_links_that_its_present_devices_need(folder: str) -> None:
    links = OwnLinks(OwnDirectory(folder))

    def device(own_link: str, node: str, *, is_healthy: bool = True) -> Device:
        member = Member(node, own_link or node, node, PathType.DEVICE, "mrw", node=node, own_link=own_link)
        return Device((node,), (member,), 1, is_healthy, 0.0)

    links.keep_for(DeviceSet("a", (device(f"{folder}one", "/dev/null"), device("", "/dev/zero"))))
    links.keep_for(DeviceSet("b", (device(f"{folder}two", "/dev/full"),)))
    assert present(folder) == {f"{folder}one": "/dev/null", f"{folder}two": "/dev/full"}
    links.keep_for(DeviceSet("a", (device(f"{folder}one", "/dev/null", is_healthy=False),)))
    assert present(folder) == {f"{folder}two": "/dev/full"}


def test_the_directory_is_made_when_the_first_link_is(folder: str) -> None:
    links = OwnLinks(OwnDirectory(folder))
    links.keep({})
    links.restore()
    assert not os.path.exists(folder)
    links.keep({f"{folder}a": "/dev/null"})
    assert os.listdir(folder) == ["a"]


def test_whatever_was_done_to_the_directory_is_made_good(folder: str) -> None:
    links = OwnLinks(OwnDirectory(folder), ".spared-")
    wanted = {f"{folder}{name}": "/dev/null" for name in "abc"}
    links.keep(wanted)
    os.unlink(f"{folder}a")
    os.unlink(f"{folder}b")
    os.symlink("/dev/zero", f"{folder}b")
    os.symlink("/dev/zero", f"{folder}of-an-earlier-run")
    Path(f"{folder}a-file").touch()
    Path(f"{folder}.spared-file").touch()
    links.restore()
    os.unlink(f"{folder}.spared-file")
    assert present(folder) == wanted


def test_a_link_that_is_right_is_not_touched(folder: str) -> None:
    links = OwnLinks(OwnDirectory(folder))
    links.keep({f"{folder}a": "/dev/null"})
    before = os.lstat(f"{folder}a").st_ino
    links.restore()
    links.keep({f"{folder}a": "/dev/null", f"{folder}b": "/dev/null"})
    assert os.lstat(f"{folder}a").st_ino == before


def test_a_link_is_replaced_in_one_step(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    links = OwnLinks(OwnDirectory(folder))
    links.keep({f"{folder}a": "/dev/null"})
    replace = os.replace

    def looking(source: str, target: str) -> None:
        assert os.readlink(target) == "/dev/null"
        replace(source, target)

    monkeypatch.setattr(os, "replace", looking)
    links.keep({f"{folder}a": "/dev/zero"})
    assert present(folder) == {f"{folder}a": "/dev/zero"}


def test_a_directory_that_cannot_be_written_is_complained_of_once_until_it_can(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    folder = f"{tmp_path}/file/links/"  # not even root can make that
    links = OwnLinks(OwnDirectory(folder))
    with caplog.at_level(logging.ERROR):
        for name in "ab":
            links.keep({folder + name: "/dev/null"})
        links.restore()
    assert len(caplog.records) == 1
    assert caplog.messages[0].startswith(f"{folder}: links cannot be kept there: Not a directory")
    (tmp_path / "file").unlink()
    links.restore()
    assert present(folder) == {f"{folder}b": "/dev/null"}
