"""Calls a function at once, and not again before a while has passed, however often it is asked for.

Event loop only.
"""

from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """What ``call_later`` returns."""

    def cancel(self) -> None:
        """Do not call."""


class Clock(Protocol):
    """What calls later: the event loop."""

    def call_later(self, delay: float, callback: Callable[[], None], /) -> Timer:
        """Call in ``delay`` seconds."""


class Debouncer:
    """Gathers requests to call a function.

    Args:
        function: what is called; it tells whether it did something after which others are to wait: only then a cooldown
            begins.
        clock: the event loop.
        cooldown: seconds from one call to the next; what is requested meanwhile is one call, when they are over.
        immediate: whether the first request leads to a call at once, or when ``cooldown`` is over, too.
    """

    def __init__(self, function: Callable[[], bool], clock: Clock, *, cooldown: float, immediate: bool = True) -> None:
        self._function = function
        self._clock = clock
        self._cooldown = cooldown
        self._immediate = immediate
        self._timer: Timer | None = None
        self._is_requested = False

    @property
    def is_waiting(self) -> bool:
        """Whether a cooldown is on."""
        return self._timer is not None

    def request(self) -> None:
        """Have the function called: now, or when the cooldown is over."""
        self._is_requested = True
        if self._timer is None:
            if self._immediate:
                self._call()
            else:
                self._begin_cooldown()

    def cancel(self) -> None:
        """Call nothing any more that was requested until now."""
        self._is_requested = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _call(self) -> None:
        self._is_requested = False
        if self._function():
            self._begin_cooldown()

    def _begin_cooldown(self) -> None:
        self._timer = self._clock.call_later(self._cooldown, self._end_cooldown)

    def _end_cooldown(self) -> None:
        self._timer = None
        if self._is_requested:
            self._call()
