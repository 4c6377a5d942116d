"""Files that are watched themselves, so that nobody is woken up for what happens beside them."""

import contextlib
from collections.abc import Iterable

from inotify_simple import INotify, flags

from udev_device_plugin.filesystem.patterns import Pattern

_MASK = int(flags.ATTRIB | flags.DELETE_SELF | flags.MOVE_SELF)  # ATTRIB: its count of links, too


class WatchedFiles:
    """Watches of those files of ``patterns``, each of one path, that exist."""

    def __init__(self, inotify: INotify, patterns: Iterable[Pattern]) -> None:
        self._inotify = inotify
        self._patterns = frozenset(patterns)
        self._by_wd: dict[int, Pattern] = {}

    def __contains__(self, pattern: object) -> bool:
        return pattern in self._patterns

    def watch(self, pattern: Pattern) -> bool:
        """Watch the file of a pattern; False if it is none of these, or cannot be watched: it may not exist."""
        if pattern not in self:
            return False
        try:
            self._by_wd[self._inotify.add_watch(pattern.literal, _MASK)] = pattern
        except OSError:
            return False
        return True

    def discard(self, pattern: Pattern) -> None:
        """Watch the file of a pattern no longer."""
        for watch in [watch for watch, one in self._by_wd.items() if one == pattern]:
            del self._by_wd[watch]
            with contextlib.suppress(OSError):  # it is gone, and its last event not read yet
                self._inotify.rm_watch(watch)

    def changed(self, watch: int) -> set[Pattern]:
        """Return whose file an event is about: it is to be watched again, as there may be another one."""
        return {self._by_wd.pop(watch)} if watch in self._by_wd else set()
