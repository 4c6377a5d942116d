"""Patterns of paths that can be watched, and which of them want which names of one directory.

Pure.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol


class PatternElement(Protocol):
    """What is between two slashes of a pattern."""

    @property
    def is_literal(self) -> bool:
        """Whether it means one name."""

    @property
    def literal(self) -> str:
        """That name."""

    def matches(self, name: str) -> bool:
        """Whether it means a name."""


class Pattern(Protocol):
    """What can be watched: a pattern of absolute paths, hashable; ``selectors.paths.glob.Glob`` is one."""

    @property
    def elements(self) -> Sequence[PatternElement]:
        """Its elements, from the root on."""

    @property
    def literal(self) -> str:
        """The path that it means if it has no metacharacters, else ""."""


@dataclass(slots=True)
class WatchedDirectory:
    """One watched directory: whose watch, and which globs are interested in which names in it."""

    watch: int
    literal: defaultdict[str, set[Pattern]] = field(default_factory=lambda: defaultdict(set))
    patterns: set[Pattern] = field(default_factory=set)

    def interested_in(self, name: str, depth: int) -> set[Pattern]:
        """The patterns whose element ``depth`` matches a name."""
        globs = {glob for glob in self.patterns if glob.elements[depth].matches(name)}
        return globs | self.literal.get(name, set())

    def all_interested(self) -> set[Pattern]:
        """All patterns that the directory is watched for."""
        return self.patterns.union(*self.literal.values())

    def forget(self, glob: Pattern, depth: int) -> bool:
        """Take ``glob`` out; True if nobody is interested any more."""
        self.patterns.discard(glob)
        name = glob.elements[depth].literal
        if glob in self.literal.get(name, ()):
            self.literal[name].discard(glob)
            if not self.literal[name]:
                del self.literal[name]
        return not self.patterns and not self.literal


@dataclass(slots=True)
class Coverage:
    """What the last walk for one glob came upon."""

    directories: set[str] = field(default_factory=set)
    found: set[str] = field(default_factory=set)


def join(directory: str, name: str) -> str:
    """The path of a name in a directory."""
    return f"{directory.rstrip('/')}/{name}"


def depth_of(directory: str) -> int:
    """How many elements a normalised absolute path has."""
    return 0 if directory == "/" else directory.count("/")
