"""What was offered is known to the next process of the plugin, and only where it still holds."""

import errno
import json
import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from resource import RLIMIT_FSIZE, getrlimit, setrlimit

import pytest
from hypothesis import given, strategies as st

from tests.lab.odd_files import a_fifo
from udev_device_plugin.config.faults import Faults, Place
from udev_device_plugin.config.spec_parser import read_resources
from udev_device_plugin.config.specs import GroupSpec, PathSpec, ResourceSpec
from udev_device_plugin.config.yaml_document import read_document
from udev_device_plugin.controller import identity_record as module
from udev_device_plugin.controller.identity_record import IdentityRecord
from udev_device_plugin.devices.assembled import AssembledDevice, AssembledResource
from udev_device_plugin.devices.candidates import Candidate, NodeKey
from udev_device_plugin.devices.identity import own_link_name
from udev_device_plugin.errors import StartError
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


def recorded(device: AssembledDevice, directory: Path) -> tuple[tuple[str, ...], int, tuple[object, ...]]:
    """What is known of a device later: without the paths that are derived, and with a link of our own by its name."""
    members = (
        one and replace(one, target="", host_path="", own_link=one.own_link and own_link(directory, one.identity))
        for one in device.members
    )
    return device.identity, device.group, tuple(members)


def own_link(directory: Path, identity: str) -> str:
    return f"{directory}/{NAME}/{own_link_name(identity)}"


def formed(*members: Candidate | None, group: int = 0, is_healthy: bool = True) -> AssembledDevice:
    identity = tuple(member.identity for member in members if member is not None)
    return AssembledDevice(identity, group, members, is_healthy, 0.0, needs=(("tty", 4),))


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
    assert known(tmp_path) == [recorded(one, tmp_path) for one in WHOLE.devices]
    assert IdentityRecord(OwnDirectory(str(tmp_path))).recall(SERIAL).devices[1].needs == (("tty", 4),)


def test_what_was_absent_is_not(tmp_path: Path) -> None:
    IdentityRecord(OwnDirectory(str(tmp_path))).keep(
        SERIAL, AssembledResource((formed(candidate("/dev/ttyUSB0"), None, is_healthy=False),))
    )
    assert known(tmp_path) == []


def test_what_other_groups_offered_is_known_as_former_devices_present_or_absent(tmp_path: Path) -> None:
    before = read_resources(
        [node for node in [read_document(WRITTEN, Place(""), Faults())] if node is not None],
        "squat.ai",
        Faults(),
    )[0]
    devices = (
        formed(candidate("/dev/ttyUSB0")),
        formed(candidate("/dev/b", 1), group=1, is_healthy=False),
        formed(candidate("/dev/c", 2), candidate("/etc/a"), group=2),
    )
    now = ResourceSpec(before.resource, (before.groups[1],))
    with closing(OwnDirectory(str(tmp_path))) as own:
        IdentityRecord(own).keep(before, AssembledResource(devices))
        spec, known = IdentityRecord(own).recall_all(now)
    former = (replace(before.groups[one], is_former=True, is_recorded=True) for one in (0, 2))
    assert spec.groups == (before.groups[1], *former)
    assert [(one.identity, one.group, one.is_former, one.held_ids) for one in known.devices] == [
        (("/dev/ttyUSB0",), 1, True, None),
        (("/dev/c", "/etc/a"), 2, True, None),
    ], "one that is configured, and absent, is not"
    assert [one.is_healthy for one in known.devices] == [True, True]
    with closing(OwnDirectory(str(tmp_path))) as own:
        _, gone = IdentityRecord(own).recall_all(ResourceSpec(before.resource, ()))
    assert sorted((one.identity[0], one.is_healthy) for one in gone.devices) == [
        ("/dev/b", False),
        ("/dev/c", True),
        ("/dev/ttyUSB0", True),
    ]


WRITTEN = """
name: serial
groups:
  - paths: ["/dev/ttyUSB*"]
    count: 2
  - udev: [{match: 'SUBSYSTEM=="tty", ENV{X}=="\\"ü\\U0001F600"', optional: true}]
  - paths: [{path: /dev/c, mountPath: /dev/x, permissions: r}, {path: /etc/a, type: Mount, readOnly: true}]
"""


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


def test_what_could_not_be_written_is_written_later(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    record = IdentityRecord(OwnDirectory(str(tmp_path)))
    record.keep(SERIAL, AssembledResource())
    limits = getrlimit(RLIMIT_FSIZE)
    setrlimit(RLIMIT_FSIZE, (len(file_of(tmp_path).read_bytes()), limits[1]))
    try:
        record.keep(SERIAL, WHOLE)
    finally:
        setrlimit(RLIMIT_FSIZE, limits)
    assert known(tmp_path) == []
    assert len(caplog.records) == 1
    record.restore()
    assert len(known(tmp_path)) == len(WHOLE.devices)


def test_of_a_group_that_had_several_entries_each_is_known(tmp_path: Path) -> None:
    """An earlier version had all entries of ``usb`` in one group."""
    text = "{name: serial, groups: [{usb: [{vendor: 2c7c, product: 0125}, {vendor: 2c7c, product: 0126}]}]}"
    node = read_document(text, Place(""), Faults())
    assert node is not None
    (now,) = read_resources([node], "squat.ai", Faults())
    IdentityRecord(OwnDirectory(str(tmp_path))).keep(now, AssembledResource((formed(candidate("/dev/b")),)))
    _, body = file_of(tmp_path).read_text().split("\n", 1)
    written = json.loads(body)
    (name,) = written["groups"]
    written["groups"] = {
        name: '{"usb": [{"vendor": "2c7c", "product": "0125"}, {"vendor": "2c7c", "product": "0126"}]}'
    }
    written["offered"][0][3] = 1
    body = json.dumps(written) + "\n"
    checksum = sha256(b"2\n" + body.encode()).hexdigest()
    file_of(tmp_path).write_text(f"udev-device-plugin record 2 sha256:{checksum}\n{body}")
    assert [(identity, place) for identity, place, _ in known(tmp_path, now)] == [(("/dev/b",), 1)]


FORMER = """\
{"boot": "BOOT", "resource": "squat.ai/serial", "offered": [
["9e21180103", ["/dev/ttyUSB0"], [[["c188:0", 7, ""], 1, 0, "/dev/ttyUSB0", "/dev/ttyUSB0", "/dev/ttyUSB0", \
"/dev/ttyUSB0", "", "stick", "/sys/x", "tty"], null], 0, [["tty", 4]]],
["62ed470b1e", ["/dev/b"], [[["c188:1", 7, ""], 1, 0, "/dev/b", "/dev/b", "/dev/ttyUSB1", "/dev/b", "/links/b", \
"stick", "/sys/x", "tty"]], 0, [["tty", 4]]]
]}
"""
"""What the version before format 2 wrote of `WHOLE`."""


def this_boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def test_what_the_former_version_wrote_is_read_but_its_paths(tmp_path: Path) -> None:
    IdentityRecord(OwnDirectory(str(tmp_path))).keep(SERIAL, WHOLE)
    file_of(tmp_path).write_text(FORMER.replace("BOOT", this_boot()))
    assert known(tmp_path) == [recorded(one, tmp_path) for one in WHOLE.devices]


def test_what_a_newer_release_wrote_is_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    IdentityRecord(OwnDirectory(str(tmp_path))).keep(SERIAL, WHOLE)
    body = b"whatever it looks like"
    checksum = sha256(b"3\n" + body).hexdigest().encode()
    newer = b"udev-device-plugin record 3 sha256:%s\n%s" % (checksum, body)
    file_of(tmp_path).write_bytes(newer)
    record = IdentityRecord(OwnDirectory(str(tmp_path)))
    assert record.recall(SERIAL) == AssembledResource()
    record.keep(SERIAL, WHOLE)
    record.restore()
    assert file_of(tmp_path).read_bytes() == newer
    assert [line.levelname for line in caplog.records] == ["WARNING"]
    assert "a newer release has written it, in format 3: it is left as it is" in caplog.text


def test_what_only_seems_to_be_of_a_newer_release_is_replaced(tmp_path: Path) -> None:
    IdentityRecord(OwnDirectory(str(tmp_path))).keep(SERIAL, WHOLE)
    good = file_of(tmp_path).read_bytes()
    file_of(tmp_path).write_bytes(good.replace(b"record 2", b"record 3", 1))
    record = IdentityRecord(OwnDirectory(str(tmp_path)))
    assert record.recall(SERIAL) == AssembledResource()
    record.keep(SERIAL, WHOLE)
    assert file_of(tmp_path).read_bytes() == good


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"boot": 1}', "\0", "[" * 100_000, "udev-device-plugin record 2 sha256:\n"],
    ids=["empty", "cut", "a list", "null", "no resource", "NUL", "deep", "no checksum"],
)
def test_a_file_that_makes_no_sense_is_done_without(
    text: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    IdentityRecord(OwnDirectory(str(tmp_path))).keep(SERIAL, WHOLE)
    file_of(tmp_path).write_text(text)
    assert known(tmp_path) == []
    assert [line.levelname for line in caplog.records] == ["WARNING"]
    assert "cannot be used, and is done without" in caplog.text
    assert len(caplog.text) < 1000


def a_link(path: Path) -> None:
    good = path.with_name("good")
    IdentityRecord(OwnDirectory(str(path.parent / "other"))).keep(SERIAL, WHOLE)
    file_of(path.parent / "other").rename(good)
    path.symlink_to(good)


def something_endless(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


@pytest.mark.parametrize("make", [a_fifo, a_link, something_endless, Path.mkdir])
def test_what_is_no_file_of_ours_is_done_without(
    make: Callable[[Path], None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    IdentityRecord(OwnDirectory(str(tmp_path))).keep(SERIAL, WHOLE)
    path = file_of(tmp_path)
    path.unlink()
    make(path)
    with closing(OwnDirectory(str(tmp_path))) as own:
        assert IdentityRecord(own).recall(SERIAL) == AssembledResource()
    assert [line.levelname for line in caplog.records] == ["WARNING"]
    assert "cannot be read, and is done without" in caplog.text


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM])
def test_a_file_that_cannot_be_read_for_want_of_descriptors_or_memory_is_not_done_without(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(OwnDirectory(str(tmp_path))) as own:
        record = IdentityRecord(own)
        record.keep(SERIAL, WHOLE)

        def fail(*_: object, **__: object) -> int:
            raise OSError(number, os.strerror(number))

        with monkeypatch.context() as exhausted:
            exhausted.setattr(os, "open", fail)
            with pytest.raises(StartError, match="cannot be read now"):
                record.recall(SERIAL)
            assert list(record.former(())) == []
        assert len(record.recall(SERIAL).devices) == len(WHOLE.devices)


def test_the_file_of_a_former_resource_goes_once_no_pod_holds_a_device_of_it(tmp_path: Path) -> None:
    record = IdentityRecord(OwnDirectory(str(tmp_path)))
    record.keep(SERIAL, WHOLE)
    other = resource(group("/dev/null"), name="other")
    record.keep(other, AssembledResource())
    path = tmp_path / NAME
    (path / ".offered-0123456789.json").write_text("of nobody")
    steps: list[tuple[float, dict[str, frozenset[str]], int]] = [
        (0.0, {SERIAL.resource: frozenset({"held"})}, 3),
        (100.0, {SERIAL.resource: frozenset()}, 3),  # the kubelet may not know all pods yet
        (105.0, {}, 3),  # no answer about it
        (106.0, {SERIAL.resource: frozenset()}, 3),
        (116.0, {SERIAL.resource: frozenset()}, 2),
    ]
    for now, held, files in steps:
        assert set(record.former([other.resource])) == {SERIAL.resource}
        record.forget_unheld(held, now)
        assert len(list(path.iterdir())) == files
    assert list(record.former([other.resource])) == []
    record.restore()
    assert len(list(path.iterdir())) == 2


def test_a_former_resource_that_is_offered_again_keeps_its_file(tmp_path: Path) -> None:
    record = IdentityRecord(OwnDirectory(str(tmp_path)))
    record.keep(SERIAL, WHOLE)
    for now in (0.0, 100.0):
        assert set(record.former(())) == {SERIAL.resource}
        assert len(record.recall(SERIAL).devices) == len(WHOLE.devices)
        record.forget_unheld({SERIAL.resource: frozenset()}, now)
    assert len(record.recall(SERIAL).devices) == len(WHOLE.devices)


leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
documents = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner)
)


@given(place=st.integers(0, 4), value=documents)
def test_whatever_the_former_format_says_it_is_devices_or_nothing(
    place: int, value: object, tmp_path_factory: pytest.TempPathFactory
) -> None:
    directory = tmp_path_factory.mktemp("links")
    with closing(OwnDirectory(str(directory))) as own:
        IdentityRecord(own).keep(SERIAL, WHOLE)
    document = json.loads(FORMER.replace("BOOT", this_boot()))
    document["offered"][0][place] = value
    file_of(directory).write_text(json.dumps(document))
    for identity, group_number, members in known(directory):
        assert all(isinstance(text, str) for text in identity)
        assert all(one is None or isinstance(one, Candidate) for one in members)
        assert group_number == 1 or len(members) == len(SERIAL.groups[0].paths)
