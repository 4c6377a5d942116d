"""The published device lists of all resources.

Event loop only; snapshots, which never change, may be read by any thread.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from udev_device_plugin.devices.device import DeviceSet


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A device set and its generation, which grows with each published change.

    Attributes:
        caused_at: when the oldest event that led to it was received, monotonic seconds; None: no event did.
    """

    devices: DeviceSet
    generation: int
    caused_at: float | None = None


class DeviceStore:
    """The latest list of each resource, for any number of readers.

    A reader that was busy while three generations were published reads the third, which has all that is still true.

    Attributes:
        snapshots: by resource; replaced at each change, so that any thread may read it.
    """

    def __init__(self, resources: Iterable[str] = ()) -> None:
        self.snapshots: Mapping[str, Snapshot] = {one: Snapshot(DeviceSet(one), 0) for one in resources}
        self._readers: set[tuple[str, Callable[[], None]]] = set()

    def add(self, resource: str) -> None:
        """Add a resource with an empty list of generation 0, which means that nothing has been published."""
        self.snapshots = {**self.snapshots, resource: self.snapshot(resource)}

    def remove(self, resource: str) -> None:
        """Remove a resource and its list."""
        self.snapshots = {one: snapshot for one, snapshot in self.snapshots.items() if one != resource}

    def snapshot(self, resource: str) -> Snapshot:
        """Return the latest list of a resource; an empty one of generation 0 if it is not offered."""
        return self.snapshots.get(resource) or Snapshot(DeviceSet(resource), 0)

    def count_beside(self, resource: str) -> int:
        """Return how many IDs all other resources list."""
        return sum(one.devices.count for name, one in self.snapshots.items() if name != resource)

    def publish(self, devices: DeviceSet, caused_at: float | None = None) -> None:
        """Store the next generation of a resource's list and notify its readers."""
        resource = devices.resource
        snapshot = Snapshot(devices, self.snapshots[resource].generation + 1, caused_at)
        self.snapshots = {**self.snapshots, resource: snapshot}
        for read, notify in tuple(self._readers):
            if read == resource:
                notify()

    async def newer_than(self, resource: str, generation: int) -> Snapshot:
        """Wait until a resource's generation is not ``generation``; return its latest snapshot."""
        newer = asyncio.Event()
        with self.read_by(resource, newer.set):
            while self.snapshot(resource).generation == generation:
                newer.clear()
                await newer.wait()
        return self.snapshot(resource)

    @contextmanager
    def read_by(self, resource: str, notify: Callable[[], None]) -> Iterator[None]:
        """Call ``notify`` at each new generation of a resource's list, until the context ends."""
        reader = (resource, notify)
        self._readers.add(reader)
        try:
            yield
        finally:
            self._readers.discard(reader)
