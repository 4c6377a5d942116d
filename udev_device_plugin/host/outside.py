"""What is at the matches of globs outside of ``/dev``, where a network mount may block.

`OutsideGlobs` is the host thread's; a look at one of them runs on a thread of the pool, one at a time.
"""

from collections.abc import Callable, Iterable

from udev_device_plugin.errors import StartError
from udev_device_plugin.filesystem.path_watch import PathWatch
from udev_device_plugin.host.dev_paths import is_glob_in_dev
from udev_device_plugin.host.looks import NotLookedError
from udev_device_plugin.host.model import PathEntries
from udev_device_plugin.host.path_facts import links_on_the_way, stat_path
from udev_device_plugin.selectors.paths.glob import Glob


class OutsidePaths:
    """The matches of a glob outside of ``/dev``, or of a path that leads out of it.

    Each has its own watch, so that none waits for another's mount.
    """

    def __init__(self, glob: Glob) -> None:
        self._glob = glob
        self._watch: PathWatch | None = None
        self._targets: frozenset[Glob] = frozenset()

    def fileno(self) -> int | None:
        """Return the descriptor that is readable when something has changed; None before the first look."""
        return None if self._watch is None else self._watch.fileno()

    def close(self) -> None:
        """Stop watching."""
        if self._watch is not None:
            self._watch.close()

    def look(self) -> PathEntries:
        """Return what is at the matches now; None where a link leads nowhere.

        Raises:
            NotLookedError: that is not known.
        """
        watch = self._rescanned_watch()
        while True:
            paths = sorted(path for path in watch.found if self._glob.matches(path))
            steps = {step for path in paths for step in links_on_the_way(path, may_block=True)}
            before, self._targets = self._targets, frozenset(map(Glob.of, steps))
            for glob in before - self._targets - {self._glob}:
                watch.discard(glob)
            is_new = [watch.add(glob) for glob in self._targets - before]
            if not any(is_new):  # else it may have changed before the watch was there
                break
        if (error := next(iter(watch.failed.values()), None)) is not None:
            raise NotLookedError(f"{error.filename or self._glob}: {error.strerror}")
        return {path: stat_path(path) for path in paths}

    def _rescanned_watch(self) -> PathWatch:
        if self._watch is None:
            try:  # not earlier: that there is no descriptor now must neither end the process nor refuse a reload
                self._watch = PathWatch((self._glob,), attributes=True)
            except StartError as error:
                raise NotLookedError(str(error)) from error
        else:
            self._watch.read()
            self._watch.rescan()
        return self._watch


class OutsideGlobs:
    """The globs outside of ``/dev``.

    Attributes:
        paths: the matches of each.
        found: what was at them at the last look.
    """

    def __init__(self) -> None:
        self.paths: dict[Glob, OutsidePaths] = {}
        self.found: dict[Glob, PathEntries] = {}

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
