"""Watches the content of the configuration file: an editor's rename, a write in place, a ConfigMap's swapped link.

Event loop only. inotify watches the file and each symbolic link that leads to it.
"""

import asyncio
import os
from collections.abc import Callable, Collection, Iterator

from udev_device_plugin.filesystem.loop_watch import LoopWatch
from udev_device_plugin.selectors.paths.glob import Glob

DELAY = 0.1
"""Seconds without a further change after which the file is read: it may be written in several steps."""

_MAX_LINKS = 40
"""The kernel's own limit for the symbolic links to a file."""


class ConfigWatch:
    """Watches one file.

    Args:
        path: absolute.
        content: its bytes when it was read; it may have been written since.
        on_change: called on the loop when its bytes differ from those before, or it cannot be read any more.
    """

    def __init__(self, path: str, content: bytes, on_change: Callable[[], None]) -> None:
        self._path = path
        self._on_change = on_change
        self._content: bytes | None = content
        self._steps: set[Glob] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._watch = LoopWatch((), self._changed, writes=True)
        self._follow()
        if _content(path) != content:
            self._changed(())

    def close(self) -> None:
        """Stop watching."""
        if self._timer is not None:
            self._timer.cancel()
        self._watch.close()

    def _changed(self, paths: Collection[str]) -> None:
        del paths
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(DELAY, self._compare)

    def _compare(self) -> None:
        self._follow()  # before the file is read: a later change is reported
        content = _content(self._path)
        if content != self._content:
            self._content = content
            self._on_change()

    def _follow(self) -> None:
        """Watch the file and its present links."""
        steps = {Glob.of(step) for step in steps_to(self._path)}
        for glob in self._steps - steps:
            self._watch.discard(glob)
        for glob in steps - self._steps:
            self._watch.add(glob)
        self._steps = steps


def steps_to(path: str) -> Iterator[str]:
    """Return each symbolic link in ``path`` and in its targets, then the final path, whether it exists or not."""
    links, here, ahead = 0, "", [element for element in path.split("/") if element]
    while ahead:
        element = ahead.pop(0)
        if element in (".", ".."):
            here = here if element == "." else here.rpartition("/")[0]
            continue
        step = f"{here}/{element}"
        target = _target(step) if links < _MAX_LINKS else None
        if target is not None:
            links += 1
            yield step
            here = "" if target.startswith("/") else here
            ahead = [part for part in target.split("/") if part] + ahead
        else:
            here = step
    yield here or "/"


def _target(path: str) -> str | None:
    """Return the target of a symbolic link; None for anything else."""
    try:
        return os.readlink(path)
    except OSError:
        return None


def _content(path: str) -> bytes | None:
    """Return the bytes of the file; None if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None
