"""How long a container may be kept waiting in one call."""

import pytest

from udev_device_plugin.kubelet.device_plugin import start_limits
from udev_device_plugin.kubelet.device_plugin.start_limits import StartLimits

KUBELETS = 30.0


def test_the_first_wait_after_a_loss_is_short_and_later_ones_are_as_long_as_the_kubelet_allows() -> None:
    limits = StartLimits()
    assert limits.seconds(["a", "b"], KUBELETS) == 11
    limits.refused(["a", "b"])
    assert limits.seconds(["b", "a"], KUBELETS) == 25
    assert limits.seconds(["a"], KUBELETS) == 11
    limits.passed(["b", "a"])
    assert limits.seconds(["a", "b"], KUBELETS) == 11


@pytest.mark.parametrize(("remaining", "seconds"), [(None, 11), (30.0, 11), (12.0, 7), (5.0, 0), (-1.0, 0)])
def test_a_caller_is_answered_while_it_still_listens(remaining: float | None, seconds: float) -> None:
    assert StartLimits().seconds(["a"], remaining) == seconds


def test_the_oldest_of_too_many_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start_limits, "MAX_REMEMBERED", 2)
    limits = StartLimits()
    for id_ in "abc":
        limits.refused([id_])
    assert [limits.seconds([id_], None) for id_ in "abc"] == [11, 25, 25]
