"""Under which paths devices were handed out, and whether those are still theirs."""

from dataclasses import replace
from pathlib import Path

import pytest

from udev_device_plugin.config.specs import PathType
from udev_device_plugin.devices.device import Device, DeviceSet, Member
from udev_device_plugin.devices.identity import device_id
from udev_device_plugin.kubelet.device_plugin import allocated_paths
from udev_device_plugin.kubelet.device_plugin.allocated_paths import AllocatedPaths

RESOURCE = "squat.ai/serial"
LINK = "/dev/serial/by-id/usb-x"
OWN = "/plugins/udev-device-plugin/usb-x"


def offering(host_path: str, *, is_healthy: bool = True, optional: str | None = None) -> DeviceSet:
    members = [Member(LINK, host_path, "/dev/ttyUSB0", PathType.DEVICE, "mrw")]
    if optional:
        members.append(Member("/dev/extra", optional, "/dev/extra", PathType.DEVICE, "mrw", is_optional=True))
    return DeviceSet(RESOURCE, (Device((LINK,), tuple(members), 2, is_healthy, since=0.0),))


ID = device_id(RESOURCE, (LINK,), 0)
SECOND = device_id(RESOURCE, (LINK,), 1)


@pytest.mark.parametrize(
    ("handed_out", "now", "ids", "strays"),
    [
        pytest.param(offering(LINK), offering(LINK), [ID], 0, id="its path is still its own"),
        pytest.param(offering(LINK), offering(OWN), [ID], 1, id="its path is another's now"),
        pytest.param(offering(LINK), offering(OWN), [ID, SECOND], 1, id="said once for all replicas"),
        pytest.param(offering(LINK), offering(OWN), [SECOND], 0, id="another replica was not handed out"),
        pytest.param(offering(LINK), offering(OWN, is_healthy=False), [ID], 0, id="absent: said elsewhere"),
        pytest.param(offering(LINK), DeviceSet(RESOURCE), [ID], 0, id="forgotten: said elsewhere"),
        pytest.param(offering(LINK), offering(OWN), ["of-another-form"], 0, id="an ID that is not ours"),
        pytest.param(offering(LINK, optional="/a"), offering(LINK), [ID], 0, id="an optional member that went"),
        pytest.param(offering(LINK, optional="/a"), offering(LINK, optional="/b"), [ID], 0, id="or moved"),
    ],
)
def test_a_path_that_is_another_devices_now_is_told(
    handed_out: DeviceSet, now: DeviceSet, ids: list[str], strays: int
) -> None:
    allocated = AllocatedPaths()
    allocated.note(handed_out, [ID], 0.0)
    told = list(allocated.strayed(now, ids))
    assert len(told) == strays
    assert all(text.startswith(f"{LINK} is not there any more") for text in told)


@pytest.mark.parametrize(
    ("contended", "is_there", "reason"),
    [
        (True, True, "may lead to another device now, which claims the same serial number: unplug that one"),
        (True, False, "may lead to another device now, which claims the same serial number: unplug that one"),
        (False, False, "is not there any more: the container starts when udev makes it again"),
        (False, True, "is a link that udev does not vouch for any more"),
    ],
)
def test_the_reason_is_told_as_it_is(contended: bool, is_there: bool, reason: str, tmp_path: Path) -> None:
    link = str(tmp_path / "link")
    if is_there:
        (tmp_path / "link").symlink_to("/dev/null")
    allocated, now = AllocatedPaths(), offering(OWN)
    allocated.note(offering(link), [ID], 0.0)
    (device,) = now.devices
    members = tuple(replace(member, contended=(link,) if contended else ()) for member in device.members)
    (text,) = allocated.strayed(DeviceSet(RESOURCE, (replace(device, members=members),)), [ID])
    assert text.startswith(f"{link} {reason}")


def test_a_link_of_our_own_that_was_handed_out_is_good_for_as_long_as_it_is_kept() -> None:
    allocated, now = AllocatedPaths(), offering(LINK)
    allocated.note(offering(OWN), [ID], 0.0)
    assert len(list(allocated.strayed(now, [ID]))) == 1
    (device,) = now.devices
    kept = replace(device, members=tuple(replace(member, own_link=OWN) for member in device.members))
    assert list(allocated.strayed(DeviceSet(RESOURCE, (kept,)), [ID])) == []


def test_what_was_handed_out_lately_is_known() -> None:
    allocated = AllocatedPaths()
    allocated.note(offering(LINK), [ID], 10.0)
    allocated.note(offering(LINK), [SECOND], 11.0)
    assert allocated.since(10.0) == {ID, SECOND}
    assert allocated.since(10.5) == {SECOND}
    assert allocated.since(11.5) == frozenset()


def test_of_what_was_never_handed_out_nothing_is_told() -> None:
    assert list(AllocatedPaths().strayed(offering(OWN), [ID])) == []


def test_the_latest_allocation_is_what_counts() -> None:
    allocated = AllocatedPaths()
    allocated.note(offering(LINK), [ID], 0.0)
    allocated.note(offering(OWN), [ID], 0.0)
    assert list(allocated.strayed(offering(OWN), [ID])) == []
    assert len(list(allocated.strayed(offering(LINK), [ID]))) == 1


def test_what_one_pod_got_says_nothing_of_what_another_got() -> None:
    allocated = AllocatedPaths()
    allocated.note(offering(LINK), [ID], 0.0)
    allocated.note(offering(OWN), [SECOND], 0.0)
    assert len(list(allocated.strayed(offering(OWN), [ID]))) == 1
    assert list(allocated.strayed(offering(OWN), [SECOND])) == []


def test_ids_that_mean_nothing_here_are_not_noted() -> None:
    allocated = AllocatedPaths()
    allocated.note(DeviceSet(RESOURCE), [ID, "of-another-form"], 0.0)
    assert list(allocated.strayed(offering(OWN), [ID, "of-another-form"])) == []


def test_the_oldest_handouts_are_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocated_paths, "MAX_REMEMBERED", 2)
    names = [f"/dev/{letter}" for letter in "abc"]

    def at(prefix: str) -> DeviceSet:
        members = {name: (Member(name, prefix + name, name, PathType.DEVICE),) for name in names}
        return DeviceSet(RESOURCE, tuple(Device((name,), members[name], 1, True, 0.0) for name in names))

    allocated = AllocatedPaths()
    ids = [device_id(RESOURCE, (name,), 0) for name in names]
    for id_ in (ids[0], ids[1], ids[0], ids[2]):
        allocated.note(at(""), [id_], 0.0)
    assert [text.split()[0] for text in allocated.strayed(at("/new"), ids)] == ["/dev/a", "/dev/c"]
