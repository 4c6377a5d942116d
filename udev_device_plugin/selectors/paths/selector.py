"""Selects paths, and explains why one is not offered. Pure; any thread."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from udev_device_plugin.selectors.kind import MatchFacts, SelectorKind
from udev_device_plugin.selectors.mismatch import NearMiss, NearMisses, bounded
from udev_device_plugin.selectors.paths.glob import Glob


@dataclass(frozen=True, slots=True)
class PathSelector(SelectorKind):
    """Selects what exists at the paths that a glob matches, whatever udev says about it."""

    glob: Glob

    kind: ClassVar[str] = "path"

    def __str__(self) -> str:
        return self.glob.text

    @property
    def is_literal(self) -> bool:
        """Whether it names one path."""
        return self.glob.is_literal

    @property
    def globs(self) -> tuple[Glob, ...]:
        """The glob."""
        return (self.glob,)

    def mismatches(self, facts: MatchFacts) -> tuple[NearMisses, str]:
        """Return what matches and is not offered, and why; and a remark if there is nothing."""
        dead_links = sorted(filter(self.glob.matches, facts.dead_links))
        misses = [
            *self._twins(facts),
            *(NearMiss(path, "is a link that leads nowhere") for path in dead_links),
            *facts.not_offered(),
        ]
        remark = "nothing stands there" if self.is_literal else "no path matches"
        return bounded(misses), "" if misses else remark

    def _twins(self, facts: MatchFacts) -> Iterator[NearMiss]:
        """Devices that claim a link that the glob matches, where it leads to another one."""
        if self.is_literal and not facts.is_there(self.glob.literal):
            return
        for devnode, link, target in facts.lost_links():
            if self.glob.matches(link):
                kind = next((f"{kind} " for kind in ("by-id", "by-path") if f"/{kind}/" in link), "")
                other = target.removeprefix("/dev/")
                yield NearMiss(devnode, f"twin of {other}: same {kind}link, which leads to {other}: {link}")
