"""What stands at paths, and where they lead: read by ``lstat`` and ``readlink`` alone, which need no descriptor.

Any thread. *Nothing is there* is said by ENOENT and its kin only; every other failure means *not looked*.
"""

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from typing import Literal

from udev_device_plugin.host.looks import NotLookedError
from udev_device_plugin.host.model import DeviceNumber, PathEntry, PathKind
from udev_device_plugin.selectors.paths.glob import Element, Glob

MAX_LINKS = 40
"""The kernel's own limit of links on the way to a file."""

_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EACCES})

_KINDS: dict[int, PathKind] = {
    stat.S_IFCHR: PathKind.NODE,
    stat.S_IFBLK: PathKind.NODE,
    stat.S_IFDIR: PathKind.DIRECTORY,
    stat.S_IFREG: PathKind.FILE,
    stat.S_IFSOCK: PathKind.SOCKET,
}


def is_in_dev(path: str) -> bool:
    """Whether a path lies below ``/dev``, where nothing blocks."""
    return path.startswith("/dev/")


def links_on_the_way(path: str, *, may_block: bool = False) -> tuple[str, ...]:
    """Where a path leads, step by step: the ends of all its links, the last one last; nothing if it is no link.

    Args:
        path: absolute.
        may_block: follow links outside of ``/dev``, too.
    """
    steps: list[str] = []
    here = path
    while len(steps) < MAX_LINKS and (may_block or is_in_dev(here)):
        try:
            target = os.readlink(here)
        except OSError:
            break
        here = os.path.normpath(os.path.join(os.path.dirname(here), target))
        steps.append(here)
    return tuple(steps)


def leads_outside(path: str) -> bool:
    """Whether a path in ``/dev`` leads out of it."""
    steps = links_on_the_way(path)
    return bool(steps) and not is_in_dev(steps[-1])


def stands_at(path: str) -> PathEntry | None:
    """What stands at the end of a path; None if nothing does.

    Raises:
        NotLookedError: that cannot be said.
    """
    try:
        status = os.stat(path)
    except OSError as error:
        if error.errno in _ABSENT:
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
    """The numbers of those that are nodes."""
    return {entry.number for entry in entries if entry is not None and entry.number is not None}


def inode_at(devnode: str) -> int:
    """The inode of what is at a path itself; 0 if nothing is there."""
    try:
        return os.lstat(devnode).st_ino
    except OSError:
        return 0


def matches_of(glob: Glob) -> Iterator[str]:
    """The paths that a glob matches now, links that lead nowhere included."""
    ahead = ["/"]
    for depth, element in enumerate(glob.elements):
        is_last = depth + 1 == len(glob.elements)
        found = [f"{directory.rstrip('/')}/{name}" for directory in ahead for name in _names(directory, element)]
        ahead = [path for path in found if os.path.lexists(path)] if is_last else found
    yield from ahead


def _names(directory: str, element: Element) -> list[str]:
    if element.is_literal:
        return [element.literal]
    try:
        return [name for name in os.listdir(directory) if element.matches(name)]
    except OSError:
        return []
