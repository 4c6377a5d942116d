"""The published device lists of all resources.

Event loop only; snapshots, which never change, may be read by any thread.
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
    """One device node or mount that a container gets with a device.

    Attributes:
        identity: the same after a restart or a replug.
        host_path: path on the host that the runtime gets; always leads to this very thing.
        container_path: path in the container.
        type: device node or mount.
        permissions: for the device cgroup, of ``r``, ``w``, ``m``; devices only.
        read_only: mounts only.
        node: its own path on the host, now or last.
        number: of a device node.
        own_link: the plugin's own link that it needs, or that a container may have got; "" for none.
        is_optional: the device is Healthy without it too.
        info: the hardware behind a device node, also of an absent one.
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
        identity: unique within its resource.
        members: in the spec's order.
        count: how many replicas of it are offered.
        is_healthy: whether all required members are present.
        since: when that last changed, monotonic seconds.
        numa_nodes: of its members, sorted.
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
        resource: its name.
        devices: the known ones.
        unseen: IDs of unseen devices that pods hold, each with the monotonic second since which that is known.
    """

    resource: str
    devices: tuple[Device, ...] = ()
    unseen: tuple[tuple[str, float], ...] = ()

    @cached_property
    def by_id(self) -> Mapping[str, Device]:
        """The device of each listed ID, replicas included, in the set's order."""
        return {
            device_id(self.resource, device.identity, replica): device
            for device in self.devices
            for replica in range(device.count)
        }

    @cached_property
    def by_base(self) -> Mapping[str | None, Device]:
        """The device of each ID, whatever the replica's number (see ``identity.id_base``)."""
        return {id_base(device_id(self.resource, device.identity, 0)): device for device in self.devices}

    @property
    def count(self) -> int:
        """The number of listed IDs, replicas included."""
        return sum(device.count for device in self.devices) + len(self.unseen)

    @property
    def healthy_count(self) -> int:
        """The number of those that are Healthy."""
        return sum(device.count for device in self.devices if device.is_healthy)


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
