"""What stands at the matches of globs outside of ``/dev``, where a network mount may hang.

`OutsideGlobs` is the host thread's; a look at one of them runs on a thread of the pool, one at a time.
"""

from collections.abc import Callable, Iterable, Mapping

from udev_device_plugin.errors import StartError
from udev_device_plugin.filesystem.path_watch import PathWatch
from udev_device_plugin.host.existence import links_on_the_way, stat_path
from udev_device_plugin.host.looks import NotLookedError
from udev_device_plugin.host.model import PathEntry
from udev_device_plugin.host.paths import is_glob_in_dev
from udev_device_plugin.selectors.paths.glob import Glob


class OutsidePaths:
    """The matches of one glob, with a watch of their own: so none waits for another's mount.

    Args:
        glob: outside of ``/dev``, or a path in it that leads out of it.
    """

    def __init__(self, glob: Glob) -> None:
        self._glob = glob
        self._watch: PathWatch | None = None
        self._ends: frozenset[Glob] = frozenset()

    def fileno(self) -> int | None:
        """The descriptor that is readable when something has changed; None before the first look."""
        return None if self._watch is None else self._watch.fileno()

    def close(self) -> None:
        """Stop watching."""
        if self._watch is not None:
            self._watch.close()

    def look(self) -> Mapping[str, PathEntry]:
        """What stands at the matches now.

        Raises:
            NotLookedError: that cannot be said.
        """
        watch = self._watched_anew()
        while True:
            paths = sorted(path for path in watch.found if self._glob.matches(path))
            ends = frozenset(Glob.of(step) for path in paths for step in links_on_the_way(path, may_block=True))
            for glob in self._ends - ends - {self._glob}:
                watch.discard(glob)
            is_new = [watch.add(glob) for glob in ends - self._ends]
            self._ends = ends
            if not any(is_new):
                break
        if (error := watch.error) is not None:
            raise NotLookedError(f"{error.filename or self._glob}: {error.strerror}")
        entries = {path: stat_path(path) for path in paths}
        return {path: entry for path, entry in entries.items() if entry is not None}

    def _watched_anew(self) -> PathWatch:
        if self._watch is None:
            try:  # here, as there may be no descriptor for it now: that is no reason to end, nor to refuse a reload
                self._watch = PathWatch((self._glob,))
            except StartError as error:
                raise NotLookedError(str(error)) from error
        else:
            self._watch.read()
            self._watch.rescan()
        return self._watch


class OutsideGlobs:
    """The globs outside of ``/dev``, and what stood at their matches when they were last looked at.

    Attributes:
        paths: each with its watch.
        found: what was found for it.
    """

    def __init__(self) -> None:
        self.paths: dict[Glob, OutsidePaths] = {}
        self.found: dict[Glob, Mapping[str, PathEntry]] = {}

    def configure(
        self, globs: Iterable[Glob], is_wanted: Callable[[str], bool], is_looking: Callable[[Glob], bool]
    ) -> None:
        """Have those of these globs that lie outside, and no others but paths in ``/dev`` that are still wanted."""
        wanted = {glob for glob in globs if not is_glob_in_dev(glob)}
        wanted |= {glob for glob in self.paths if is_glob_in_dev(glob) and is_wanted(glob.literal)}
        for glob in self.paths.keys() - wanted:
            self.found.pop(glob, None)
            paths = self.paths.pop(glob)
            if not is_looking(glob):  # else its descriptor lasts as long as the look
                paths.close()
        for glob in wanted:
            self.add(glob)

    def add(self, glob: Glob) -> None:
        """Have one more."""
        self.paths.setdefault(glob, OutsidePaths(glob))
