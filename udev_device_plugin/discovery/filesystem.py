"""What stands at the paths that the configuration names: the source that decides existence.

Floor 4; runs on the main loop. It knows nodes that udev does not (``mknod``, directories, sockets), tells at once when
a node goes, and carries the plugin where no udev events can arrive. It looks through inotify's eyes at links, at the
ends of links, and, while udevd still works on a node, at that node's entry in udev's database.
"""

import asyncio
import logging
import os
import re
import stat
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from typing import Literal

from udev_device_plugin.device import DeviceNumber, HostDevice, PathEntry, PathKind, Readiness
from udev_device_plugin.discovery import UDEV_CONTROL, Sink
from udev_device_plugin.discovery.ends import end_of, end_of_dead_link
from udev_device_plugin.discovery.readiness import HOLD_BACK, UDEV_DATA, Waits
from udev_device_plugin.glob_sets import GlobSet
from udev_device_plugin.globs import Glob
from udev_device_plugin.interest import Interest
from udev_device_plugin.metrics import Metrics
from udev_device_plugin.observations import NodeFinished, Observation, PathObserved, PathsResync, PathVanished
from udev_device_plugin.watching import PathWatch

logger = logging.getLogger(__name__)

PATIENCE = 0.005
"""Seconds that what comes may wait where udev's events arrive: they say the same, and more, about this much later."""

IN_A_STORM = 0.05
"""Seconds that it may wait from one of udev's events to the next: nodes come long before udevd gets to them all."""

LONGEST = 1.0
"""Seconds that it may wait in all."""

TEMPORARY = "/.#"
"""How the names begin under which udevd makes links, before it renames them (systemd's ``tempfn_random``)."""

_ENTRY = re.compile(rf"{re.escape(UDEV_DATA)}/([bc])(\d{{1,10}}):(\d{{1,10}})")

_NOTHING: frozenset[str] = frozenset()

_KINDS: dict[int, PathKind] = {
    stat.S_IFCHR: PathKind.NODE,
    stat.S_IFBLK: PathKind.NODE,
    stat.S_IFDIR: PathKind.DIRECTORY,
    stat.S_IFREG: PathKind.FILE,
    stat.S_IFSOCK: PathKind.SOCKET,
}


class FilesystemSource:
    """Watches the paths that are configured, and nodes that it is told of.

    Args:
        interest: what is configured.
        on_udevd: called when udevd's control socket was made or went.
        metrics: counts the complete looks.
    """

    def __init__(self, interest: Interest, on_udevd: Callable[[], None], metrics: Metrics) -> None:
        self._metrics = metrics
        self._glob_set = GlobSet(interest.globs)
        self._interest = interest
        self._hears = False
        self._standing = _standing(interest, hears=False)
        self._nodes: set[str] = set()
        self._on_udevd = on_udevd
        self._entries: dict[str, PathEntry] = {}
        self._looked: dict[str, float] = {}  # at them, and when
        self._followed: dict[str, frozenset[str]] = {}
        self._dependents: defaultdict[str, set[str]] = defaultdict(set)
        self._waits = Waits(self._offer_overdue)
        self._watch: PathWatch | None = None
        self._sink: Sink | None = None

    @property
    def found(self) -> frozenset[str]:
        """The watched paths at which something stands, links that lead nowhere included."""
        return frozenset() if self._watch is None else self._watch.found

    async def run(self, sink: Sink) -> None:
        """Tell ``sink`` everything, then every change, until cancelled."""
        self._sink = sink
        with closing(self._waits), closing(self._watching()) as watch:
            self._watch = watch
            watch.patience = PATIENCE if self._hears else 0.0
            self.rescan()
            self._waits.end_first_look()
            await asyncio.Event().wait()

    def _watching(self) -> PathWatch:
        # Beside udevd's socket a file comes and goes whenever udevd has something to do, for whatever device.
        return PathWatch(self._standing, self._changed, closely={Glob.of(UDEV_CONTROL)})

    def rescan(self) -> None:
        """Look at everything anew."""
        if self._watch is None:
            return
        received = time.monotonic()
        self._watch.rescan()
        paths = {path for path in self._watch.found if self._is_configured(path)}
        self._look(paths | self._entries.keys())
        self._metrics.rescans.labels("filesystem").inc()
        self._tell([PathsResync(tuple(self._entries.values()))], received)

    def heed(self, interest: Interest) -> None:
        """Watch what another configuration asks for; what is new is told at once."""
        self._interest = interest
        self._glob_set = GlobSet(interest.globs)
        before = self._stand()
        if self._watch is None:
            return
        for path in [path for path in self._entries if not self._is_still_configured(path)]:
            self._drop(path)
        self._watch_others(self._watch, before)
        self.rescan()

    def trust(self, hears: bool) -> None:
        """Udev's events arrive, so that they tell all that its database would; or that is uncertain again."""
        self._hears = hears
        before = self._stand()
        if self._watch is not None:
            self._watch.patience = PATIENCE if hears else 0.0
            self._watch_others(self._watch, before)

    def _stand(self) -> frozenset[Glob]:
        """Work out what is watched whatever is there; returns what was so far."""
        before, self._standing = self._standing, _standing(self._interest, hears=self._hears)
        return before

    def _watch_others(self, watch: PathWatch, before: frozenset[Glob]) -> None:
        for glob in before - self._standing:
            self._discard(glob)
        for glob in self._standing - before:
            watch.add(glob)

    def catch_up(self) -> None:
        """Something is heard from udev: what inotify has by now is older than what is seen from now on."""
        if self._watch is not None:
            self._watch.read()

    def follow(self, come: Iterable[str], gone: Iterable[str]) -> list[Observation]:
        """Watch these nodes too, and those no longer.

        Returns:
            What stands at those that come.
        """
        come = tuple(come)
        for path in gone:
            self._nodes.discard(path)
            if path in self._entries and not self._is_still_configured(path):
                self._drop(path)
            self._discard(Glob.of(path))
        self._nodes.update(come)
        if self._watch is not None:
            for path in come:
                self._watch.add(Glob.of(path))
        return self._look(come)

    def _is_still_configured(self, path: str) -> bool:
        return path in self._nodes or bool(self._glob_set.matching(path))

    def _drop(self, path: str) -> None:
        """A path is not configured any more."""
        del self._entries[path]
        self._looked.pop(path, None)
        self._follow(path, frozenset())

    def _discard(self, glob: Glob) -> None:
        """Watch a path no longer, unless there is another reason for it."""
        path = glob.literal
        is_needed = glob in self._standing or path in self._dependents or path in self._nodes
        if self._watch is not None and not is_needed:
            self._watch.discard(glob)

    def look(self, paths: Iterable[str], told: HostDevice | None = None) -> list[Observation]:
        """What changed at ``paths`` since they were last looked at, for an event of udev's, which may be ``told``."""
        if self._watch is not None:
            self._watch.wait_on(IN_A_STORM, LONGEST)  # what is heard of like this needs no look for inotify's sake
        return self._look(paths, told)

    def _look(self, paths: Iterable[str], told: HostDevice | None = None) -> list[Observation]:
        """What changed at ``paths`` since they were last looked at; those that no glob names are passed over."""
        observations: list[Observation] = []
        if self._watch is None:  # before the first look, which will see it all
            return observations
        for path in paths:
            if not self._is_configured(path):
                continue
            self._looked[path] = time.monotonic()
            before, entry = self._entries.get(path), self._examine(path, told)
            if entry is None:
                del self._looked[path]
            if entry == before:
                continue
            if entry is None:
                del self._entries[path]
                observations.append(PathVanished(path))
            else:
                self._entries[path] = entry
                observations.append(PathObserved(entry))
        return observations

    def _is_configured(self, path: str) -> bool:
        return path in self._entries or self._is_still_configured(path)

    def _changed(self, paths: Mapping[str, float]) -> None:
        """Something came or went at watched paths: configured ones, link ends, udev's database entries."""
        received = time.monotonic()
        if UDEV_CONTROL in paths:
            self._on_udevd()
        looked = self._look(self._not_looked_at(paths))
        if _needs_database(self._interest, hears=self._hears):
            finished = (NodeFinished(number) for path in paths if (number := _of_database(path)) is not None)
            looked = [*looked, *finished]
        self._tell(looked, received)

    def _not_looked_at(self, paths: Mapping[str, float]) -> set[str]:
        """What must be looked at for a change at ``paths``: an event of udev's may have led there since."""
        return {
            path
            for changed, when in paths.items()
            if TEMPORARY not in changed or changed in self._entries
            for path in (changed, *self._dependents.get(changed, ()))
            if self._looked.get(path, 0.0) <= when
        }

    def _tell(self, observations: list[Observation], received: float) -> None:
        if observations and self._sink is not None:
            self._sink(observations, received)

    def _examine(self, path: str, told: HostDevice | None) -> PathEntry | None:
        """What stands at ``path`` now, and have watched what that depends on."""
        entry, depends_on = self._examine_once(path, told)
        while self._follow(path, depends_on):  # it may have changed after the look and before the watch
            entry, depends_on = self._examine_once(path, told)
        return entry

    def _examine_once(self, path: str, told: HostDevice | None) -> tuple[PathEntry | None, frozenset[str]]:
        """What stands at ``path`` now, and the paths that this depends on."""
        try:
            status, target = end_of(path)
        except OSError:  # not there, or a link that leads nowhere
            self._forget_node(path)
            return None, end_of_dead_link(path, self._followed.get(path, _NOTHING)) - {path}
        depends_on = _NOTHING if target == path else frozenset((target,))
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), PathKind.OTHER)
        if kind is not PathKind.NODE:
            return PathEntry(path, kind, None, target, status.st_ino), depends_on
        number = _number(status)
        making = self._waits.making(number, status, told)
        if making.readiness is Readiness.AWAITED:
            depends_on |= {f"{UDEV_DATA}/{number}"}
        entry = PathEntry(
            path, kind, number, target, status.st_ino, making.readiness, making.sys_path, making.initialized_at
        )
        return entry, depends_on

    def _follow(self, path: str, depends_on: frozenset[str]) -> bool:
        """Have ``path`` looked at again when something comes or goes at the paths that it depends on.

        Returns:
            Whether something may have come or gone there since they were looked at, unnoticed.
        """
        before, is_new = self._followed.get(path, _NOTHING), False
        if before == depends_on:
            return False
        if depends_on:
            self._followed[path] = depends_on
        else:
            del self._followed[path]
        for other in before - depends_on:
            self._dependents[other].discard(path)
            if not self._dependents[other]:
                del self._dependents[other]
                self._discard(Glob.of(other))
        for other in depends_on - before:
            self._dependents[other].add(path)
            if self._watch is not None and self._watch.add(Glob.of(other)):
                is_new = True
        return is_new

    def _offer_overdue(self, number: DeviceNumber) -> None:
        """The wait for udevd is over."""
        paths = [entry.path for entry in self._entries.values() if entry.number == number]
        if observations := self._look(paths):
            logger.warning("%s: udevd has not announced it within %g s; offered as it is", paths[0], HOLD_BACK)
            self._tell(observations, time.monotonic())

    def _forget_node(self, path: str) -> None:
        entry = self._entries.get(path)
        if entry is not None and entry.number is not None and entry.target == path:
            self._waits.forget(entry.number)


def _standing(interest: Interest, *, hears: bool) -> frozenset[Glob]:
    """What is watched whatever is there: what is configured, udevd's socket, and its database if that is needed."""
    database = (Glob.parse(f"{UDEV_DATA}/[bc]*"),) if _needs_database(interest, hears=hears) else ()
    return frozenset((*interest.globs, Glob.of(UDEV_CONTROL), *database))


def _needs_database(interest: Interest, *, hears: bool) -> bool:
    """Whether devices are asked for by what they are, and no events can tell of those that no configured path names."""
    return bool(interest.of_devices) and not hears


def _of_database(path: str) -> DeviceNumber | None:
    """The node that a file of udev's database is about, ``/run/udev/data/c188:0``; None for another path."""
    match = _ENTRY.fullmatch(path)
    if match is None or not os.path.exists(path):
        return None
    kind: Literal["b", "c"] = "c" if match[1] == "c" else "b"
    return DeviceNumber(kind, int(match[2]), int(match[3]))


def _number(status: os.stat_result) -> DeviceNumber:
    kind: Literal["b", "c"] = "c" if stat.S_ISCHR(status.st_mode) else "b"
    return DeviceNumber(kind, os.major(status.st_rdev), os.minor(status.st_rdev))
