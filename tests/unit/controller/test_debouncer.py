"""A call at once, then one for all that is asked for within the cooldown; on a clock of its own."""

from collections.abc import Callable

import pytest

from udev_device_plugin.controller.debouncer import Debouncer


class FakeTimer:
    def __init__(self, due: float, callback: Callable[[], None]) -> None:
        self.due = due
        self.callback = callback
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True


class FakeClock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0
        self._timers: list[FakeTimer] = []

    def call_later(self, delay: float, callback: Callable[[], None], /) -> FakeTimer:
        timer = FakeTimer(self.now + delay, callback)
        self._timers.append(timer)
        return timer

    def advance(self, to: float) -> None:
        while due := sorted((one for one in self._timers if one.due <= to), key=lambda one: one.due):
            self._timers.remove(due[0])
            self.now = due[0].due
            if not due[0].is_cancelled:
                due[0].callback()
        self.now = to


class Calls:
    """What is called, and when; tells whether a cooldown begins."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.at: list[float] = []
        self.takes_effect = True

    def __call__(self) -> bool:
        self.at.append(self.clock.now)
        return self.takes_effect


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def calls(clock: FakeClock) -> Calls:
    return Calls(clock)


@pytest.fixture
def debouncer(clock: FakeClock, calls: Calls) -> Debouncer:
    return Debouncer(calls, clock, cooldown=1.0)


def test_the_first_request_is_a_call_at_once(debouncer: Debouncer, calls: Calls) -> None:
    debouncer.request()
    assert calls.at == [0.0]


def test_requests_within_the_cooldown_are_one_call_when_it_is_over(
    debouncer: Debouncer, clock: FakeClock, calls: Calls
) -> None:
    debouncer.request()
    for moment in (0.2, 0.9):
        clock.advance(moment)
        debouncer.request()
    assert calls.at == [0.0]
    clock.advance(10.0)
    assert calls.at == [0.0, 1.0]


def test_each_call_begins_a_cooldown_of_its_own(debouncer: Debouncer, clock: FakeClock, calls: Calls) -> None:
    debouncer.request()
    debouncer.request()
    clock.advance(1.5)
    debouncer.request()
    assert calls.at == [0.0, 1.0]
    clock.advance(2.0)
    assert calls.at == [0.0, 1.0, 2.0]


def test_a_cooldown_without_a_request_ends_without_a_call(debouncer: Debouncer, clock: FakeClock, calls: Calls) -> None:
    debouncer.request()
    clock.advance(1.0)
    assert (calls.at, debouncer.is_waiting) == ([0.0], False)
    debouncer.request()
    assert calls.at == [0.0, 1.0]


def test_a_call_without_effect_holds_up_none(debouncer: Debouncer, calls: Calls) -> None:
    calls.takes_effect = False
    debouncer.request()
    assert not debouncer.is_waiting
    debouncer.request()
    assert calls.at == [0.0, 0.0]


def test_nothing_is_called_once_it_is_cancelled(debouncer: Debouncer, clock: FakeClock, calls: Calls) -> None:
    debouncer.request()
    debouncer.request()
    debouncer.cancel()
    clock.advance(10.0)
    assert (calls.at, debouncer.is_waiting) == ([0.0], False)


def test_a_call_that_fails_leaves_no_cooldown_and_no_request(clock: FakeClock) -> None:
    def fail() -> bool:
        raise LookupError

    debouncer = Debouncer(fail, clock, cooldown=1.0)
    with pytest.raises(LookupError):
        debouncer.request()
    assert not debouncer.is_waiting
