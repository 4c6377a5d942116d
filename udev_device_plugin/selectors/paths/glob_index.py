"""Which of many globs mean a path, remembered: a host has thousands of names, most of which are asked for repeatedly.

Pure; a set belongs to one thread.
"""

from collections.abc import Iterable

from udev_device_plugin.selectors.paths.glob import Glob

MAX_REMEMBERED = 4096
"""Paths whose globs are remembered at a time: names come from the host, and may be ever new ones."""


class GlobSet:
    """Globs to ask together."""

    def __init__(self, globs: Iterable[Glob]) -> None:
        self._globs = tuple(globs)
        self._known: dict[str, frozenset[Glob]] = {}

    def matching(self, path: str) -> frozenset[Glob]:
        """Those that mean an absolute path in its shortest spelling."""
        known = self._known.get(path)
        if known is None:
            if len(self._known) >= MAX_REMEMBERED:
                self._known.clear()
            known = self._known[path] = frozenset(glob for glob in self._globs if glob.matches(path))
        return known
