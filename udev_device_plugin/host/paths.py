"""What stands at paths in ``/dev``: watched by inotify, and looked at on the host thread, as nothing blocks there.

Host thread only. Watched are the configured globs, the nodes of devices that are selected by what they are, the ends of
all links on the way, and links that such devices claim.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from udev_device_plugin.device import DeviceNumber, PathEntry, Unit
from udev_device_plugin.glob_sets import GlobSet
from udev_device_plugin.globs import Glob
from udev_device_plugin.host.existence import is_in_dev, leads_outside, links_on_the_way, stands_at
from udev_device_plugin.watching import PathWatch

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
        self._globs = GlobSet(())
        self._configured: frozenset[Glob] = frozenset()
        self._nodes: Counter[str] = Counter()
        self._watched: Counter[str] = Counter()
        self._followed: dict[Unit, tuple[frozenset[str], frozenset[str]]] = {}
        self._ways: dict[str, frozenset[str]] = {}
        self._led_over: defaultdict[str, set[str]] = defaultdict(set)
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
        return changed.union(*(self._led_over.get(path, ()) for path in changed))

    def configure(self, globs: Iterable[Glob]) -> set[str]:
        """Watch the matches of these globs from now on; returns the paths that are not configured any more."""
        before, self._configured = self._configured, frozenset(filter(is_glob_in_dev, globs))
        self._globs = GlobSet(self._configured)
        gone = {path for path in self.entries if not self.is_wanted(path)}
        for path in gone:
            self._drop(path)
        for glob in self._configured - before:
            self._watch.add(glob)
        for glob in before - self._configured:
            self._discard(glob)
        return gone

    def follow(self, unit: Unit, nodes: Iterable[str], links: Iterable[str]) -> set[str]:
        """For a unit's sake, watch these nodes and claimed links besides, and none that were named for it before.

        The nodes are wanted from now on, and to be looked at; returns those that are not wanted any more.
        """
        before, before_nodes = self._followed.get(unit, (_NOTHING, _NOTHING))
        now_nodes = frozenset(filter(is_in_dev, nodes))
        now = now_nodes.union(filter(is_in_dev, links))
        if (now, now_nodes) == (before, before_nodes):
            return set()
        if now:
            self._followed[unit] = now, now_nodes
        else:
            self._followed.pop(unit, None)
        self._nodes.update(now_nodes - before_nodes)
        self._nodes.subtract(before_nodes - now_nodes)
        self._watched.update(now - before)
        self._watched.subtract(before - now)
        for path in now - before:
            self._watch.add(Glob.of(path))
        for path in before - now:
            self._discard(Glob.of(path))
        gone = {path for path in before_nodes - now_nodes if not self.is_wanted(path)}
        for path in gone:
            self._drop(path)
        return gone

    def rescan(self) -> None:
        """Walk everything anew, for what inotify may have missed."""
        self._watch.rescan()

    def all_paths(self) -> set[str]:
        """All paths at which something stands, or stood, that is wanted."""
        return {path for path in self._watch.found if self.is_wanted(path)} | self.entries.keys()

    def is_wanted(self, path: str) -> bool:
        """Whether a path is configured, or a selected device's node."""
        return self._nodes[path] > 0 or bool(self._globs.matching(path))

    def look(self, paths: Iterable[str]) -> tuple[Mapping[str, PathEntry | None], frozenset[str]]:
        """Look at what stands at those of these paths that are wanted.

        Returns:
            What is another now than at the last look; and the paths that lead out of ``/dev``, to be looked at by
            somebody who may be kept waiting.

        Raises:
            NotLookedError: that cannot be said.
        """
        changed: dict[str, PathEntry | None] = {}
        outside = set()
        for path in paths:
            if not self.is_wanted(path):
                continue
            while self._follow_way(path):  # it may have changed before the watch was there
                pass
            if leads_outside(path):
                outside.add(path)
                self.entries.pop(path, None)
                continue
            entry = stands_at(path)
            if entry != self.entries.get(path):
                changed[path] = entry
            if entry is None:
                self.entries.pop(path, None)
            else:
                self.entries[path] = entry
        return changed, frozenset(outside)

    def numbers_at(self, paths: Iterable[str]) -> set[DeviceNumber]:
        """The numbers of the nodes that stand at these paths, as last looked at."""
        entries = (self.entries.get(path) for path in paths)
        return {entry.number for entry in entries if entry is not None and entry.number is not None}

    def _follow_way(self, path: str) -> bool:
        """Watch the ends of the links on the way; whether something may have changed there unnoticed."""
        before = self._ways.get(path, _NOTHING)
        way = frozenset(filter(is_in_dev, links_on_the_way(path)))
        if way == before:
            return False
        self._leave_way(path)
        if way:
            self._ways[path] = way
        is_new = False
        for step in way:
            self._led_over[step].add(path)
            is_new |= self._watch.add(Glob.of(step))
        return is_new

    def _leave_way(self, path: str) -> None:
        for step in self._ways.pop(path, _NOTHING):
            self._led_over[step].discard(path)
            if not self._led_over[step]:
                del self._led_over[step]
                self._discard(Glob.of(step))

    def _drop(self, path: str) -> None:
        """A path is not wanted any more."""
        self.entries.pop(path, None)
        self._leave_way(path)

    def _discard(self, glob: Glob) -> None:
        """Watch a path no longer, unless there is another reason for it."""
        path = glob.literal
        is_needed = path in self._led_over or self._watched[path] > 0
        if glob not in self._configured and not is_needed:
            self._watch.discard(glob)


def is_glob_in_dev(glob: Glob) -> bool:
    """Whether all that a glob matches lies in ``/dev``."""
    return len(glob.elements) > 1 and glob.elements[0].literal == "dev"
