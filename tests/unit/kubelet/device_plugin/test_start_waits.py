"""How long a container may be kept waiting in one call."""

import pytest

from udev_device_plugin.kubelet.device_plugin import start_waits
from udev_device_plugin.kubelet.device_plugin.start_waits import StartWaits

KUBELETS = 30.0


def test_the_first_wait_after_a_loss_is_short_and_later_ones_are_as_long_as_the_kubelet_allows() -> None:
    waits = StartWaits()
    assert waits.seconds(["a", "b"], KUBELETS) == 11
    waits.refused(["a", "b"])
    assert waits.seconds(["b", "a"], KUBELETS) == 25
    assert waits.seconds(["a"], KUBELETS) == 11
    waits.passed(["b", "a"])
    assert waits.seconds(["a", "b"], KUBELETS) == 11


@pytest.mark.parametrize(("remaining", "seconds"), [(None, 11), (30.0, 11), (12.0, 7), (5.0, 0), (-1.0, 0)])
def test_a_caller_is_answered_while_it_still_listens(remaining: float | None, seconds: float) -> None:
    assert StartWaits().seconds(["a"], remaining) == seconds


def test_the_oldest_of_too_many_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start_waits, "MAX_REMEMBERED", 2)
    waits = StartWaits()
    for id_ in "abc":
        waits.refused([id_])
    assert [waits.seconds([id_], None) for id_ in "abc"] == [11, 25, 25]
