"""What is at paths in ``/dev``, watched by inotify, and read at once, as nothing blocks there.

Host thread only. Watched are the matches of configured globs, the nodes of devices that are selected otherwise, the
targets of all links on the way, and the links that such devices claim.
"""

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence

from udev_device_plugin.filesystem.path_watch import PathWatch
from udev_device_plugin.filesystem.small_files import EXHAUSTED
from udev_device_plugin.host.looks import NotLookedError
from udev_device_plugin.host.model import PathEntry, Unit
from udev_device_plugin.host.path_facts import is_in_dev, leads_outside, links_on_the_way, stat_path
from udev_device_plugin.selectors.paths.glob import Glob, matching

_NONE: frozenset[str] = frozenset()


class DevPaths:
    """The wanted paths in ``/dev``; what ``always`` and ``files`` match is watched whatever is configured.

    Attributes:
        entries: what is at wanted paths, as last looked at.
    """

    def __init__(self, always: Iterable[Glob], files: Sequence[Glob] = ()) -> None:
        self._watch = PathWatch((*always, *files), files=files)
        self._uses: Counter[Glob] = Counter()  # for how many reasons each is watched
        self._configured: frozenset[Glob] = frozenset()
        self._matching = matching(())
        self._nodes: Counter[str] = Counter()
        self._followed: dict[Unit, tuple[frozenset[str], frozenset[str]]] = {}  # nodes and links of a unit
        self._targets: dict[str, frozenset[str]] = {}  # of the links on the way from a path
        self._not_looked: dict[str, NotLookedError] = {}
        self.entries: dict[str, PathEntry] = {}

    def fileno(self) -> int:
        """Return the descriptor that is readable when something has changed."""
        return self._watch.fileno()

    def close(self) -> None:
        """Stop watching."""
        self._watch.close()

    @property
    def failure(self) -> Exception | None:
        """Why more or something else may be there than was found: descriptors or memory were used up."""
        exhausted = (error for error in self._watch.failed.values() if error.errno in EXHAUSTED)
        return next(itertools.chain(exhausted, self._not_looked.values()), None)

    def retry(self) -> set[str]:
        """Try again what failed; returns the paths at which something may have changed, which are to be looked at."""
        changed = set[str](self._not_looked).union(*map(self._watch.retry, list(self._watch.failed)))
        self._not_looked.clear()
        return changed

    def read(self) -> set[str]:
        """Return the watched paths at which something may have changed, and those that lead over them."""
        changed = self._watch.read()
        return changed.union(path for path, targets in self._targets.items() if not targets.isdisjoint(changed))

    def configure(self, globs: Iterable[Glob]) -> None:
        """Watch the matches of these globs from now on, and those of the former ones no longer."""
        before, self._configured = self._configured, frozenset(filter(is_glob_in_dev, globs))
        self._matching = matching(self._configured)
        self._watch_instead(before, self._configured)
        self._forget_unwanted(list(self.entries))

    def follow(self, unit: Unit, nodes: Iterable[str], links: Iterable[str]) -> set[str]:
        """Watch these nodes and claimed links of a unit, and its former ones no longer; the nodes are wanted.

        Returns the nodes that are not wanted any more.
        """
        nodes_before, links_before = self._followed.pop(unit, (_NONE, _NONE))
        now = frozenset(filter(is_in_dev, nodes)), frozenset(filter(is_in_dev, links))
        if any(now):
            self._followed[unit] = now
        self._nodes.update(now[0])
        self._nodes.subtract(nodes_before)
        self._watch_instead(map(Glob.of, nodes_before | links_before), map(Glob.of, now[0] | now[1]))
        return self._forget_unwanted(nodes_before)

    def watch_if(self, is_needed: bool, glob: Glob) -> None:
        """Watch the matches of one more glob, or not any more."""
        if is_needed:
            self._watch.add(glob)
        else:
            self._watch.discard(glob)

    def rescan(self) -> None:
        """Find what inotify may have missed."""
        self._watch.rescan()

    def all_paths(self) -> set[str]:
        """Return all wanted paths at which something is, or was."""
        return {path for path in self._watch.found if self.is_wanted(path)} | self.entries.keys()

    def is_wanted(self, path: str) -> bool:
        """Whether a path is configured, or the node of a selected device."""
        return self._nodes[path] > 0 or bool(self._matching(path))

    def look(self, path: str) -> bool:
        """Look at a wanted path, for ``entries``.

        Returns:
            Whether the path leads out of ``/dev``: it has no entry then, as a look at it may block.
        """
        while self._watch_targets(path):  # it may have changed before the watch was there
            pass
        is_outside = leads_outside(path)
        try:
            entry = None if is_outside else stat_path(path)
        except NotLookedError as error:
            self._not_looked[path] = error
            return False
        if entry is None:
            self.entries.pop(path, None)
        else:
            self.entries[path] = entry
        return is_outside

    def _watch_targets(self, path: str) -> bool:
        """Watch the targets of links on the way; whether something may have changed there unnoticed."""
        before, now = self._targets.pop(path, _NONE), frozenset(filter(is_in_dev, links_on_the_way(path)))
        if now:
            self._targets[path] = now
        return self._watch_instead(map(Glob.of, before), map(Glob.of, now))

    def _watch_instead(self, before: Iterable[Glob], now: Iterable[Glob]) -> bool:
        """Watch other globs for one reason than before; whether a directory is watched that was not."""
        before, now = set(before), set(now)
        self._uses.update(now - before)
        self._uses.subtract(before - now)
        is_new = [self._watch.add(glob) for glob in now - before]
        for glob in before - now:
            if not self._uses[glob]:
                del self._uses[glob]
                self._watch.discard(glob)
        return any(is_new)

    def _forget_unwanted(self, paths: Iterable[str]) -> set[str]:
        unwanted = {path for path in paths if not self.is_wanted(path)}
        for path in unwanted:
            self.entries.pop(path, None)
            self._watch_instead(map(Glob.of, self._targets.pop(path, _NONE)), ())
        return unwanted


def is_glob_in_dev(glob: Glob) -> bool:
    """Whether all that a glob matches is in ``/dev``."""
    return len(glob.elements) > 1 and glob.elements[0].literal == "dev"
