"""The plugin's own directory below the kubelet's plugin directory: a kubelet that starts removes files, no directories.

Event loop only. The plugin directory may be, or lie behind, a symbolic link; its entry ``udev-device-plugin`` may not:
that would choose where root creates and removes files. So everything goes through one descriptor, opened without
following links. And only what this program makes is ever removed or replaced, known by name *and* type.
"""

import asyncio
import contextlib
import errno
import logging
import os
import re
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from udev_device_plugin.filesystem.small_files import read_regular

logger = logging.getLogger(__name__)

NAME = "udev-device-plugin"

MAX_ENTRIES = 100_000
"""Entries that are looked at; this program makes a few for each device."""

LEFT_BEHIND = 60.0
"""Seconds after which a temporary file is one of a process that ended: it is there for milliseconds otherwise."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of what this program makes in the directory.

    Attributes:
        names: which names it has.
        types: its types, of ``stat.S_IF…``.
    """

    names: re.Pattern[str]
    types: frozenset[int]

    def is_one(self, name: str, mode: int) -> bool:
        """Whether something with this name and mode is one."""
        return stat.S_IFMT(mode) in self.types and self.names.fullmatch(name) is not None


LINK = Kind(re.compile(r"[a-z0-9][a-z0-9-]*-[0-9a-f]{10}"), frozenset({stat.S_IFLNK}))
"""A link to a node (`devices.identity.own_link_name`)."""

RECORD = Kind(re.compile(r"\.offered-[0-9a-f]{10}\.json"), frozenset({stat.S_IFREG}))
"""A file of the identity record (`controller.identity_record`)."""

SOCKET = Kind(re.compile(r"[a-z0-9-]*-[0-9a-f]{8}\.sock"), frozenset({stat.S_IFSOCK}))
"""A socket that a resource is served on (`kubelet.device_plugin.server`)."""

_TEMPORARY = Kind(re.compile(r"\.new-[0-9a-f]{16}"), frozenset({stat.S_IFREG, stat.S_IFLNK}))
"""What is to replace a link or a file."""


class UnusableDirectoryError(OSError):
    """The directory as a whole cannot be used; that has been logged."""


class OwnDirectory:
    """The directory ``NAME`` in ``plugin_directory``; made, or made anew, when something is written.

    Attributes:
        plugin_directory: path of the directory that it is in.
        path: of the directory, with a trailing slash.
        made_again: set when a socket had to be made there again: then other things may be missing, too.
    """

    def __init__(self, plugin_directory: str) -> None:
        self.path = os.path.join(plugin_directory, NAME, "")
        self.plugin_directory = plugin_directory
        self.made_again = asyncio.Event()
        self._entry = self.path.rstrip("/")  # without the slash, which would have a link followed
        self._descriptor: int | None = None
        self._is_failing = False

    def close(self) -> None:
        """Close the descriptor; what is done afterwards opens it again."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def descriptor(self, *, make: bool) -> int:
        """Return the directory's descriptor, which stays this object's.

        Args:
            make: create the directory if it is not there.

        Raises:
            UnusableDirectoryError: it cannot be used, which is logged once.
            OSError: it is not there, or the file system is read-only.
        """
        try:
            descriptor = self._opened(make=make)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.EROFS):
                raise
            if not self._is_failing:
                logger.error(  # noqa: TRY400 - a traceback tells a person no more
                    "%s: cannot be used: %s; until it can be, containers do not find devices that have no persistent"
                    " link of udev's, and some IDs may change with a restart",
                    self._entry,
                    error.strerror,
                )
            self._is_failing = True
            raise UnusableDirectoryError(error.errno, error.strerror, self._entry) from error
        if self._is_failing:
            logger.info("%s: can be used now", self._entry)
        self._is_failing = False
        return descriptor

    def _opened(self, *, make: bool) -> int:
        if make:
            os.makedirs(self.plugin_directory, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                os.mkdir(self._entry, 0o755)
        there = os.lstat(self._entry)
        if self._descriptor is not None:
            if os.path.samestat(there, os.fstat(self._descriptor)):
                return self._descriptor
            self.close()  # another directory has taken its place
        if not stat.S_ISDIR(there.st_mode):
            what = "a symbolic link, which is not followed" if stat.S_ISLNK(there.st_mode) else "no directory"
            raise NotADirectoryError(errno.ENOTDIR, f"it is {what}: remove it", self._entry)
        self._descriptor = os.open(self._entry, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        return self._descriptor

    def path_of_descriptor(self, name: str, *, make: bool = False) -> str:
        """Return a path that leads to ``name`` by way of the descriptor, for calls that take none.

        Raises:
            UnusableDirectoryError: the directory cannot be used.
            OSError: it is not there, or the file system is read-only.
        """
        return f"/proc/self/fd/{self.descriptor(make=make)}/{name}"

    def names(self, kind: Kind) -> list[str]:
        """Return the names of those of a kind; none if there is no directory. Raises OSError."""
        try:
            descriptor = self.descriptor(make=False)
        except FileNotFoundError:
            return []
        with os.scandir(descriptor) as entries:
            names = [entry.name for entry in islice(entries, MAX_ENTRIES) if kind.names.fullmatch(entry.name)]
        return [name for name in names if kind.is_one(name, _mode(name, descriptor))]

    def has(self, name: str, kind: Kind) -> bool:
        """Whether ``name`` is there, and one of a kind. Raises OSError."""
        try:
            return kind.is_one(name, _mode(name, self.descriptor(make=False)))
        except FileNotFoundError:
            return False

    def read(self, name: str, size: int) -> bytes:
        """Return the content of a regular file of at most ``size`` bytes.

        Raises:
            FileNotFoundError: it is not there.
            OSError: it is something else, larger, or cannot be read.
        """
        return read_regular(name, size, directory=self.descriptor(make=False), flags=os.O_NOFOLLOW)

    def write(self, name: str, content: bytes) -> None:
        """Create or replace a file; raises OSError and changes nothing if that is not possible."""

        def create(temporary: str, directory: int) -> None:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with open(os.open(temporary, flags, 0o600, dir_fd=directory), "wb") as file:
                file.write(content)

        self._replace(name, RECORD, create)

    def link(self, name: str, target: str) -> None:
        """Create or replace a symbolic link; raises OSError and changes nothing if that is not possible."""
        with contextlib.suppress(OSError):
            if os.readlink(name, dir_fd=self.descriptor(make=False)) == target:
                return
        self._replace(name, LINK, lambda temporary, directory: os.symlink(target, temporary, dir_fd=directory))

    def remove(self, name: str, kind: Kind) -> None:
        """Remove ``name`` if it is one of a kind; raises OSError if that is not possible."""
        with contextlib.suppress(FileNotFoundError):
            directory = self.descriptor(make=False)
            if kind.is_one(name, _mode(name, directory)):
                os.unlink(name, dir_fd=directory)

    def tidy(self) -> None:
        """Remove the temporary files that killed processes left behind; raises OSError if that is not possible."""
        for name in self.names(_TEMPORARY):
            with contextlib.suppress(FileNotFoundError):
                status = os.stat(name, dir_fd=self.descriptor(make=False), follow_symlinks=False)
                if time.time() - status.st_mtime > LEFT_BEHIND:  # else it may be another instance's of a rolling update
                    self.remove(name, _TEMPORARY)

    def _replace(self, name: str, kind: Kind, create: Callable[[str, int], None]) -> None:
        """Have ``create`` make something under a temporary name, which then replaces ``name`` atomically.

        So no reader finds half a file, or a link missing that existed before.
        """
        directory = self.descriptor(make=True)
        mode = _mode(name, directory)
        if not kind.names.fullmatch(name) or (mode and not kind.is_one(name, mode)):
            raise FileExistsError(errno.EEXIST, "something else than this program makes stands there: remove it", name)
        temporary = f".new-{os.urandom(8).hex()}"  # random: both instances of a rolling update may be PID 1
        try:
            create(temporary, directory)
            os.replace(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(temporary, dir_fd=directory)
            raise


def _mode(name: str, directory: int) -> int:
    """Return the mode of an entry itself; 0 if it is not there."""
    try:
        return os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return 0
