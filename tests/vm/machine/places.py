"""Where in the machine devices are plugged in, by sysfs: so a story knows its own among all that are plugged."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A port.

    Args:
        pattern: a regular expression for the part of a sysfs path that names the port.
    """

    pattern: str

    def holds(self, sys_path: str) -> bool:
        """Whether this is the device in the port, or a part of it."""
        return re.search(f"{self.pattern}(/|$)", sys_path) is not None

    def among(self, links: Iterable[str]) -> list[str]:
        """Those of the links in sysfs that lead to the device in the port, or to a part of it; resolved."""
        return [path for link in links if (path := _resolved(link)) is not None and self.holds(path)]

    def holds_all(self, paths: Iterable[str]) -> bool:
        """Whether all of these device nodes, or links to such, are there and belong to what is in the port."""
        found = [_sys_path(path) for path in paths]
        return bool(found) and all(path is not None and self.holds(path) for path in found)


def _sys_path(path: str) -> str | None:
    try:
        number = os.stat(path).st_rdev
    except FileNotFoundError:  # unplugged meanwhile
        return None
    return _resolved(f"/sys/dev/char/{os.major(number)}:{os.minor(number)}")


def _resolved(link: str) -> str | None:
    """Where a link in sysfs leads; None if it is gone: other stories pull their devices meanwhile."""
    try:
        return os.path.realpath(link, strict=True)
    except FileNotFoundError:
        return None
