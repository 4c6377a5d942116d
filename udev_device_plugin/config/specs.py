"""What to offer: the frozen form that all spellings of a device spec come down to.

Pure values. Any thread. `spec_parser` makes them from text; ``devices.assembly`` reads them.
"""

from dataclasses import dataclass
from enum import Enum

from udev_device_plugin.selectors.grouping import Grouping
from udev_device_plugin.selectors.kind import SelectorKind
from udev_device_plugin.selectors.paths.pairing import Pairing

MAX_COUNT = 10_000
"""Maximum of ``count`` and ``limit``: beyond any use, and one message to the kubelet can hold as many devices."""


class PathType(Enum):
    """How a matched path gets into the container (the origin's ``type``)."""

    DEVICE = "Device"
    MOUNT = "Mount"


@dataclass(frozen=True, slots=True)
class PathSpec:
    """One entry of a group: what on the host, and what becomes of it in the container.

    Attributes:
        selector: what on the host.
        mount_path: path in the container; with a trailing ``/`` the matched path's base name is appended;
            None: the matched path itself.
        type: handed over as a device node, or bind-mounted.
        permissions: of ``r``, ``w``, ``m``, for the device cgroup; devices only.
        read_only: mounts only.
        limit: how many devices of a group may share one match, at least 1.
        optional: without a match, it is left out and does not keep its group from forming devices.
    """

    selector: SelectorKind
    mount_path: str | None = None
    type: PathType = PathType.DEVICE
    permissions: str = "mrw"
    read_only: bool = False
    limit: int = 1
    optional: bool = False

    @property
    def is_literal(self) -> bool:
        """It names one path, and means whatever stands there."""
        return self.selector.is_literal

    @property
    def is_identifying(self) -> bool:
        """Its match is part of what makes a device itself: a device node that must be there."""
        return self.type is PathType.DEVICE and not self.optional

    def container_path(self, path: str) -> str:
        """Where ``path``, a match of this spec, is found in the container."""
        if self.mount_path is None:
            return path
        if self.mount_path.endswith("/"):
            return self.mount_path + path.rsplit("/", 1)[-1]
        return self.mount_path


@dataclass(frozen=True, slots=True)
class GroupSpec:
    """What devices are made of; each is offered ``count`` times.

    Attributes:
        paths: what they are made of. The kinds of selectors do not mix within a group.
        count: at least 1.
    """

    paths: tuple[PathSpec, ...]
    count: int = 1

    @property
    def grouping(self) -> Grouping:
        """How the matches of the paths become devices."""
        return self.paths[0].selector.grouping if self.paths else Pairing()

    @property
    def asks_for(self) -> tuple[tuple[SelectorKind, PathType, int, bool], ...]:
        """What it asks for, whatever becomes of it in the container, and however often it is offered."""
        return tuple((path.selector, path.type, path.limit, path.optional) for path in self.paths)


@dataclass(frozen=True, slots=True)
class ResourceSpec:
    """One schedulable resource, ``squat.ai/serial``, and the groups that its devices come from."""

    resource: str
    groups: tuple[GroupSpec, ...]

    @property
    def selectors(self) -> frozenset[SelectorKind]:
        """All that it asks for."""
        return frozenset(path.selector for group in self.groups for path in group.paths)
