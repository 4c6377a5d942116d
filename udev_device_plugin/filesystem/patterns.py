"""What `PathWatch` needs of a pattern of paths, and which patterns it watches a directory for.

Pure.
"""

import errno
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EACCES})
"""The errors that say that nothing is there, or nothing for us."""


class PatternElement(Protocol):
    """What is between two slashes of a pattern."""

    @property
    def literal(self) -> str:
        """The one name that it matches; "" if it has metacharacters."""

    def matches(self, name: str) -> bool:
        """Whether it matches a name."""


class Pattern(Protocol):
    """A pattern of absolute paths, hashable; ``selectors.paths.glob.Glob`` is one."""

    @property
    def elements(self) -> Sequence[PatternElement]:
        """Its elements, from the root on."""

    @property
    def literal(self) -> str:
        """The one path that it matches; "" if it has metacharacters."""


@dataclass(slots=True)
class WatchedDirectory:
    """A watched directory.

    Attributes:
        watch: inotify's watch descriptor.
        patterns: for which it is watched, by the one name that they match in it; under "" those with metacharacters.
    """

    watch: int
    patterns: defaultdict[str, set[Pattern]] = field(default_factory=lambda: defaultdict(set))

    def interested_in(self, name: str, depth: int) -> set[Pattern]:
        """Return the patterns whose element ``depth`` matches a name."""
        globs = {glob for glob in self.patterns.get("", ()) if glob.elements[depth].matches(name)}
        return globs | self.patterns.get(name, set())

    def all_interested(self) -> set[Pattern]:
        """Return all patterns that the directory is watched for."""
        return set[Pattern]().union(*self.patterns.values())

    def discard(self, glob: Pattern, depth: int) -> None:
        """Remove ``glob``."""
        name = glob.elements[depth].literal
        self.patterns[name].discard(glob)
        if not self.patterns[name]:
            del self.patterns[name]


@dataclass(slots=True)
class Coverage:
    """The result of the last walk for one pattern: directories on the way, and paths that exist."""

    directories: set[str] = field(default_factory=set)
    found: set[str] = field(default_factory=set)


def join(directory: str, name: str) -> str:
    """Return the path of a name in a directory."""
    return f"{directory.rstrip('/')}/{name}"


def depth_of(directory: str) -> int:
    """Return how many elements a normalised absolute path has."""
    return 0 if directory == "/" else directory.count("/")
