"""Calls a function at once, and then not again before a cooldown is over. Event loop only."""

from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """What ``call_later`` returns."""

    def cancel(self) -> None:
        """Do not call."""


class Clock(Protocol):
    """The event loop, as far as it is needed here."""

    def call_later(self, delay: float, callback: Callable[[], None], /) -> Timer:
        """Call in ``delay`` seconds."""


class Debouncer:
    """Merges requests to call a function.

    Args:
        function: returns whether a cooldown begins.
        clock: the event loop.
        cooldown: seconds; all requests within it are one call at its end.
    """

    def __init__(self, function: Callable[[], bool], clock: Clock, *, cooldown: float) -> None:
        self._function = function
        self._clock = clock
        self._cooldown = cooldown
        self._timer: Timer | None = None
        self._is_requested = False

    @property
    def is_waiting(self) -> bool:
        """Whether a cooldown has begun and is not over."""
        return self._timer is not None

    def request(self) -> None:
        """Call the function now, or when the cooldown is over."""
        self._is_requested = True
        if self._timer is None:
            self._call()

    def cancel(self) -> None:
        """Drop the requests until now."""
        self._is_requested = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _call(self) -> None:
        self._is_requested = False
        if self._function():
            self._timer = self._clock.call_later(self._cooldown, self._end_cooldown)

    def _end_cooldown(self) -> None:
        self._timer = None
        if self._is_requested:
            self._call()
