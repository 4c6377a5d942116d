"""Where paths lead: what stands at the end of the links, and where that is.

Floor 4, any thread.
"""

import os
import stat
from collections.abc import Collection


def end_of(path: str) -> tuple[os.stat_result, str]:
    """What stands at the end of a path, and where that is; ``path`` itself unless that is a link.

    The kernel is asked for both: to follow the links ourselves takes four times as long, and each may change meanwhile.
    """
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISLNK(os.lstat(path).st_mode):
            return status, path
        target = os.readlink(f"/proc/self/fd/{descriptor}")
        if not status.st_nlink:  # the kernel says " (deleted)" behind the path
            raise FileNotFoundError(path)
        return status, target
    finally:
        os.close(descriptor)


def end_of_dead_link(path: str, known: Collection[str]) -> frozenset[str]:
    """Where a link leads that leads nowhere now; nothing for no link, or one that goes this very moment.

    Args:
        path: of the link.
        known: where the kernel said that it led, if it was followed before: then most often it still leads there.
    """
    try:
        there = os.path.normpath(os.path.join(os.path.dirname(path), os.readlink(path)))
        return frozenset((there if there in known else os.path.realpath(path),))
    except OSError:  # realpath reads each link after it has seen it
        return frozenset()
