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

    def holds_all(self, paths: Iterable[str]) -> bool:
        """Whether all of these device nodes, or links to such, are there and belong to what is in the port."""
        found = [_sys_path(path) for path in paths]
        return bool(found) and all(path is not None and self.holds(path) for path in found)


def _sys_path(path: str) -> str | None:
    try:
        number = os.stat(path).st_rdev
    except FileNotFoundError:  # unplugged meanwhile
        return None
    return os.path.realpath(f"/sys/dev/char/{os.major(number)}:{os.minor(number)}")
