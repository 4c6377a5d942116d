"""What must be looked at, and when."""

from udev_device_plugin.host.hints import GATHER, PAUSE, Hints


def test_many_hints_about_one_thing_lead_to_one_look() -> None:
    hints = Hints()
    for _ in range(5):
        hints.add("a", 10.0, is_finished=False)
    assert hints.begin_due(10.0) == []
    assert hints.begin_due(10.0 + GATHER) == ["a"]
    assert hints.begin_due(20.0) == []


def test_udevs_event_about_something_unfinished_is_not_gathered() -> None:
    hints = Hints()
    hints.add("a", 10.0, is_finished=False)
    hints.add("a", 10.001, is_finished=False, is_urgent=True)
    assert hints.begin_due(10.001) == ["a"]


def test_what_udevd_is_done_with_is_looked_at_at_once_and_then_after_a_pause() -> None:
    hints = Hints()
    hints.add("a", 10.0, is_finished=True)
    assert hints.begin_due(10.0) == ["a"]
    hints.end("a")
    hints.add("a", 10.01, is_finished=True)
    assert hints.begin_due(10.01) == []
    assert hints.next_due == 10.0 + PAUSE
    assert hints.begin_due(10.0 + PAUSE) == ["a"]


def test_a_hint_during_a_look_leads_to_another_look() -> None:
    hints = Hints()
    hints.add("a", 10.0, is_finished=False, is_urgent=True)
    assert hints.begin_due(10.0) == ["a"]
    hints.add("a", 10.1, is_finished=False, is_urgent=True)
    assert hints.begin_due(10.1) == []  # never two at a time
    assert hints.is_waiting("a")
    assert hints.end("a") == 10.0
    assert hints.begin_due(10.2) == ["a"]
    assert hints.end("a") == 10.1
    assert not hints.is_waiting("a")


def test_the_latency_counts_from_the_earliest_hint() -> None:
    hints = Hints()
    hints.add("a", 10.0, is_finished=False)
    hints.add("a", 10.002, is_finished=False, is_urgent=True)
    assert hints.begin_due(10.002) == ["a"]
    assert hints.end("a") == 10.0


def test_nothing_is_due_where_nothing_is_hinted_at() -> None:
    hints = Hints()
    assert hints.next_due is None
    assert not hints.is_waiting("a")
