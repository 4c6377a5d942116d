"""What resources offer now, and waiting for something newer.

Event loop only, but for what is frozen: snapshots may be read by any thread.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

from udev_device_plugin.config.specs import PathType
from udev_device_plugin.devices.identity import Identity, device_id, id_base
from udev_device_plugin.devices.model import NO_INFO, DeviceInfo
from udev_device_plugin.host.model import DeviceNumber


@dataclass(frozen=True, slots=True)
class Member:
    """One thing that a container gets with a device.

    Attributes:
        identity: what makes it itself.
        host_path: what the runtime is told to look for on the host; always leads to this very thing.
        container_path: where the container finds it.
        type: device node or mount.
        permissions: for the device cgroup, of ``r``, ``w``, ``m``; devices only.
        read_only: mounts only.
        node: where it is on the host now, or was last.
        number: of a device node.
        is_optional: the device is Healthy without it too.
        own_link: the link of our own that it needs, or may have been handed out by once; "" for none.
        info: what stands behind a device node; of one that is absent, what stood there.
    """

    identity: str
    host_path: str
    container_path: str
    type: PathType
    permissions: str = ""
    read_only: bool = False
    node: str = ""
    number: DeviceNumber | None = None
    own_link: str = ""
    is_optional: bool = False
    info: DeviceInfo = NO_INFO


@dataclass(frozen=True, slots=True)
class Device:
    """One allocatable device, offered ``count`` times.

    Attributes:
        identity: what makes it itself; unique within its resource.
        members: what a container gets with it, in the spec's order.
        count: how many replicas of it are offered.
        is_healthy: all its required members are there.
        since: when its health last changed, monotonic seconds.
        numa_nodes: that its members belong to, sorted.
    """

    identity: Identity
    members: tuple[Member, ...]
    count: int
    is_healthy: bool
    since: float
    numa_nodes: tuple[int, ...] = ()


@dataclass(frozen=True)
class DeviceSet:
    """All devices of one resource at one moment, sorted by identity.

    Attributes:
        resource: whose they are.
        devices: all that is known.
        remembered: IDs that pods hold of devices that have not been seen, and since when that is known.
    """

    resource: str
    devices: tuple[Device, ...] = ()
    remembered: tuple[tuple[str, float], ...] = ()

    @cached_property
    def by_id(self) -> Mapping[str, Device]:
        """The device behind each ID that the kubelet may name, replicas included, in the set's order."""
        return {
            device_id(self.resource, device.identity, replica): device
            for device in self.devices
            for replica in range(device.count)
        }

    @cached_property
    def by_base(self) -> Mapping[str | None, Device]:
        """The device behind each ID, whatever the number of the replica (see ``identity.id_base``)."""
        return {id_base(device_id(self.resource, device.identity, 0)): device for device in self.devices}

    @property
    def count(self) -> int:
        """How many IDs are listed, replicas included."""
        return sum(device.count for device in self.devices) + len(self.remembered)

    @property
    def healthy_count(self) -> int:
        """How many of them are Healthy."""
        return sum(device.count for device in self.devices if device.is_healthy)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A device set and its generation, which grows with each published change.

    Attributes:
        caused_at: when the oldest observation that led to it was received, monotonic seconds; None: by no event.
    """

    devices: DeviceSet
    generation: int
    caused_at: float | None = None


class DeviceStore:
    """The latest list of each resource, and any number of readers, each of which has the generation that it saw last.

    Whoever was busy while three generations were published sees the third, and misses nothing that is still true.

    Attributes:
        snapshots: by resource. Never changed but replaced, so that any thread may read it; the rest is for the loop.
    """

    def __init__(self, resources: Iterable[str] = ()) -> None:
        self.snapshots: Mapping[str, Snapshot] = {one: Snapshot(DeviceSet(one), 0) for one in resources}
        self._readers: set[tuple[str, Callable[[], None]]] = set()

    def add(self, resource: str) -> None:
        """Have a list for a resource; generation 0 means that nothing has been published yet."""
        self.snapshots = {**self.snapshots, resource: self.snapshot(resource)}

    def remove(self, resource: str) -> None:
        """Have no list for a resource any more."""
        self.snapshots = {one: snapshot for one, snapshot in self.snapshots.items() if one != resource}

    def snapshot(self, resource: str) -> Snapshot:
        """The latest list of a resource; an empty one of generation 0 if it is not offered."""
        return self.snapshots.get(resource) or Snapshot(DeviceSet(resource), 0)

    def publish(self, devices: DeviceSet, caused_at: float | None = None) -> None:
        """Store the next generation of a resource's list and notify its readers."""
        resource = devices.resource
        snapshot = Snapshot(devices, self.snapshots[resource].generation + 1, caused_at)
        self.snapshots = {**self.snapshots, resource: snapshot}
        for read, notify in tuple(self._readers):
            if read == resource:
                notify()

    async def newer_than(self, resource: str, generation: int) -> Snapshot:
        """A resource's latest snapshot as soon as its generation is not ``generation`` any more."""
        newer = asyncio.Event()
        with self.read_by(resource, newer.set):
            while self.snapshot(resource).generation == generation:
                newer.clear()
                await newer.wait()
        return self.snapshot(resource)

    @contextmanager
    def read_by(self, resource: str, notify: Callable[[], None]) -> Iterator[None]:
        """Call ``notify`` at each new generation of a resource's list for as long as the context lasts."""
        reader = (resource, notify)
        self._readers.add(reader)
        try:
            yield
        finally:
            self._readers.discard(reader)
