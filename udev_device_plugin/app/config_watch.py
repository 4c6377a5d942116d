"""Watches the content of the configuration file: an editor's rename, a write in place, a ConfigMap's swapped link.

Event loop only. inotify watches the file and each symbolic link that leads to it. What touches a path runs on a thread
of its own: the file may lie on a mount that does not answer, and anything may have been put there.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator

from udev_device_plugin.app.off_loop import run_off_loop
from udev_device_plugin.app.requests import Requests
from udev_device_plugin.config.yaml_document import MAX_TEXT
from udev_device_plugin.errors import StartError
from udev_device_plugin.filesystem.path_watch import PathWatch
from udev_device_plugin.filesystem.small_files import EXHAUSTED, read_regular
from udev_device_plugin.selectors.paths.glob import Glob

_MAX_LINKS = 40
"""The kernel's own limit for the symbolic links to a file."""


async def watch_config(path: str, content: bytes, on_change: Callable[[], None]) -> None:
    """Watch one file, until cancelled.

    Args:
        path: absolute.
        content: its bytes when it was read; it may have been written since.
        on_change: called on the loop when its bytes differ from those before, or it cannot be read any more.

    Raises:
        StartError: the kernel gives no inotify instance.
    """
    with contextlib.closing(PathWatch((), writes=True)) as watch:
        await _ConfigWatch(path, content, on_change, watch).run()


class _ConfigWatch:
    def __init__(self, path: str, content: bytes, on_change: Callable[[], None], watch: PathWatch) -> None:
        self._path = path
        self._content: bytes | str = content
        self._on_change = on_change
        self._watch = watch  # of one thread at a time
        self._steps: set[Glob] = set()
        self._requests = Requests(self._compare, f"{path}: cannot be looked at now")

    async def run(self) -> None:
        """Compare the content after each change."""
        self._requests.request()  # it was not watched until now
        try:
            await self._requests.run()
        finally:
            self._stop_listening()

    def _note_events(self) -> None:
        self._stop_listening()  # until they are read
        self._requests.request()

    def _stop_listening(self) -> None:
        asyncio.get_running_loop().remove_reader(self._watch.fileno())

    async def _compare(self) -> None:
        self._stop_listening()
        content = await run_off_loop(self._look)
        asyncio.get_running_loop().add_reader(self._watch.fileno(), self._note_events)
        if content != self._content:
            self._content = content
            self._on_change()

    def _look(self) -> bytes | str:
        """Return the bytes of the file, or why it cannot be read. Runs on any thread.

        Raises:
            StartError: there are no descriptors or memory for it now.
        """
        self._watch.read()
        steps = set(map(Glob.of, steps_to(self._path)))  # watched before the file is read: a later change is reported
        for glob in self._steps - steps:
            self._watch.discard(glob)
        for glob in steps - self._steps:
            self._watch.add(glob)
        self._steps = steps
        try:
            return read_regular(self._path, MAX_TEXT)
        except OSError as error:
            reason = error.strerror or str(error)
            if error.errno in EXHAUSTED:
                raise StartError(reason) from error
            return reason


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
