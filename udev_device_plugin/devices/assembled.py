"""What is known of a resource's devices: values. Pure."""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass

from udev_device_plugin.config.specs import ResourceSpec
from udev_device_plugin.devices.candidates import Candidate, Slot
from udev_device_plugin.devices.identity import Identity
from udev_device_plugin.host.model import OfferedNodes
from udev_device_plugin.selectors.kind import Numbers


@dataclass(frozen=True, slots=True)
class AssembledDevice:
    """A device that was put together once. Moments are monotonic seconds.

    Attributes:
        identity: never changes.
        group: index of its group in the spec.
        members: what each of the group's paths gave, as last seen; None for an optional path that had nothing. Of a
            USB device: its nodes, which its group's only path gave.
        is_healthy: whether all required members are present.
        since: when ``is_healthy`` last changed.
        keep_until: until when it is kept if it is absent, whether a pod holds it or not.
        needs: of a USB device: how many nodes it has when it is complete.
        is_former: the configuration does not form it any more as it is held (`devices.former`).
        held_ids: of a former device: those of its IDs that pods hold; None if that is not known.
    """

    identity: Identity
    group: int
    members: tuple[Candidate | None, ...]
    is_healthy: bool
    since: float
    keep_until: float = 0.0
    needs: Numbers = ()
    is_former: bool = False
    held_ids: frozenset[str] | None = None

    @property
    def is_let_go(self) -> bool:
        """Whether it is a former device that no pod holds."""
        return self.is_former and self.held_ids == frozenset()

    def matches(self, spec: ResourceSpec) -> Iterator[tuple[Slot, Candidate]]:
        """The members that are not left out, each with the path of ``spec`` that gave it."""
        gives_all = len(spec.groups[self.group].paths) == 1
        for number, candidate in enumerate(self.members):
            if candidate is not None:
                yield Slot(self.group, 0 if gives_all else number), candidate


@dataclass(frozen=True, slots=True)
class SettlingUsbDevice:
    """A USB device that may get more nodes before it is offered.

    Attributes:
        group: which of the spec's groups it belongs to.
        usb_device: its identity.
        nodes: those that were there last.
        until: when it counts as complete if nothing changes before; monotonic seconds.
    """

    group: int
    usb_device: str
    nodes: frozenset[Hashable]
    until: float


@dataclass(frozen=True, slots=True)
class UnseenDevice:
    """A device that a pod holds and that has not been seen since the plugin started: only its ID is known."""

    id: str
    since: float
    keep_until: float


@dataclass(frozen=True, slots=True)
class AssembledResource:
    """All devices of a resource.

    Attributes:
        devices: those that have been seen, in the order of their groups, known ones first.
        unseen: those that pods hold and that have not been seen.
        settling: USB devices that may not be complete yet.
        left_out: IDs that are not offered, because there are too many.
        is_first: whether the host has not been read yet; what is present then is taken to be complete.
    """

    devices: tuple[AssembledDevice, ...] = ()
    unseen: tuple[UnseenDevice, ...] = ()
    settling: tuple[SettlingUsbDevice, ...] = ()
    left_out: int = 0
    is_first: bool = True

    @property
    def nodes(self) -> OfferedNodes:
        """The nodes of all devices."""
        members = (member for device in self.devices for member in device.members if member is not None)
        return frozenset((one.node.number, one.node.inode) for one in members if one.node.number is not None)

    @property
    def settles_at(self) -> float | None:
        """When the next USB device is taken to be complete, monotonic seconds; None if all are."""
        return min((usb_device.until for usb_device in self.settling), default=None)

    @property
    def expires_at(self) -> float | None:
        """When to ask what pods hold, monotonic seconds: the next absent or former device expires; None for never."""
        times = [device.keep_until for device in self.devices if not device.is_healthy or device.is_former]
        return min((*times, *(one.keep_until for one in self.unseen)), default=None)


Withheld = frozenset[tuple[Hashable, bool]]
"""What pods hold by former devices (`NodeKey.claim`), and whether paths that are shared may have it, too."""


@dataclass(frozen=True, slots=True)
class AssemblyContext:
    """What an assembly depends on besides the host.

    Attributes:
        now: monotonic seconds.
        grace_period: for how many seconds an absent device stays listed.
        links_directory: where the plugin's own links are; with a trailing slash.
        held: the IDs of the resource that pods hold; None if that is not known: then nothing is forgotten.
        fresh: IDs that were allocated so recently that the kubelet may not report them as held yet.
        withheld: what pods hold by former devices of other resources: only members of known devices may have it.
        has_former: pods may hold former devices, of whatever resource: what comes may be one of them.
        remembered: former devices' members, whose nodes keep their identities: by themselves, or with a USB device.
    """

    now: float
    grace_period: float
    links_directory: str = ""
    held: frozenset[str] | None = None
    fresh: frozenset[str] = frozenset()
    withheld: Withheld = frozenset()
    has_former: bool = False
    remembered: tuple[tuple[bool, Candidate], ...] = ()
