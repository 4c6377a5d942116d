"""What a container gets for the IDs that the kubelet chose."""

import pytest

from udev_device_plugin.allocation import allocate
from udev_device_plugin.config.specs import PathType
from udev_device_plugin.errors import AllocationError
from udev_device_plugin.snapshots import Device, DeviceSet, Member


def device(*hosts: str, container: str | None = None, count: int = 1, is_healthy: bool = True) -> Device:
    members = tuple(Member(host, host, container or host, PathType.DEVICE, "mrw") for host in hosts)
    return Device(hosts, members, count, is_healthy, since=0.0)


def ids(devices: DeviceSet, *hosts: str) -> list[str]:
    return [id_ for id_, found in devices.by_id.items() if found.identity == hosts]


def test_devices_come_sorted_by_identity_whatever_order_the_kubelet_asks_in() -> None:
    devices = DeviceSet("squat.ai/serial", (device("/dev/a"), device("/dev/b"), device("/dev/c")))
    asked = [*ids(devices, "/dev/c"), *ids(devices, "/dev/a")]
    assert [member.host_path for member in allocate(devices, asked).members] == ["/dev/a", "/dev/c"]


def test_members_come_in_the_order_of_the_spec() -> None:
    devices = DeviceSet("squat.ai/av", (device("/dev/video0", "/dev/snd"),))
    members = allocate(devices, ids(devices, "/dev/video0", "/dev/snd")).members
    assert [member.host_path for member in members] == ["/dev/video0", "/dev/snd"]


def test_two_replicas_of_one_device_hand_it_over_once() -> None:
    devices = DeviceSet("squat.ai/serial", (device("/dev/a", count=3),))
    assert len(ids(devices, "/dev/a")) == 3
    assert len(allocate(devices, ids(devices, "/dev/a")).members) == 1


def test_a_member_that_two_devices_share_is_handed_over_once() -> None:
    devices = DeviceSet("squat.ai/x", (device("/dev/a", "/dev/fuse"), device("/dev/b", "/dev/fuse")))
    asked = [*ids(devices, "/dev/a", "/dev/fuse"), *ids(devices, "/dev/b", "/dev/fuse")]
    members = allocate(devices, asked).members
    assert [member.host_path for member in members] == ["/dev/a", "/dev/fuse", "/dev/b"]


def test_an_absent_device_is_answered_from_its_description() -> None:
    devices = DeviceSet("squat.ai/serial", (device("/dev/a", is_healthy=False),))
    assert allocate(devices, ids(devices, "/dev/a")).members[0].host_path == "/dev/a"


def test_an_unknown_id_is_refused_by_name() -> None:
    with pytest.raises(AllocationError, match=r"squat\.ai/serial: the device 'nobody-0' is not known"):
        allocate(DeviceSet("squat.ai/serial"), ["nobody-0"])


def test_two_devices_that_would_land_on_one_path_are_refused_with_both_named() -> None:
    devices = DeviceSet("squat.ai/x", (device("/dev/a", container="/dev/m"), device("/dev/b", container="/dev/m")))
    with pytest.raises(AllocationError, match=r"/dev/a and /dev/b would both be /dev/m"):
        allocate(devices, [*ids(devices, "/dev/a"), *ids(devices, "/dev/b")])
