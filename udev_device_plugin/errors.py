"""The errors that this program raises on purpose. Each reads: subject, value, problem, remedy.

Imports nothing of this package. Foreign exceptions become one of these at the edge where they arise.
"""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any


class UdevDevicePluginError(Exception):
    """The base of all errors of this package; its text is fit for a person and fits one line."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is wrong with a configuration.

    Attributes:
        place: where it stands: a flag, an environment variable, or a file and a path into it
            (``config.yaml:7: devices[1].groups[0].paths[2].permissions``).
        problem: what is wrong with which value, and what would be right; one line.
    """

    place: str
    problem: str

    def __str__(self) -> str:
        return f"{self.place}: {self.problem}" if self.place else self.problem


class ConfigError(UdevDevicePluginError):
    """A configuration that cannot be used, with all its faults at once (exit code 2)."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(map(str, self.faults)))

    def __iter__(self) -> Iterator[Fault]:
        return iter(self.faults)


class StartError(UdevDevicePluginError):
    """Something that the program needs at its start is not to be had (exit code 1)."""


class SourceError(UdevDevicePluginError):
    """A discovery source is broken beyond its own repair: the process must start anew."""


class AllocationError(UdevDevicePluginError):
    """A request of the kubelet that must be refused; the text ends up in the pod's events, for a person."""


class RegistrationError(UdevDevicePluginError):
    """The kubelet refused a registration; the text is the kubelet's."""


def raise_failure(task: asyncio.Task[Any]) -> None:
    """Be the callback of a task that nobody awaits: what it failed with is a failure of the loop's at once."""
    if not task.cancelled() and (error := task.exception()) is not None:
        raise error
