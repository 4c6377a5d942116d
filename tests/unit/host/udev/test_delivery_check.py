"""Udev's events that do not arrive are noticed, and said once."""

import logging

import pytest

from udev_device_plugin.host.model import DeviceNumber, Node, NodeState
from udev_device_plugin.host.udev.delivery_check import TOLERANCE, UDEV_CONTROL, DeliveryCheck

ONE, OTHER = DeviceNumber("c", 188, 0), DeviceNumber("c", 188, 1)


def node(number: DeviceNumber) -> Node:
    return Node(number, number, NodeState.FINISHED, 1, "/dev/ttyUSB0")


def finished(check: DeliveryCheck, number: DeviceNumber, now: float) -> None:
    """Udevd is done with a node that has appeared."""
    check.compare((), [node(number)], now)


def gone(check: DeliveryCheck, number: DeviceNumber) -> None:
    check.compare([node(number)], (), 0.0)


@pytest.fixture
def check(caplog: pytest.LogCaptureFixture) -> DeliveryCheck:
    """There is a udevd."""
    caplog.set_level(logging.INFO)
    check = DeliveryCheck()
    check.begin(has_udevd=True)
    return check


def test_a_node_that_is_not_announced_in_time_is_one_line(
    check: DeliveryCheck, caplog: pytest.LogCaptureFixture
) -> None:
    finished(check, ONE, 10.0)
    assert check.next_due == 10.0 + TOLERANCE
    check.judge(10.0 + TOLERANCE - 0.1)
    assert not caplog.messages
    check.judge(10.0 + TOLERANCE)
    finished(check, OTHER, 20.0)
    check.judge(30.0)
    (message,) = caplog.messages
    assert "hostNetwork: true" in message


def test_when_events_arrive_again_that_is_said_once(check: DeliveryCheck, caplog: pytest.LogCaptureFixture) -> None:
    finished(check, ONE, 10.0)
    check.judge(20.0)
    for _ in range(2):
        check.received(None, "change")
    assert caplog.messages[1:] == ["udev: events arrive now"]
    finished(check, OTHER, 20.0)
    assert check.next_due is not None


@pytest.mark.parametrize("is_first", [True, False])
def test_a_node_that_is_announced_before_or_after_it_is_seen_is_not_missed(
    check: DeliveryCheck, *, is_first: bool
) -> None:
    if is_first:
        check.received(ONE, "add")
    finished(check, ONE, 10.0)
    if not is_first:
        check.received(ONE, "add")
    assert check.next_due is None


def test_a_node_that_goes_needs_no_announcement(check: DeliveryCheck) -> None:
    finished(check, ONE, 10.0)
    gone(check, ONE)
    assert check.next_due is None


def test_a_node_that_comes_again_must_be_announced_anew(check: DeliveryCheck) -> None:
    check.received(ONE, "add")
    gone(check, ONE)
    finished(check, ONE, 10.0)
    assert check.next_due == 10.0 + TOLERANCE


def test_without_a_udevd_no_event_is_awaited(check: DeliveryCheck, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        check.begin(has_udevd=False)
    finished(check, ONE, 10.0)
    assert check.next_due is None
    (message,) = caplog.messages
    assert f"{UDEV_CONTROL} is not there" in message
