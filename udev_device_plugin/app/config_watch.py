"""Watches the content of the configuration file: an editor's rename, a write in place, a ConfigMap's swapped link.

Event loop only. inotify watches the file and each symbolic link that leads to it. What is there is read on a thread of
its own: it may lie on a mount that does not answer, and whoever can write it may have put anything there.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Collection, Iterator
from functools import partial

from udev_device_plugin.app.off_loop import run_off_loop
from udev_device_plugin.config.yaml_document import MAX_TEXT
from udev_device_plugin.errors import StartError
from udev_device_plugin.filesystem.loop_watch import LoopWatch
from udev_device_plugin.filesystem.small_files import EXHAUSTED, read_regular
from udev_device_plugin.selectors.paths.glob import Glob

logger = logging.getLogger(__name__)

DELAY = 0.1
"""Seconds after a change in which further ones are gathered: the file may be written in several steps."""

RETRY_AFTER = 5.0
"""Seconds until the file is looked at again if there are no descriptors or threads for it."""

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
        self._content: bytes | str = content
        self._steps: set[Glob] = set()
        self._is_changed = asyncio.Event()
        self._is_changed.set()  # perhaps: it was not watched until now
        self._is_failing = False
        self._watch = LoopWatch((), self._note_change, writes=True)

    def close(self) -> None:
        """Stop watching."""
        self._watch.close()

    async def run(self) -> None:
        """Compare the content after each change, until cancelled."""
        while True:
            await self._is_changed.wait()
            await asyncio.sleep(DELAY)
            self._is_changed.clear()
            try:
                await self._compare()
            except StartError as error:
                if not self._is_failing:
                    logger.error("%s: cannot be looked at now, and will be again: %s", self._path, error)  # noqa: TRY400 - a traceback tells no more
                self._is_failing = True
                await asyncio.sleep(RETRY_AFTER)
                self._is_changed.set()
            else:
                self._is_failing = False

    def _note_change(self, paths: Collection[str]) -> None:
        del paths
        self._is_changed.set()

    async def _compare(self) -> None:
        steps = await run_off_loop(lambda: set(map(Glob.of, steps_to(self._path))))
        self._follow(steps)  # before the file is read: a later change is reported
        content = await run_off_loop(partial(_content, self._path))
        if content != self._content:
            self._content = content
            self._on_change()

    def _follow(self, steps: set[Glob]) -> None:
        """Watch the file and its present links."""
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


def _content(path: str) -> bytes | str:
    """Return the bytes of the file; why it cannot be read, if it cannot.

    Raises:
        StartError: there are no descriptors or memory for it now.
    """
    try:
        return read_regular(path, MAX_TEXT)
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno in EXHAUSTED:
            raise StartError(reason) from error
        return reason
