"""The kubelet's ID of a device: readable, short, unique over the node, the same for ever."""

import re

from hypothesis import given, strategies as st

from udev_device_plugin.identity import MAX_ID_LENGTH, device_id

PARTS = st.lists(st.text(min_size=1, max_size=300).filter(lambda text: "\0" not in text), min_size=1, max_size=4)


def test_an_id_names_the_device_to_a_person() -> None:
    assert re.fullmatch(r"ttyusb0-[0-9a-f]{10}-0", device_id("squat.ai/serial", ("/dev/ttyUSB0",), 0))
    assert device_id("squat.ai/av", ("/dev/video0", "/dev/snd/pcmC0D0c"), 3).startswith("video0-pcmc0d0c-")


def test_an_id_never_changes_from_one_release_to_the_next() -> None:
    # The kubelet's checkpoint holds these over upgrades: a change here costs every user's running pods.
    assert device_id("squat.ai/serial", ("/dev/ttyUSB0",), 0) == "ttyusb0-b976330f86-0"


def test_the_same_path_in_two_resources_has_two_ids() -> None:
    assert device_id("squat.ai/a", ("/dev/x",), 0) != device_id("squat.ai/b", ("/dev/x",), 0)


def test_parts_are_not_run_together() -> None:
    assert device_id("squat.ai/a", ("/dev/x", "/dev/y"), 0) != device_id("squat.ai/a", ("/dev/x/dev/y",), 0)


@given(PARTS, st.integers(0, 10_000))
def test_whatever_the_names_an_id_is_short_and_plain(parts: list[str], replica: int) -> None:
    id_ = device_id("squat.ai/serial", tuple(parts), replica)
    assert len(id_) <= MAX_ID_LENGTH
    assert re.fullmatch(r"[a-z0-9](-?[a-z0-9]+)*", id_)
