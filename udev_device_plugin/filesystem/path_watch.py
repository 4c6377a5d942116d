"""Watches paths for what comes or goes there, whatever of the directories on the way to them exists.

It wraps inotify, which watches directories that exist: here one watches *globs*, and the deepest directories that exist
on the way to their matches are watched for them. It reports paths, not events: who asks looks for himself what is there
now. It has no thread and no event loop: whoever owns it polls its descriptor (see ``loop_watch`` for asyncio).
"""

import contextlib
import errno
import logging
import os
from collections import defaultdict
from collections.abc import Iterable

from inotify_simple import Event, INotify, flags

from udev_device_plugin.errors import StartError
from udev_device_plugin.filesystem.patterns import Coverage, Pattern, WatchedDirectory, depth_of, join

logger = logging.getLogger(__name__)

# Plain numbers: an operation on an enumeration's members takes ten times as long.
_COMES = int(flags.CREATE | flags.MOVED_TO)
_GOES = int(flags.DELETE | flags.MOVED_FROM)
_IS_DEAD = int(flags.IGNORED | flags.DELETE_SELF | flags.MOVE_SELF | flags.UNMOUNT)
_MASK = _COMES | _GOES | int(flags.DELETE_SELF | flags.MOVE_SELF | flags.ONLYDIR)
_OVERFLOW = int(flags.Q_OVERFLOW)

_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EACCES})
"""What says that nothing is there, or nothing for us."""


class PathWatch:
    """Watches the matches of globs; used by one thread.

    Args:
        globs: what to watch at first.
        writes: report files that were written, too.

    Attributes:
        error: why something could not be looked at since the last ``rescan``: then more may stand there than is found.

    Raises:
        StartError: the kernel gives no inotify instance.
    """

    def __init__(self, globs: Iterable[Pattern], *, writes: bool = False) -> None:
        self._mask = _MASK | int(flags.CLOSE_WRITE) if writes else _MASK
        self._coverage: dict[Pattern, Coverage] = {}
        self._directories: dict[str, WatchedDirectory] = {}
        self._by_wd: defaultdict[int, set[str]] = defaultdict(set)
        self._made = 0  # directories that were ever watched
        self._is_exhausted = False
        self.error: OSError | None = None
        try:
            self._inotify = INotify(nonblocking=True)
        except OSError as error:
            raise StartError(
                f"inotify: no instance to be had ({error.strerror}): raise the sysctl fs.inotify.max_user_instances"
            ) from error
        for glob in globs:
            self.add(glob)

    def fileno(self) -> int:
        """The descriptor that is readable when ``read`` has something to report."""
        return int(self._inotify.fileno())

    def close(self) -> None:
        """Stop watching."""
        self._inotify.close()

    @property
    def found(self) -> frozenset[str]:
        """The watched paths at which something stood when last heard of."""
        return frozenset().union(*(coverage.found for coverage in self._coverage.values()))

    def add(self, glob: Pattern) -> bool:
        """Watch one more glob; what already stands at its matches is in ``found`` afterwards.

        Returns:
            Whether a directory is watched for it that was not watched before: what came and went there went unnoticed.
        """
        if glob in self._coverage:
            return False
        before = self._made
        self._walk_anew(glob)
        return self._made != before

    def discard(self, glob: Pattern) -> None:
        """Watch ``glob`` no longer."""
        if (coverage := self._coverage.pop(glob, None)) is not None:
            self._leave(glob, coverage.directories)

    def rescan(self) -> None:
        """Walk everything anew, for what inotify may have missed; ``found`` is right afterwards."""
        self.error = None
        for glob in list(self._coverage):
            self._walk_anew(glob)

    def read(self) -> set[str]:
        """Take in all that inotify has; returns the watched paths at which something may have changed."""
        changed: set[str] = set()
        stale: set[Pattern] = set()
        for event in self._inotify.read(timeout=0):
            if event.mask & _OVERFLOW:
                logger.warning("inotify lost events; everything watched is looked at again")
                stale.update(self._coverage)
            for path in list(self._by_wd.get(event.wd, ())):
                changed |= self._take_in(path, event, stale)
        for glob in stale & self._coverage.keys():
            changed |= self._walk_anew(glob)
        return changed

    def _take_in(self, path: str, event: Event, stale: set[Pattern]) -> set[str]:
        """One event in the directory ``path``: what changed by it; adds to ``stale`` what must be walked anew."""
        directory = self._directories[path]
        changed: set[str] = set()
        if event.mask & _IS_DEAD:
            stale |= directory.all_interested()
            self._unwatch(path)
            return changed
        if not event.name:
            return changed
        name, depth = event.name, depth_of(path)
        for glob in directory.interested_in(name, depth):
            if depth + 1 < len(glob.elements):
                stale.add(glob)  # a directory on the way to matches
                continue
            changed.add(child := join(path, name))
            found = self._coverage[glob].found
            found.discard(child) if event.mask & _GOES else found.add(child)
        return changed

    def _walk_anew(self, glob: Pattern) -> set[str]:
        """Look for the matches of ``glob`` from the root on, watching what needs it.

        Returns:
            The paths at which something may have changed: all that were found before or now.
        """
        before = self._coverage.get(glob, Coverage())
        self._coverage[glob] = coverage = Coverage()
        directory, _, name = glob.literal.rpartition("/")
        # A single path's directory is there, most often.
        if not (name and self._walk(glob, directory or "/", len(glob.elements) - 1, coverage)):
            self._walk(glob, "/", 0, coverage)
        self._leave(glob, before.directories - coverage.directories)
        return before.found | coverage.found

    def _walk(self, glob: Pattern, path: str, depth: int, coverage: Coverage) -> bool:
        """Walk the directory ``path``, ``depth`` elements deep; False if there is no such directory.

        Who waits for a directory to come watches the one above it; once it is there, its own watch tells when it goes.
        """
        element, is_last = glob.elements[depth], depth + 1 == len(glob.elements)
        if element.is_literal and not is_last and self._walk(glob, join(path, element.literal), depth + 1, coverage):
            return True
        if not self._watch(path, glob, depth):
            return False
        coverage.directories.add(path)
        # From here on what comes is reported; what came before that is found now.
        for name in [element.literal] if element.is_literal else self._names(path):
            if not element.matches(name):
                continue
            child = join(path, name)
            if not is_last:
                self._walk(glob, child, depth + 1, coverage)
            elif self._stands(child):
                coverage.found.add(child)
        return True

    def _names(self, directory: str) -> list[str]:
        try:
            return os.listdir(directory)
        except OSError as error:
            self._note(error)
            return []

    def _stands(self, path: str) -> bool:
        try:
            os.lstat(path)
        except OSError as error:
            self._note(error)
            return False
        except ValueError:  # a NUL byte
            return False
        return True

    def _note(self, error: OSError) -> None:
        if error.errno not in _ABSENT:
            self.error = error

    def _watch(self, path: str, glob: Pattern, depth: int) -> bool:
        """Have the directory watched for ``glob``, as far as inotify can; False if it is not there."""
        directory = self._directories.get(path)
        if directory is None:
            try:
                watch = self._inotify.add_watch(path, self._mask)
            except OSError as error:
                return self._is_unwatchable(path, error)
            self._made += 1
            directory = self._directories[path] = WatchedDirectory(watch)
            self._by_wd[watch].add(path)  # one inode may be reached by several paths
        element = glob.elements[depth]
        (directory.literal[element.literal] if element.is_literal else directory.patterns).add(glob)
        return True

    def _is_unwatchable(self, path: str, error: OSError) -> bool:
        """Whether to go on without a watch for ``path``: not if it is not there, or cannot be read."""
        if error.errno not in (errno.ENOSPC, errno.ENOMEM):
            self._note(error)
            if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG):
                logger.warning("%s: cannot be watched: %s", path, error.strerror)
            return False
        if not self._is_exhausted:
            self._is_exhausted = True
            logger.error(
                "%s: cannot be watched: %s; changes there are seen at a rescan only: raise the sysctl"
                " fs.inotify.max_user_watches",
                path,
                error.strerror,
            )
        return True  # at each walk its entries are read all the same

    def _leave(self, glob: Pattern, paths: Iterable[str]) -> None:
        """End the interest of ``glob`` in directories, and the watches that nobody needs any more."""
        for path in paths:
            directory = self._directories.get(path)
            if directory is not None and directory.forget(glob, depth_of(path)):
                watch = directory.watch
                self._unwatch(path)
                if not self._by_wd.get(watch):
                    self._end_watch(watch)

    def _end_watch(self, watch: int) -> None:
        with contextlib.suppress(OSError):  # what it watched is gone, and its last event not read yet
            self._inotify.rm_watch(watch)

    def _unwatch(self, path: str) -> None:
        watch = self._directories.pop(path).watch
        self._by_wd[watch].discard(path)
        if not self._by_wd[watch]:
            del self._by_wd[watch]
