"""Watches patterns of paths with inotify, including directories on the way that do not exist yet.

The deepest existing directories on the way to the matches are watched. What is reported are paths, not events: the
caller looks for himself what is there now. It has no thread and no event loop: its owner polls the descriptor
(`LoopWatch` does so for asyncio).
"""

import contextlib
import logging
import os
from collections import defaultdict
from collections.abc import Iterable

from inotify_simple import Event, INotify, flags

from udev_device_plugin.errors import StartError
from udev_device_plugin.filesystem.patterns import ABSENT, Coverage, Pattern, WatchedDirectory, depth_of, join
from udev_device_plugin.filesystem.refused_watches import RefusedWatches
from udev_device_plugin.filesystem.watched_files import WatchedFiles

logger = logging.getLogger(__name__)

# Plain numbers: an operation on an enumeration's members takes ten times as long.
_COMES = int(flags.CREATE | flags.MOVED_TO)
_GOES = int(flags.DELETE | flags.MOVED_FROM)
_IS_DEAD = int(flags.IGNORED | flags.DELETE_SELF | flags.MOVE_SELF | flags.UNMOUNT)
_MASK = _COMES | _GOES | int(flags.DELETE_SELF | flags.MOVE_SELF | flags.ONLYDIR)
_OVERFLOW = int(flags.Q_OVERFLOW)
_ATTRIBUTES = int(flags.ATTRIB)


class PathWatch:
    """Watches the matches of patterns; used by one thread.

    Args:
        globs: what to watch at first.
        writes: report files that were written, and those whose mode or owner changed, too.
        attributes: a directory whose mode or owner changes may be readable, or not any more. In ``/dev`` that would be
            an event more for each node.
        files: of these globs, each of one path, the file itself is watched while it exists: what comes and goes beside
            it makes no event then.

    Attributes:
        failed: the patterns for which something could not be read, and why: then more may exist than is ``found``.

    Raises:
        StartError: the kernel gives no inotify instance.
    """

    def __init__(
        self, globs: Iterable[Pattern], *, writes: bool = False, attributes: bool = False, files: Iterable[Pattern] = ()
    ) -> None:
        self._mask = _MASK | (int(flags.CLOSE_WRITE) if writes else 0) | (_ATTRIBUTES if writes or attributes else 0)
        self._writes = writes
        self._coverage: dict[Pattern, Coverage] = {}
        self._directories: dict[str, WatchedDirectory] = {}
        self._by_wd: defaultdict[int, set[str]] = defaultdict(set)  # one inode may be reached by several paths
        self._watches_made = 0
        self._refused = RefusedWatches()
        self.failed: dict[Pattern, OSError] = {}
        try:
            self._inotify = INotify(nonblocking=True)
        except OSError as error:
            raise StartError(
                f"inotify: no instance to be had ({error.strerror}): raise the sysctl fs.inotify.max_user_instances"
            ) from error
        self._files = WatchedFiles(self._inotify, files)
        for glob in globs:
            self.add(glob)

    def fileno(self) -> int:
        """Return the descriptor that is readable when ``read`` has something to report."""
        return int(self._inotify.fileno())

    def close(self) -> None:
        """Stop watching."""
        self._inotify.close()

    @property
    def found(self) -> frozenset[str]:
        """The watched paths that existed at the last walk or event."""
        return frozenset().union(*(coverage.found for coverage in self._coverage.values()))

    def add(self, glob: Pattern) -> bool:
        """Watch one more pattern; its matches that exist are in ``found`` afterwards.

        Returns:
            Whether a directory is watched for it that was not before: earlier changes there were not reported.
        """
        if glob in self._coverage:
            return False
        before = self._watches_made
        self._walk_from_root(glob)
        return self._watches_made != before

    def discard(self, glob: Pattern) -> None:
        """Watch ``glob`` no longer; when nothing is watched any more, do nothing."""
        if (coverage := self._coverage.pop(glob, None)) is not None and not self._inotify.closed:
            self._release(glob, coverage.directories)
            self._files.discard(glob)

    def rescan(self) -> None:
        """Walk for all patterns again; ``found`` is right afterwards, whatever inotify missed."""
        for glob in list(self._coverage):
            self._walk_from_root(glob)

    def retry(self, glob: Pattern) -> set[str]:
        """Walk for a failed pattern again; returns the paths at which something may have changed."""
        return self._walk_from_root(glob) if glob in self._coverage else set()

    def read(self) -> set[str]:
        """Read all pending events; returns the watched paths at which something may have changed."""
        changed: set[str] = set()
        stale: set[Pattern] = set()
        for event in self._inotify.read(timeout=0):
            if event.mask & _OVERFLOW:
                logger.warning("inotify lost events; everything watched is looked at again")
                stale.update(self._coverage)
            stale |= self._files.changed(event.wd)
            for path in list(self._by_wd.get(event.wd, ())):
                changed |= self._process(path, event, stale)
        for glob in stale & self._coverage.keys():
            changed |= self._walk_from_root(glob)
        return changed

    def _process(self, path: str, event: Event, stale: set[Pattern]) -> set[str]:
        """Process an event in the directory ``path``.

        Returns:
            The watched paths that changed by it; patterns to be walked for again are added to ``stale``.
        """
        directory = self._directories[path]
        if event.mask & _IS_DEAD:
            stale |= directory.all_interested()
            self._remove_directory(path)
            return set()
        name, depth, changed = event.name, depth_of(path), set()
        child, are_attributes = join(path, name), event.mask & _ATTRIBUTES
        for glob in directory.interested_in(name, depth) if name else ():
            if depth + 1 < len(glob.elements) or glob in self._files:  # a directory on the way
                if not (are_attributes and child in self._directories):
                    stale.add(glob)
                continue
            if are_attributes and not self._writes:
                continue
            changed.add(child)
            found = self._coverage[glob].found
            found.discard(child) if event.mask & _GOES else found.add(child)
        return changed

    def _walk_from_root(self, glob: Pattern) -> set[str]:
        """Find the matches of ``glob``, and watch what is needed for it.

        Returns:
            The paths at which something may have changed: all that were found before or now.
        """
        self.failed.pop(glob, None)
        before = self._coverage.get(glob, Coverage())
        self._coverage[glob] = coverage = Coverage()
        directory, _, name = glob.literal.rpartition("/")
        if self._files.watch(glob):
            coverage.found.add(glob.literal)
        # The directory of a single path exists, most often.
        elif not (name and self._walk(glob, directory or "/", len(glob.elements) - 1, coverage)):
            self._walk(glob, "/", 0, coverage)
        self._release(glob, before.directories - coverage.directories)
        return before.found | coverage.found

    def _walk(self, glob: Pattern, path: str, depth: int, coverage: Coverage) -> bool:
        """Walk the directory ``path``, ``depth`` elements deep; False if it does not exist.

        While a directory does not exist, the one above it is watched; afterwards its own watch reports its removal.
        """
        element, is_last = glob.elements[depth], depth + 1 == len(glob.elements)
        if element.literal and not is_last and self._walk(glob, join(path, element.literal), depth + 1, coverage):
            return True
        if not self._watch(path, glob, depth):
            return False
        coverage.directories.add(path)
        # After the watch was made: what is created from here on is reported.
        for name in [element.literal] if element.literal else self._names(path, glob):
            if not element.matches(name):
                continue
            child = join(path, name)
            if not is_last:
                self._walk(glob, child, depth + 1, coverage)
            elif self._exists(child, glob):
                coverage.found.add(child)
        return True

    def _names(self, directory: str, glob: Pattern) -> list[str]:
        try:
            return os.listdir(directory)
        except OSError as error:
            self._note(glob, error)
            return []

    def _exists(self, path: str, glob: Pattern) -> bool:
        try:
            os.lstat(path)
        except OSError as error:
            self._note(glob, error)
            return False
        except ValueError:  # a NUL byte
            return False
        return True

    def _note(self, glob: Pattern, error: OSError) -> None:
        if error.errno not in ABSENT:
            self.failed[glob] = error

    def _watch(self, path: str, glob: Pattern, depth: int) -> bool:
        """Watch the directory for ``glob``, as far as inotify can; False if it does not exist or cannot be read."""
        directory = self._directories.get(path)
        if directory is None:
            try:
                watch = self._inotify.add_watch(path, self._mask)
            except OSError as error:
                if not self._refused.is_readable(path, error):
                    self._note(glob, error)
                    return False
                return True
            self._refused.accept(path)
            self._watches_made += 1
            directory = self._directories[path] = WatchedDirectory(watch)
            self._by_wd[watch].add(path)
        directory.patterns[glob.elements[depth].literal].add(glob)
        return True

    def _release(self, glob: Pattern, paths: Iterable[str]) -> None:
        """Watch directories no longer for ``glob``; watches that no pattern needs are removed."""
        for path in paths:
            if (directory := self._directories.get(path)) is None:
                continue
            directory.discard(glob, depth_of(path))
            if not directory.patterns:
                self._remove_directory(path)
                if directory.watch not in self._by_wd:
                    with contextlib.suppress(OSError):  # the directory is gone, and its last event not read yet
                        self._inotify.rm_watch(directory.watch)

    def _remove_directory(self, path: str) -> None:
        watch = self._directories.pop(path).watch
        self._by_wd[watch].discard(path)
        if not self._by_wd[watch]:
            del self._by_wd[watch]
