"""Which of many globs mean a path: looked for by directory, and remembered.

Floor 1: pure; a set belongs to one thread. A host has thousands of names, most of which are looked at again and again.
"""

from collections import defaultdict
from collections.abc import Iterable

from udev_device_plugin.selectors.paths.glob import Element, Glob

MAX_REMEMBERED = 4096
"""Paths whose globs are remembered at a time: names come from the host, and may be ever new ones."""


class GlobSet:
    """Globs to ask together."""

    def __init__(self, globs: Iterable[Glob]) -> None:
        self._in_directory: defaultdict[str, list[tuple[Element, Glob]]] = defaultdict(list)
        self._elsewhere: list[Glob] = []
        for glob in globs:
            self._sort_in(glob)
        self._known: dict[str, frozenset[Glob]] = {}

    def _sort_in(self, glob: Glob) -> None:
        """It is looked for among those of one directory, if that has no metacharacters."""
        *parents, last = glob.elements or (None,)
        if last is None or not all(element.is_literal for element in parents):
            self._elsewhere.append(glob)
        else:
            self._in_directory["".join(f"/{element.literal}" for element in parents)].append((last, glob))

    def matching(self, path: str) -> frozenset[Glob]:
        """Those that mean an absolute path in its shortest spelling."""
        known = self._known.get(path)
        if known is None:
            if len(self._known) >= MAX_REMEMBERED:
                self._known.clear()
            directory, _, name = path.rpartition("/")
            here = [glob for last, glob in self._in_directory.get(directory, ()) if name and last.matches(name)]
            known = self._known[path] = frozenset((*here, *(glob for glob in self._elsewhere if glob.matches(path))))
        return known
