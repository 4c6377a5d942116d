"""What stands at paths, by path, by node and by the globs that match.

Floor 3, pure. Runs on the main loop, as the part of the ``inventory`` that the filesystem tells of.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from udev_device_plugin.device import DeviceNumber, PathEntry
from udev_device_plugin.glob_sets import GlobSet
from udev_device_plugin.globs import Glob


class PathEntries:
    """The entries at the paths that match one of ``globs``, and at those that were asked for by name."""

    def __init__(self, globs: Iterable[Glob]) -> None:
        self.by_path: dict[str, PathEntry] = {}
        self.paths: defaultdict[DeviceNumber, set[str]] = defaultdict(set)
        self._matches: dict[Glob, dict[str, PathEntry]] = {glob: {} for glob in globs}
        self._globs = GlobSet(self._matches)

    def matches(self, glob: Glob) -> Mapping[str, PathEntry]:
        """What stands at the paths that ``glob`` matches."""
        return self._matches[glob]

    def select(self, globs: Collection[Glob]) -> None:
        """Match these globs from now on; what stands at no match of theirs stays for as long as it is not dropped."""
        self._matches = {
            glob: self._matches.get(glob) or {path: entry for path, entry in self.by_path.items() if glob.matches(path)}
            for glob in globs
        }
        self._globs = GlobSet(self._matches)

    def globs_of(self, path: str) -> frozenset[Glob]:
        """Which globs match a path."""
        return self._globs.matching(path)

    def globs_at(self, numbers: Iterable[DeviceNumber]) -> frozenset[Glob]:
        """Which globs match a name of one of these nodes."""
        paths = (path for number in numbers for path in self.paths.get(number, ()))
        return frozenset[Glob]().union(*map(self.globs_of, paths))

    def put(self, entry: PathEntry, globs: Iterable[Glob]) -> None:
        """Have an entry, which these globs match."""
        self._unlist(self.by_path.get(entry.path))
        self.by_path[entry.path] = entry
        for glob in globs:
            self._matches[glob][entry.path] = entry
        if entry.number is not None:
            self.paths[entry.number].add(entry.path)

    def drop(self, path: str) -> frozenset[Glob]:
        """Have nothing at a path any more; tells which globs matched it."""
        self._unlist(self.by_path.pop(path, None))
        return frozenset(glob for glob, matches in self._matches.items() if matches.pop(path, None))

    def _unlist(self, entry: PathEntry | None) -> None:
        if entry is not None and entry.number is not None:
            self.paths[entry.number].discard(entry.path)
            if not self.paths[entry.number]:
                del self.paths[entry.number]
