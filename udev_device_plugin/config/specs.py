"""What to offer: the frozen form that all spellings of a device spec come down to.

Floor 1: values only. ``config.devices`` makes them from text; ``formation`` reads them.
"""

from dataclasses import dataclass
from enum import Enum

from udev_device_plugin.globs import Glob


class PathType(Enum):
    """How a matched path gets into the container (the origin's ``type``)."""

    DEVICE = "Device"
    MOUNT = "Mount"


@dataclass(frozen=True, slots=True)
class PathSpec:
    """One path of a group: which paths on the host, and what becomes of them in the container.

    Attributes:
        glob: which paths on the host; a literal path is a glob without metacharacters.
        mount_path: path in the container; with a trailing ``/`` the matched path's base name is appended;
            None: the matched path itself.
        type: handed over as a device node, or bind-mounted.
        permissions: of ``r``, ``w``, ``m``, for the device cgroup; devices only.
        read_only: mounts only.
        limit: how many devices of a group may share one match, at least 1.
        optional: without a match, it is left out and does not keep its group from forming devices.
    """

    glob: Glob
    mount_path: str | None = None
    type: PathType = PathType.DEVICE
    permissions: str = "mrw"
    read_only: bool = False
    limit: int = 1
    optional: bool = False

    def container_path(self, path: str) -> str:
        """Where ``path``, a match of this spec, is found in the container."""
        if self.mount_path is None:
            return path
        if self.mount_path.endswith("/"):
            return self.mount_path + path.rsplit("/", 1)[-1]
        return self.mount_path


@dataclass(frozen=True, slots=True)
class GroupSpec:
    """Paths whose matches are zipped: device *i* takes match *i* of each, and is offered ``count`` times."""

    paths: tuple[PathSpec, ...]
    count: int = 1


@dataclass(frozen=True, slots=True)
class ResourceSpec:
    """One schedulable resource, ``squat.ai/serial``, and the groups that its devices come from."""

    resource: str
    groups: tuple[GroupSpec, ...]
