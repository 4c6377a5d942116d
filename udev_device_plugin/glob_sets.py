"""Which of many globs mean a path: looked for by directory, and remembered.

Floor 1: pure; a set belongs to one thread. A host has thousands of names, most of which are looked at again and again.
"""

from collections import defaultdict
from collections.abc import Iterable

from udev_device_plugin.globs import Glob

MAX_REMEMBERED = 4096
"""Paths whose globs are remembered at a time: names come from the host, and may be ever new ones."""


class GlobSet:
    """Globs to ask together."""

    def __init__(self, globs: Iterable[Glob]) -> None:
        self._in_directory: defaultdict[str, list[Glob]] = defaultdict(list)
        self._elsewhere: list[Glob] = []
        for glob in globs:
            self._among(glob).append(glob)
        self._known: dict[str, frozenset[Glob]] = {}

    def _among(self, glob: Glob) -> list[Glob]:
        """Where it is looked for: among those of one directory, if that has no metacharacters."""
        parents = glob.elements[:-1]
        if not all(element.is_literal for element in parents):
            return self._elsewhere
        return self._in_directory["".join(f"/{element.literal}" for element in parents)]

    def matching(self, path: str) -> frozenset[Glob]:
        """Those that mean an absolute path in its shortest spelling."""
        known = self._known.get(path)
        if known is None:
            if len(self._known) >= MAX_REMEMBERED:
                self._known.clear()
            directory = path.rpartition("/")[0]
            candidates = (*self._in_directory.get(directory, ()), *self._elsewhere)
            known = self._known[path] = frozenset(glob for glob in candidates if glob.matches(path))
        return known
