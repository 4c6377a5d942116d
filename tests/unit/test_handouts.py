"""Under which host paths devices were handed out, and what is strange about that later."""

from udev_device_plugin.config.specs import PathType
from udev_device_plugin.kubelet.handouts import Handouts
from udev_device_plugin.snapshots import Device, DeviceSet, Member


def offered(host_path: str) -> DeviceSet:
    """One device in two replicas, at this host path."""
    members = (Member("stick", host_path, "/dev/stick", PathType.DEVICE, "mrw"),)
    return DeviceSet("squat.ai/serial", (Device(("stick",), members, count=2, is_healthy=True, since=0.0),))


def test_a_path_that_is_the_devices_own_no_more_is_told_of() -> None:
    handouts, (first, _) = Handouts(), offered("/dev/by-id").by_id
    handouts.note(offered("/dev/by-id"), [first])
    assert not list(handouts.strayed(offered("/dev/by-id"), [first]))
    (text,) = handouts.strayed(offered("/run/own"), [first])
    assert text.startswith("/dev/by-id may lead to another device now")


def test_each_replica_was_handed_out_for_itself() -> None:
    handouts, (first, second) = Handouts(), offered("/dev/by-id").by_id
    handouts.note(offered("/dev/by-id"), [first])
    handouts.note(offered("/run/own"), [second])
    assert len(list(handouts.strayed(offered("/run/own"), [first]))) == 1
    assert not list(handouts.strayed(offered("/run/own"), [second]))


def test_the_latest_handout_of_a_replica_counts() -> None:
    handouts, (first, _) = Handouts(), offered("/dev/by-id").by_id
    handouts.note(offered("/dev/by-id"), [first])
    handouts.note(offered("/run/own"), [first])
    assert not list(handouts.strayed(offered("/run/own"), [first]))
