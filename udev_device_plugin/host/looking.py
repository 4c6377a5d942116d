"""Turns hints into looks, and looks into one `HostLook` for the event loop.

Host thread only. It blocks on nothing: existence is looked at here (`DevPaths`), descriptions by the pool.
"""

import itertools
import logging
import re
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial

from udev_device_plugin.device import DeviceNumber, HostDevice, Node, NodeState, PathEntry, Unit
from udev_device_plugin.discovery.usb_sticks import usb_device_path
from udev_device_plugin.globs import Glob
from udev_device_plugin.host.everything import everything
from udev_device_plugin.host.existence import inode_at
from udev_device_plugin.host.hints import Hints
from udev_device_plugin.host.looks import HostLook, NodeLook, NotLookedError, UnitLook
from udev_device_plugin.host.memory import HOLD_BACK, Memory
from udev_device_plugin.host.outside import OutsidePaths
from udev_device_plugin.host.paths import DevPaths, is_glob_in_dev
from udev_device_plugin.host.pool import Pool, Result
from udev_device_plugin.host.reader import UDEV_DATA, Reader, unit_of
from udev_device_plugin.host.relevance import is_relevant
from udev_device_plugin.host.udev.delivery_check import DeliveryCheck
from udev_device_plugin.host.udev.monitor import UdevEvent
from udev_device_plugin.interest import Interest

logger = logging.getLogger(__name__)

MAX_BULK = 32
"""Looks under way at a time when everything is looked at: a hint that comes meanwhile has no more before it."""

SLICE = 0.01
"""Seconds for which hints of everything are collected before the descriptors are polled again."""

FIRST_RETRY, LAST_RETRY = 0.1, 30.0
"""Seconds to the next attempt at what could not be looked at, at first and at last."""

_ONCE = frozenset({"add", "remove", "move"})
"""Actions that are seen once in the life of a device: there is nothing to gather, and no storm of them."""

_ENTRY = re.compile(rf"{re.escape(UDEV_DATA)}/([bc])(\d{{1,10}}):(\d{{1,10}})")


class Looking:
    """What is to be looked at, what is being looked at, and what was found and not handed on yet.

    Args:
        paths: what stands at paths in ``/dev``.
        pool: looks at what may block.
        delivery: is told which nodes udev announces.
    """

    def __init__(self, paths: DevPaths, pool: Pool[Reader], delivery: DeliveryCheck) -> None:
        self._paths = paths
        self._pool = pool
        self._delivery = delivery
        self._interest = Interest(frozenset())
        self._has_udevd = True
        self._memory = Memory()
        self._hints = Hints()
        self._outside: dict[Glob, OutsidePaths] = {}
        self._outside_entries: dict[Glob, dict[str, PathEntry]] = {}
        self._everything: Iterator[Unit] | None = None
        self._awaited: set[Hashable] = set()  # of everything, what has not been looked at yet
        self._retries: dict[Hashable, float] = {}
        self._changed_paths: dict[str, PathEntry | None] = {}
        self._changed_units: set[Unit] = set()
        self._received = float("inf")
        self._is_completed = False

    @property
    def outside(self) -> dict[int, Glob]:
        """The watches of globs outside of ``/dev``, by descriptor, but those that are being looked at."""
        looking = self._hints.is_looking
        return {paths.fileno(): glob for glob, paths in self._outside.items() if not looking(glob)}

    def begin(self, interest: Interest, now: float, *, has_udevd: bool) -> None:
        """Look at everything for ``interest``; a monitor has begun before."""
        self._interest, self._has_udevd = interest, has_udevd
        self._paths.configure(interest.globs)
        self._paths.rescan()
        self._configure_outside(now)
        self._everything = everything(self._memory.units, self._numbers())
        self._awaited = set(self._outside)
        self._is_completed = False
        self._look_at_paths(self._paths.all_paths(), now)

    # Hints.

    def take_event(self, event: UdevEvent, now: float) -> None:
        """One of udev's events has arrived."""
        self._delivery.received(event.number, event.action)
        usb_device = usb_device_path(event.sys_path)
        if event.number is not None and (usb_device or is_relevant(event, self._interest, self._memory)):
            self.hint(event.number, now, is_urgent=event.action in _ONCE)
            for link in event.devlinks.split():
                self._hint_claimants(link, now)
        for path in filter(None, (usb_device, usb_device_path(event.former_path))):
            is_urgent = event.number is not None and event.action in _ONCE
            self._hints.add(path, now, is_finished=self._memory.is_finished(path), is_urgent=is_urgent)

    def take_paths(self, changed: Iterable[str], now: float) -> None:
        """Something may have changed at these watched paths."""
        for path in changed:
            if (entry := _ENTRY.fullmatch(path)) is not None:
                self.hint(DeviceNumber("c" if entry[1] == "c" else "b", int(entry[2]), int(entry[3])), now)
            else:
                self._hint_claimants(path, now)
        self._look_at_paths(changed, now)

    def hint(self, number: DeviceNumber, now: float, *, is_urgent: bool = False) -> None:
        """Something may have changed about a node, or about what had its number."""
        node = self._memory.node(number)
        for unit in {unit_of(number), *([] if node is None else [node.unit])}:
            is_finished = node is not None and self._memory.is_finished(unit)
            self._hints.add(unit, now, is_finished=is_finished, is_urgent=is_urgent)

    def hint_outside(self, glob: Glob, now: float) -> None:
        """Something may have changed at a glob's matches outside of ``/dev``."""
        self._hints.add(glob, now, is_finished=False)

    def _hint_claimants(self, link: str, now: float) -> None:
        for number in self._memory.sharing.claiming(link):
            self.hint(number, now)

    # Looks.

    def work(self, now: float) -> None:
        """Begin what is due."""
        self._collect_everything(now)
        for subject in self._hints.begin_due(now):
            if isinstance(subject, Glob):
                if (paths := self._outside.get(subject)) is not None:
                    self._pool.submit(subject, partial(_look_outside, paths))
                else:  # it is not configured any more
                    self._hints.end(subject)
            elif isinstance(subject, str | DeviceNumber):
                overdue = self._memory.overdue(subject, now) if self._has_udevd else None
                self._pool.submit(subject, partial(_look_at_unit, subject, self._interest, overdue))

    def _collect_everything(self, now: float) -> None:
        while self._everything is not None and self._hints.waiting < MAX_BULK:
            unit = next(self._everything, None)
            if unit is None:
                self._everything = None
            elif unit not in self._awaited:
                self._awaited.add(unit)
                self._hints.add_at(unit, now, now)

    def next_due(self, now: float) -> float | None:
        """In how many seconds there is something to begin; None: not before the next hint."""
        if self._everything is not None and self._hints.waiting < MAX_BULK:
            return 0.0
        due = self._hints.next_due
        return None if due is None else max(0.0, due - now)

    def take_result(self, result: Result, now: float) -> None:
        """A look of the pool's is over.

        Raises:
            Exception: it failed, and would again.
        """
        received = self._hints.end(result.key)
        if not self._hints.is_waiting(result.key):
            self._awaited.discard(result.key)
        if isinstance(result.error, NotLookedError | OSError):
            self._retry(result.key, result.error, now)
            return
        if result.error is not None:
            raise result.error
        if self._retries.pop(result.key, None) is not None:
            logger.info("%s: could be looked at now", result.key)
        if isinstance(result.outcome, UnitLook):
            self._take_unit(result.outcome, received, now)
        elif isinstance(result.key, Glob) and isinstance(result.outcome, dict):
            self._take_outside(result.key, result.outcome, received)

    def _retry(self, subject: Hashable, error: Exception, now: float) -> None:
        pause = self._retries.get(subject, 0.0)
        if not pause:
            logger.error("%s: could not be looked at, and what was known of it stays: %s", subject, error)
        self._retries[subject] = pause = min(max(2 * pause, FIRST_RETRY), LAST_RETRY)
        self._hints.add_at(subject, now + pause, now)

    def _take_unit(self, look: UnitLook, received: float, now: float) -> None:
        before = self._memory.nodes(look.unit)
        if (nodes := _worth_knowing(look)) != look.nodes:
            look = replace(look, nodes=nodes)
        is_named = not nodes and look.unit in self._numbers()
        changed = {*self._memory.take_in(look, now, has_udevd=self._has_udevd, is_named=is_named)}
        after = self._memory.nodes(look.unit)
        self._follow(look.unit, after)
        described = [node.description for node in (*before, *after) if node.description is not None]
        if before != after or changed - {look.unit}:
            self._changed(changed, received)
            self._note_progress(before, after, now)
            self._look_again(look.unit, described, now)
        self._look_at_paths({name for device in described if device.is_wanted for name in device.names}, received)
        if (deadline := self._memory.deadline(look.unit)) is not None:
            self._hints.add_at(look.unit, max(deadline, now), now)
        if not after:
            self._hints.forget(look.unit)

    def _look_again(self, unit: Unit, described: Iterable[HostDevice], now: float) -> None:
        """See whether those are still there who share something with a unit that changed, and look at them again."""
        for number in {one for device in described for one in self._memory.sharing.sharing_with(device)}:
            node = self._memory.node(number)
            if node is not None and node.unit != unit:
                self._check_presence(node, now)
                self.hint(number, now)

    def _check_presence(self, node: Node, now: float) -> bool:
        """Forget a node at once if it is gone, or made anew, and say so; what it is now, a look will tell."""
        if not node.inode or inode_at(node.devnode) == node.inode:
            return False
        self._memory.lose(node.number)
        self._changed({node.unit}, now)
        self._follow(node.unit, self._memory.nodes(node.unit))
        return True

    def _follow(self, unit: Unit, nodes: Iterable[Node]) -> None:
        wanted = [node.description for node in nodes if node.description is not None and node.description.is_wanted]
        selected = [device for device in wanted if self._interest.selects(device)]
        self._paths.follow(
            unit,
            {device.devnode for device in selected},
            {link for device in wanted for link in device.devlinks},
        )

    def _note_progress(self, before: Iterable[Node], after: Collection[Node], now: float) -> None:
        """Have it known what udevd is done with, and what it has not got to in time."""
        was = {(node.number, node.inode): node.state for node in before}
        for number in {node.number for node in before} - {node.number for node in after}:
            self._delivery.gone(number)
        for node in after:
            if self._memory.is_first_look or node.state is was.get((node.number, node.inode)):
                continue
            if node.state is NodeState.FINISHED:
                self._delivery.finished(node.number, now)
            if node.state is NodeState.OVERDUE and self._has_udevd and node.description and node.description.is_wanted:
                logger.warning("%s: udevd has not announced it within %g s; offered as it is", node.devnode, HOLD_BACK)

    # Paths.

    def _numbers(self) -> set[DeviceNumber]:
        """The numbers of all nodes at paths."""
        entries = itertools.chain(self._paths.entries.values(), *map(dict.values, self._outside_entries.values()))
        return {entry.number for entry in entries if entry.number is not None}

    def _look_at_paths(self, paths: Iterable[str], received: float) -> None:
        paths = set(paths)
        numbers = self._paths.numbers_at(paths)
        try:
            looked, outside = self._paths.look(paths)
        except NotLookedError as error:
            logger.error("%s", error)  # noqa: TRY400 - a traceback tells a person no more
            return
        for path in outside:
            self._add_outside(Glob.of(path), received)
        if looked:
            self._paths_changed(looked, numbers, received)

    def _paths_changed(
        self, looked: Mapping[str, PathEntry | None], numbers: set[DeviceNumber], received: float
    ) -> None:
        self._changed_paths.update(looked)
        self._received = min(self._received, received)
        now_at = {entry.number for entry in looked.values() if entry is not None and entry.number is not None}
        for number in numbers | now_at:
            node = self._memory.node(number)
            is_gone = node is not None and self._check_presence(node, received)
            self.hint(number, received, is_urgent=is_gone)

    def _configure_outside(self, now: float) -> None:
        globs = {glob for glob in self._interest.globs if not is_glob_in_dev(glob)}
        for glob in [glob for glob in self._outside if glob not in globs]:
            self._outside_entries.pop(glob, None)
            paths = self._outside.pop(glob)
            if not self._hints.is_looking(glob):  # else its descriptors last as long as the look
                paths.close()
        for glob in globs:
            self._add_outside(glob, now)

    def _add_outside(self, glob: Glob, now: float) -> None:
        if glob not in self._outside:
            self._outside[glob] = OutsidePaths(glob)
        self.hint_outside(glob, now)

    def _take_outside(self, glob: Glob, found: dict[str, PathEntry], received: float) -> None:
        if glob not in self._outside:
            return
        before = self._outside_entries.get(glob, {})
        self._outside_entries[glob] = found
        changed: dict[str, PathEntry | None] = dict.fromkeys(before.keys() - found.keys())
        changed |= {path: entry for path, entry in found.items() if before.get(path) != entry}
        if changed:
            numbers = {entry.number for entry in before.values() if entry.path in changed and entry.number is not None}
            self._paths_changed(changed, numbers, received)

    # What came of it.

    def _changed(self, units: Iterable[Unit], received: float) -> None:
        self._changed_units.update(units)
        self._received = min(self._received, received)

    def take_look(self) -> HostLook | None:
        """What was found since this was last called; None if nothing."""
        is_complete = self._everything is None and not self._is_completed and self._awaited <= self._pool.stuck
        if not (self._changed_paths or self._changed_units or is_complete):
            return None
        if is_complete:
            self._is_completed, self._memory.is_first_look = True, False
        look = HostLook(
            self._changed_paths,
            {unit: self._memory.nodes(unit) for unit in self._changed_units},
            self._received,
            self._interest.number if is_complete else None,
        )
        self._changed_paths, self._changed_units, self._received = {}, set(), float("inf")
        return look


def _look_at_unit(unit: Unit, interest: Interest, overdue: Collection[DeviceNumber] | None, reader: Reader) -> UnitLook:
    return reader.look(unit, interest, overdue)


def _look_outside(paths: OutsidePaths, _: Reader) -> Mapping[str, PathEntry]:
    return paths.look()


def _worth_knowing(look: UnitLook) -> tuple[NodeLook, ...]:
    """Without a node that nobody asks for, that claims no link and belongs to no USB device: most of a host's."""
    if isinstance(look.unit, str):
        return look.nodes
    return tuple(
        node
        for node in look.nodes
        if node.description is None or node.description.is_wanted or node.description.devlinks
    )
