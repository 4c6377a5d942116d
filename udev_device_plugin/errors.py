"""The errors that this program raises. Each reads: subject, value, problem, remedy.

Any thread. Exceptions of other packages become one of these where they are caught.
"""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any


class UdevDevicePluginError(Exception):
    """The base of all errors of this package; its text is one line for a person."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One fault of a configuration.

    Attributes:
        place: a flag, an environment variable, or a file and a path in it
            (``config.yaml:7: devices[1].groups[0].paths[2].permissions``).
        problem: value, problem and remedy, in one line.
    """

    place: str
    problem: str

    def __str__(self) -> str:
        return f"{self.place}: {self.problem}" if self.place else self.problem


class ConfigError(UdevDevicePluginError):
    """The configuration cannot be used; has all its faults (exit code 2)."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(map(str, self.faults)))

    def __iter__(self) -> Iterator[Fault]:
        return iter(self.faults)


class StartError(UdevDevicePluginError):
    """Something that the program needs at its start is not available (exit code 1)."""


class SourceError(UdevDevicePluginError):
    """A source of host events failed for good: the process must restart."""


class AllocationError(UdevDevicePluginError):
    """An allocation is refused; the text is shown in the pod's events."""


def raise_failure(task: asyncio.Task[Any]) -> None:
    """Done-callback of a task that is not awaited: pass its exception to the loop's exception handler."""
    if not task.cancelled() and (error := task.exception()) is not None:
        raise error
