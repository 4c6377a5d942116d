"""Which of many globs match a path. Pure; any thread."""

from collections.abc import Iterable
from functools import lru_cache

from udev_device_plugin.selectors.paths.glob import Glob

MAX_CACHED = 4096
"""Cached paths: a host has thousands, most of which are looked up repeatedly, and there may always be new ones."""


class GlobSet:
    """Globs that are matched together."""

    def __init__(self, globs: Iterable[Glob]) -> None:
        self._globs = tuple(globs)
        self._cached = lru_cache(MAX_CACHED)(self._matching)

    def matching(self, path: str) -> frozenset[Glob]:
        """Return those that match an absolute path in its shortest spelling."""
        return self._cached(path)

    def _matching(self, path: str) -> frozenset[Glob]:
        return frozenset(glob for glob in self._globs if glob.matches(path))
