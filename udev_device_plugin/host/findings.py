"""What was found and not handed on yet.

Host thread only; pure.
"""

from collections.abc import Iterable, Mapping

from udev_device_plugin.host.looks import HostLook
from udev_device_plugin.host.memory import Memory
from udev_device_plugin.host.model import PathEntry, Unit


class Findings:
    """Gathers what one `HostLook` consists of."""

    def __init__(self) -> None:
        self._paths: dict[str, PathEntry | None] = {}
        self._units: set[Unit] = set()
        self._received = float("inf")

    def note_paths(self, paths: Mapping[str, PathEntry | None], received: float) -> None:
        """Something else stands at paths; ``received``: when the hint that led to it was, monotonic seconds."""
        self._paths.update(paths)
        self._received = min(self._received, received)

    def note_units(self, units: Iterable[Unit], received: float) -> None:
        """Units are others now."""
        self._units.update(units)
        self._received = min(self._received, received)

    def take(self, memory: Memory, complete_for: int | None) -> HostLook | None:
        """All that was found since this was last called; None if nothing, and nothing is complete."""
        if not (self._paths or self._units or complete_for is not None):
            return None
        look = HostLook(self._paths, {unit: memory.nodes(unit) for unit in self._units}, self._received, complete_for)
        self._paths, self._units, self._received = {}, set(), float("inf")
        return look
