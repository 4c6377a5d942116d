"""What stands at paths in ``/dev``: watched by inotify, and looked at on the host thread, as nothing blocks there.

Host thread only. Watched are the configured globs, the nodes of devices that are selected by what they are, the ends of
all links on the way, and links that such devices claim.
"""

from collections import Counter
from collections.abc import Iterable

from udev_device_plugin.filesystem.path_watch import PathWatch
from udev_device_plugin.host.existence import is_in_dev, leads_outside, links_on_the_way, stat_path
from udev_device_plugin.host.model import PathEntry, Unit
from udev_device_plugin.selectors.paths.glob import Glob
from udev_device_plugin.selectors.paths.glob_index import GlobSet

_NOTHING: frozenset[str] = frozenset()


class DevPaths:
    """The paths in ``/dev`` that matter.

    Args:
        always: what is watched whatever is configured: udevd's socket and its database.

    Attributes:
        entries: what stands at configured paths and at nodes of selected devices, as last looked at.
    """

    def __init__(self, always: Iterable[Glob]) -> None:
        self._watch = PathWatch(always)
        self._reasons: Counter[Glob] = Counter()  # how many there are to watch each
        self._globs = GlobSet(())
        self._configured: frozenset[Glob] = frozenset()
        self._nodes: Counter[str] = Counter()
        self._followed: dict[Unit, tuple[frozenset[str], frozenset[str]]] = {}  # its nodes, and what else is watched
        self._ways: dict[str, frozenset[str]] = {}  # the ends of links that a path leads over
        self.entries: dict[str, PathEntry] = {}

    def fileno(self) -> int:
        """The descriptor that is readable when something has changed."""
        return self._watch.fileno()

    def close(self) -> None:
        """Stop watching."""
        self._watch.close()

    def read(self) -> set[str]:
        """The watched paths at which something may have changed, and those that lead over them."""
        changed = self._watch.read()
        return changed.union(path for path, way in self._ways.items() if not way.isdisjoint(changed))

    def configure(self, globs: Iterable[Glob]) -> None:
        """Watch the matches of these globs from now on; what was configured before and is no more is forgotten."""
        before, self._configured = self._configured, frozenset(filter(is_glob_in_dev, globs))
        self._globs = GlobSet(self._configured)
        self._watch_others(before, self._configured)
        self._forget_unwanted(list(self.entries))

    def follow(self, unit: Unit, nodes: Iterable[str], links: Iterable[str]) -> None:
        """For a unit's sake, watch these nodes and claimed links besides, and none that were named for it before.

        The nodes are wanted from now on, and to be looked at.
        """
        nodes_before, links_before = self._followed.pop(unit, (_NOTHING, _NOTHING))
        now = frozenset(filter(is_in_dev, nodes)), frozenset(filter(is_in_dev, links))
        if any(now):
            self._followed[unit] = now
        self._nodes.update(now[0])
        self._nodes.subtract(nodes_before)
        self._watch_others(map(Glob.of, nodes_before | links_before), map(Glob.of, now[0] | now[1]))
        self._forget_unwanted(nodes_before)

    def rescan(self) -> None:
        """Walk everything anew, for what inotify may have missed."""
        self._watch.rescan()

    def all_paths(self) -> set[str]:
        """All paths at which something stands, or stood, that is wanted."""
        return {path for path in self._watch.found if self.is_wanted(path)} | self.entries.keys()

    def is_wanted(self, path: str) -> bool:
        """Whether a path is configured, or a selected device's node."""
        return self._nodes[path] > 0 or bool(self._globs.matching(path))

    def look(self, path: str) -> bool:
        """Look at what stands at a wanted path: ``entries`` says it then.

        Returns:
            Whether the path leads out of ``/dev``: then nothing stands there for all that is known here, and somebody
            who may be kept waiting is to look at it.

        Raises:
            NotLookedError: that cannot be said.
        """
        while self._follow_way(path):  # it may have changed before the watch was there
            pass
        is_outside = leads_outside(path)
        entry = None if is_outside else stat_path(path)
        if entry is None:
            self.entries.pop(path, None)
        else:
            self.entries[path] = entry
        return is_outside

    def _follow_way(self, path: str) -> bool:
        """Watch the ends of the links on the way; whether something may have changed there unnoticed."""
        before, now = self._ways.pop(path, _NOTHING), frozenset(filter(is_in_dev, links_on_the_way(path)))
        if now:
            self._ways[path] = now
        return self._watch_others(map(Glob.of, before - now), map(Glob.of, now - before))

    def _watch_others(self, before: Iterable[Glob], now: Iterable[Glob]) -> bool:
        """For one reason, watch other globs than before; whether there are directories that were not watched."""
        before, now = set(before), set(now)
        self._reasons.update(now - before)
        self._reasons.subtract(before - now)
        is_new = [self._watch.add(glob) for glob in now - before]
        for glob in before - now:
            if not self._reasons[glob]:
                del self._reasons[glob]
                self._watch.discard(glob)
        return any(is_new)

    def _forget_unwanted(self, paths: Iterable[str]) -> None:
        for path in paths:
            if not self.is_wanted(path):
                self.entries.pop(path, None)
                self._watch_others(map(Glob.of, self._ways.pop(path, _NOTHING)), ())


def is_glob_in_dev(glob: Glob) -> bool:
    """Whether all that a glob matches lies in ``/dev``."""
    return len(glob.elements) > 1 and glob.elements[0].literal == "dev"
