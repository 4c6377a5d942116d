"""What is at paths, and where they lead.

Any thread. Absence is stated by ENOENT and its kin only; every other failure is raised.
"""

import os
import stat
from collections.abc import Iterable
from typing import Literal

from udev_device_plugin.filesystem.patterns import ABSENT
from udev_device_plugin.filesystem.small_files import raise_if_exhausted
from udev_device_plugin.host.looks import NotLookedError
from udev_device_plugin.host.model import DeviceNumber, PathEntry, PathKind
from udev_device_plugin.selectors.paths.glob import MAX_PATH

MAX_LINKS = 40
"""The kernel's own limit of links on the way to a file."""

_KINDS: dict[int, PathKind] = {
    stat.S_IFCHR: PathKind.NODE,
    stat.S_IFBLK: PathKind.NODE,
    stat.S_IFDIR: PathKind.DIRECTORY,
    stat.S_IFREG: PathKind.FILE,
    stat.S_IFSOCK: PathKind.SOCKET,
}


MAX_NAME = 1024
"""Characters of the name of a node or link in ``/dev``: far more than any has."""


def is_name_in_dev(name: str) -> bool:
    """Whether a name that somebody says a node or link has is one that it can have in ``/dev``."""
    return is_in_dev(name) and len(name) <= MAX_NAME and os.path.normpath(name) == name and "\0" not in name


def is_in_dev(path: str) -> bool:
    """Whether a path lies below ``/dev``, where nothing blocks."""
    return path.startswith("/dev/")


def links_on_the_way(path: str, *, may_block: bool = False) -> tuple[str, ...]:
    """Return the targets of the chain of links at an absolute path, the last one last; none if it is no link.

    Links outside of ``/dev`` are followed if it ``may_block``.
    """
    steps: list[str] = []
    while len(steps) < MAX_LINKS and (may_block or is_in_dev(path)):
        try:
            target = os.readlink(path)
        except OSError as error:
            raise_if_exhausted(error)
            break
        path = os.path.normpath(os.path.join(os.path.dirname(path), target))
        if len(path) > MAX_PATH:  # which the kernel refuses as well
            break
        steps.append(path)
    return tuple(steps)


def leads_outside(path: str) -> bool:
    """Whether a path in ``/dev`` leads out of it."""
    steps = links_on_the_way(path)
    return bool(steps) and not is_in_dev(steps[-1])


def stat_path(path: str) -> PathEntry | None:
    """Return what is at a path, links followed; None if nothing is.

    Raises:
        NotLookedError: that is not known.
    """
    try:
        status = os.stat(path)
    except OSError as error:
        if error.errno in ABSENT:
            return None
        raise NotLookedError(f"{path}: {error.strerror}") from error
    except ValueError:  # a NUL byte
        return None
    kind = _KINDS.get(stat.S_IFMT(status.st_mode), PathKind.OTHER)
    target = (*links_on_the_way(path, may_block=True)[-1:], path)[0]
    number = None
    if kind is PathKind.NODE:
        type_: Literal["b", "c"] = "c" if stat.S_ISCHR(status.st_mode) else "b"
        number = DeviceNumber(type_, os.major(status.st_rdev), os.minor(status.st_rdev))
    return PathEntry(path, kind, number, target, status.st_ino)


def numbers_of(entries: Iterable[PathEntry | None]) -> set[DeviceNumber]:
    """Return the numbers of those that are nodes."""
    return {entry.number for entry in entries if entry is not None and entry.number is not None}


def inode_at(path: str) -> int:
    """Return the inode of a path itself; 0 if it does not exist. Raises OSError for want of memory."""
    try:
        return os.lstat(path).st_ino
    except OSError as error:
        raise_if_exhausted(error)
        return 0
