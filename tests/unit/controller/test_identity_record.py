"""What was offered is known to the next process of the plugin, and only where it still holds."""

import json
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from udev_device_plugin.config.specs import GroupSpec, PathSpec, ResourceSpec
from udev_device_plugin.controller import identity_record as module
from udev_device_plugin.controller.identity_record import IdentityRecord
from udev_device_plugin.devices.assembled import AssembledDevice, AssembledResource
from udev_device_plugin.devices.candidates import Candidate, NodeKey
from udev_device_plugin.filesystem.own_directory import NAME, OwnDirectory
from udev_device_plugin.host.model import DeviceNumber
from udev_device_plugin.selectors.paths.glob import Glob
from udev_device_plugin.selectors.paths.selector import PathSelector
from udev_device_plugin.selectors.usb.selector import UsbSelector


def group(*selectors: str | UsbSelector, count: int = 1) -> GroupSpec:
    paths = (PathSpec(PathSelector(Glob.parse(one)) if isinstance(one, str) else one) for one in selectors)
    return GroupSpec(tuple(paths), count)


def resource(*groups: GroupSpec, name: str = "serial") -> ResourceSpec:
    return ResourceSpec(f"squat.ai/{name}", groups)


def candidate(path: str, minor: int = 0, own_link: str = "") -> Candidate:
    node = NodeKey(DeviceNumber("c", 188, minor), 7, "")
    return Candidate(path, path, node, f"/dev/ttyUSB{minor}", path, 1, own_link, "stick", "/sys/x", "tty")


def formed(*members: Candidate | None, group: int = 0, is_healthy: bool = True) -> AssembledDevice:
    identity = tuple(member.identity for member in members if member is not None)
    return AssembledDevice(identity, group, members, is_healthy, 0.0, member=0, needs=(("tty", 4),))


SERIAL = resource(group("/dev/ttyUSB*", "/dev/null"), group(UsbSelector("2c7c", "0125")))
WHOLE = AssembledResource(
    (formed(candidate("/dev/ttyUSB0"), None), formed(candidate("/dev/b", 1, "/links/b"), group=1))
)


def known(directory: Path, spec: ResourceSpec = SERIAL) -> list[tuple[tuple[str, ...], int, tuple[object, ...]]]:
    with closing(OwnDirectory(str(directory))) as own:
        recalled = IdentityRecord(own).recall(spec)
    assert recalled.is_first
    return [(one.identity, one.group, one.members) for one in recalled.devices]


def file_of(directory: Path) -> Path:
    (path,) = (directory / NAME).iterdir()
    return path


def test_what_was_offered_is_known_to_the_next_process(tmp_path: Path) -> None:
    IdentityRecord(OwnDirectory(str(tmp_path))).keep(SERIAL, WHOLE)
    assert known(tmp_path) == [(one.identity, one.group, one.members) for one in WHOLE.devices]
    assert IdentityRecord(OwnDirectory(str(tmp_path))).recall(SERIAL).devices[1].needs == (("tty", 4),)


def test_what_was_absent_is_not(tmp_path: Path) -> None:
    IdentityRecord(OwnDirectory(str(tmp_path))).keep(
        SERIAL, AssembledResource((formed(candidate("/dev/ttyUSB0"), None, is_healthy=False),))
    )
    assert known(tmp_path) == []


def test_a_group_is_known_by_what_it_asks_for_and_not_by_its_place(tmp_path: Path) -> None:
    IdentityRecord(OwnDirectory(str(tmp_path))).keep(SERIAL, WHOLE)
    now = resource(group("/dev/other"), group("/dev/ttyUSB*", "/dev/null", count=3))
    assert [(identity, place) for identity, place, _ in known(tmp_path, now)] == [(("/dev/ttyUSB0",), 1)]


def test_another_resource_is_another_thing(tmp_path: Path) -> None:
    IdentityRecord(OwnDirectory(str(tmp_path))).keep(SERIAL, WHOLE)
    assert known(tmp_path, resource(*SERIAL.groups, name="other")) == []


def test_after_a_boot_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    IdentityRecord(OwnDirectory(str(tmp_path))).keep(SERIAL, WHOLE)
    (tmp_path / "boot").write_text("another\n")
    monkeypatch.setattr(module, "_BOOT_ID", str(tmp_path / "boot"))
    assert known(tmp_path) == []


def test_what_did_not_change_is_not_written_again(tmp_path: Path) -> None:
    record = IdentityRecord(OwnDirectory(str(tmp_path)))
    record.keep(SERIAL, WHOLE)
    file_of(tmp_path).unlink()
    record.keep(SERIAL, AssembledResource(WHOLE.devices))
    assert list((tmp_path / NAME).iterdir()) == []
    record.restore()
    assert len(known(tmp_path)) == len(WHOLE.devices)


def test_where_nothing_can_be_written_that_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    record = IdentityRecord(OwnDirectory(f"{tmp_path}/file"))
    record.keep(SERIAL, WHOLE)
    record.keep(SERIAL, AssembledResource())
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "some IDs may change with a restart" in caplog.text


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"boot": 1}', "\0", "[" * 100_000],
    ids=["empty", "cut", "a list", "null", "no resource", "NUL", "deep"],
)
def test_a_file_that_makes_no_sense_is_done_without(
    text: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    IdentityRecord(OwnDirectory(str(tmp_path))).keep(SERIAL, WHOLE)
    file_of(tmp_path).write_text(text)
    assert known(tmp_path) == []
    assert "cannot be read, and is done without" in caplog.text


leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
documents = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner)
)


@given(place=st.integers(0, 4), value=documents)
def test_whatever_the_file_says_it_is_devices_or_nothing(
    place: int, value: object, tmp_path_factory: pytest.TempPathFactory
) -> None:
    directory = tmp_path_factory.mktemp("links")
    with closing(OwnDirectory(str(directory))) as own:
        IdentityRecord(own).keep(SERIAL, WHOLE)
    document = json.loads(file_of(directory).read_text())
    document["offered"][0][place] = value
    file_of(directory).write_text(json.dumps(document))
    for identity, group_number, members in known(directory):
        assert all(isinstance(text, str) for text in identity)
        assert all(one is None or isinstance(one, Candidate) for one in members)
        assert group_number == 1 or len(members) == len(SERIAL.groups[0].paths)
