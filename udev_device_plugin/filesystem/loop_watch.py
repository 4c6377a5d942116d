"""A `PathWatch` on the event loop, with a callback.

Event loop only.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable

from udev_device_plugin.filesystem.path_watch import PathWatch
from udev_device_plugin.filesystem.patterns import Pattern


class LoopWatch:
    """Watches the matches of globs on the running event loop.

    Args:
        globs: what to watch.
        on_change: called with the watched paths at which something may have changed.

    Raises:
        StartError: the kernel gives no inotify instance.
    """

    def __init__(self, globs: Iterable[Pattern], on_change: Callable[[Collection[str]], None]) -> None:
        self._watch = PathWatch(globs, attributes=True)
        self._on_change = on_change
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._watch.fileno(), self.read)

    @property
    def found(self) -> frozenset[str]:
        """The watched paths that existed at the last event."""
        return self._watch.found

    def close(self) -> None:
        """Stop watching."""
        self._loop.remove_reader(self._watch.fileno())
        self._watch.close()

    def read(self) -> None:
        """Report what has happened by now, rather than when the loop comes to it."""
        if changed := self._watch.read():
            self._on_change(changed)
