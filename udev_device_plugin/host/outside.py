"""What stands at the matches of one glob outside of ``/dev``, where a network mount may hang.

All but ``fileno`` runs on a thread of the pool, one call at a time.
"""

from collections.abc import Mapping

from udev_device_plugin.device import PathEntry
from udev_device_plugin.globs import Glob
from udev_device_plugin.host.existence import links_on_the_way, stands_at
from udev_device_plugin.watching import PathWatch


class OutsidePaths:
    """The matches of one glob, with a watch of their own: so none waits for another's mount.

    Args:
        glob: outside of ``/dev``, or a path in it that leads out of it.

    Raises:
        StartError: the kernel gives no inotify instance.
    """

    def __init__(self, glob: Glob) -> None:
        self._glob = glob
        self._watch = PathWatch(())
        self._ends: frozenset[Glob] = frozenset()
        self._is_walked = False

    def fileno(self) -> int:
        """The descriptor that is readable when something has changed."""
        return self._watch.fileno()

    def close(self) -> None:
        """Stop watching."""
        self._watch.close()

    def look(self) -> Mapping[str, PathEntry]:
        """What stands at the matches now.

        Raises:
            NotLookedError: that cannot be said.
        """
        self._watch.read()
        if self._is_walked:
            self._watch.rescan()
        self._is_walked = True
        self._watch.add(self._glob)
        while True:
            paths = sorted(path for path in self._watch.found if self._glob.matches(path))
            ends = frozenset(Glob.of(step) for path in paths for step in links_on_the_way(path, may_block=True))
            for glob in self._ends - ends - {self._glob}:
                self._watch.discard(glob)
            is_new = [self._watch.add(glob) for glob in ends - self._ends]
            self._ends = ends
            if not any(is_new):
                break
        entries = {path: stands_at(path) for path in paths}
        return {path: entry for path, entry in entries.items() if entry is not None}
