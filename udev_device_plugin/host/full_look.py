"""Whether the whole host has been looked at: the progress of a look at everything.

Host thread only. The outcome is `HostLook.complete_for`; readiness and the first registration wait for it.
"""

from collections.abc import Collection, Hashable, Iterable, Iterator

from udev_device_plugin.host.model import Unit


class FullLook:
    """The progress of a look at everything: the units that are still to come, and the looks that it waits for."""

    def __init__(self) -> None:
        self._units: Iterator[Unit] | None = None
        self._awaited: set[Hashable] = set()
        self._is_complete = True

    @property
    def has_more(self) -> bool:
        """Whether units are still to come."""
        return self._units is not None

    def begin(self, units: Iterator[Unit], others: Iterable[Hashable]) -> None:
        """Begin with these units, and these other subjects, which the caller adds to the hints."""
        self._units, self._awaited, self._is_complete = units, set(others), False

    def include(self, subject: Hashable) -> None:
        """Wait for one more subject."""
        if not self._is_complete:
            self._awaited.add(subject)

    def take(self, number: int) -> Iterator[Unit]:
        """Yield the next units to be looked at, at most ``number``; each once."""
        while self._units is not None and number > 0:
            unit = next(self._units, None)
            if unit is None:
                self._units = None
            elif unit not in self._awaited:
                self._awaited.add(unit)
                number -= 1
                yield unit

    def looked_at(self, subject: Hashable) -> None:
        """A subject has been looked at, and no further look is to come."""
        self._awaited.discard(subject)

    def is_newly_complete(self, stuck: Collection[Hashable]) -> bool:
        """Whether all but what is stuck has been looked at; True once."""
        was_complete = self._is_complete
        self._is_complete = was_complete or (self._units is None and self._awaited <= set(stuck))
        return self._is_complete and not was_complete
