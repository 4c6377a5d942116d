"""The specs of resources: what to offer. Pure."""

from dataclasses import dataclass, field
from enum import Enum

from udev_device_plugin.selectors.kind import SelectorKind

MAX_COUNT = 10_000
"""Maximum of ``count`` and ``limit``: beyond any use."""

MAX_IDS_OF_RESOURCE = 10_000
"""IDs that one resource lists. Measured: 0.2 s of the event loop for the first list, 0.1 s for each further one, 7 MiB
of memory, and 0.7 MiB for a message, of which the kubelet takes 4."""

MAX_IDS = 20_000
"""IDs that all resources list together: 15 MiB. Many more would need a higher memory limit than the manifests set."""


class PathType(Enum):
    """How a matched path gets into the container (the origin's ``type``)."""

    DEVICE = "Device"
    MOUNT = "Mount"


@dataclass(frozen=True, slots=True)
class PathSpec:
    """One entry of a group: what it selects on the host, and how the container gets it.

    Attributes:
        mount_path: path in the container; after a trailing ``/`` the matched path's base name is appended;
            None: the matched path itself.
        permissions: of ``r``, ``w``, ``m``, for the device cgroup; devices only.
        read_only: mounts only.
        limit: how many devices of a group may share one match, at least 1.
        optional: a device is complete without a match of this entry.
        mounts_bus: of USB devices: the container sees all raw nodes where libusb looks for them, and can open its own.
    """

    selector: SelectorKind
    mount_path: str | None = None
    type: PathType = PathType.DEVICE
    permissions: str = "mrw"
    read_only: bool = False
    limit: int = 1
    optional: bool = False
    mounts_bus: bool = False

    @property
    def is_literal(self) -> bool:
        """It selects one path, whichever device is there."""
        return self.selector.is_literal

    @property
    def is_identifying(self) -> bool:
        """Its match is part of a device's identity: a device node that is required."""
        return self.type is PathType.DEVICE and not self.optional

    @property
    def is_shared(self) -> bool:
        """Several devices may have one match of it."""
        return self.type is PathType.MOUNT or self.limit > 1

    def container_path(self, path: str) -> str:
        """Return the path in the container for ``path``, a match of this spec."""
        if self.mount_path is None:
            return path
        if self.mount_path.endswith("/"):
            return self.mount_path + path.rsplit("/", 1)[-1]
        return self.mount_path


@dataclass(frozen=True, slots=True)
class GroupSpec:
    """The paths that go together into a device; all their selectors are of one kind.

    A path that selects by USB devices stands alone.

    Attributes:
        count: how often each device is offered, at least 1.
        written: itself as JSON, which the configuration reads as a group.
        is_former: it is not configured any more: it only keeps what pods hold (`devices.former`).
        is_recorded: the identity record alone has it, which is untrusted: no container gets anything by it.
    """

    paths: tuple[PathSpec, ...]
    count: int = 1
    written: str = field(default="", compare=False)
    is_former: bool = False
    is_recorded: bool = False

    @property
    def is_of_usb_devices(self) -> bool:
        """Its devices have the nodes of a USB device each; others have a match of each path."""
        return any(path.selector.nodes for path in self.paths)

    @property
    def asks_for(self) -> tuple[tuple[SelectorKind, PathType, int, bool], ...]:
        """What it selects, without ``count`` and what concerns only the container."""
        return tuple((path.selector, path.type, path.limit, path.optional) for path in self.paths)


@dataclass(frozen=True, slots=True)
class ResourceSpec:
    """One schedulable resource, ``squat.ai/serial``, and the groups of its devices.

    Attributes:
        exclude: what these select is not offered; of a selector by USB devices, none of their nodes is.
    """

    resource: str
    groups: tuple[GroupSpec, ...]
    exclude: tuple[SelectorKind, ...] = ()

    @property
    def selectors(self) -> frozenset[SelectorKind]:
        """The selectors of all groups, and of what is excluded."""
        return frozenset((*self.exclude, *(path.selector for group in self.groups for path in group.paths)))
