"""Turns hints into looks, and looks into one `HostLook` for the event loop.

Host thread only. It blocks on nothing: existence is looked at here (`DevPaths`), descriptions by the pool.
"""

import itertools
import logging
from collections.abc import Hashable, Iterable, Iterator, Mapping
from operator import methodcaller

from udev_device_plugin.device import DeviceNumber, HostDevice, Node, PathEntry, Unit
from udev_device_plugin.discovery.usb_sticks import usb_device_path
from udev_device_plugin.errors import StartError
from udev_device_plugin.globs import Glob
from udev_device_plugin.host.everything import FullLook, everything
from udev_device_plugin.host.existence import inode_at, is_in_dev
from udev_device_plugin.host.findings import Findings
from udev_device_plugin.host.hints import Hints
from udev_device_plugin.host.looks import HostLook, NotLookedError, UnitLook
from udev_device_plugin.host.memory import Memory
from udev_device_plugin.host.outside import OutsideGlobs
from udev_device_plugin.host.paths import DevPaths, is_glob_in_dev
from udev_device_plugin.host.pool import Pool, Result
from udev_device_plugin.host.reader import Reader, number_of_entry, sysfs_path, unit_of
from udev_device_plugin.host.relevance import is_relevant
from udev_device_plugin.host.udev.delivery_check import DeliveryCheck
from udev_device_plugin.host.udev.monitor import UdevEvent
from udev_device_plugin.interest import Interest

logger = logging.getLogger(__name__)

MAX_BULK = 32
"""Looks under way at a time when everything is looked at: a hint that comes meanwhile has no more before it."""

_ONCE = frozenset({"add", "remove", "move"})
"""Actions that are seen once in the life of a device: there is nothing to gather, and no storm of them."""


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
        self._interest, self._has_udevd = Interest(frozenset()), True
        self._memory = Memory()
        self._hints = Hints()
        self._outside = OutsideGlobs()
        self._full_look = FullLook()
        self._findings = Findings()

    @property
    def outside(self) -> dict[int, Glob]:
        """The watches of globs outside of ``/dev``, by descriptor, but those that are being looked at."""
        return {paths.fileno(): glob for glob, paths in self._outside.watches() if not self._hints.is_looking(glob)}

    def begin(self, interest: Interest, now: float, *, has_udevd: bool) -> None:
        """Look at everything for ``interest``; a monitor has begun before."""
        self._interest, self._has_udevd = interest, has_udevd
        self._paths.configure(interest.globs)
        self._paths.rescan()
        self._outside.configure(interest.globs, self._paths.is_wanted, self._hints.is_looking)
        self._full_look.begin(everything(self._memory.units, self._numbers()), self._outside.globs)
        for glob in self._outside.globs:
            self.hint_outside(glob, now)
        self._look_at_paths(self._paths.all_paths(), now)

    def take_event(self, event: UdevEvent, now: float) -> None:
        """One of udev's events has arrived."""
        self._delivery.received(event.number, event.action)
        usb_device, is_urgent = usb_device_path(event.sys_path), event.number is not None and event.action in _ONCE
        if event.number is not None and (usb_device or is_relevant(event, self._interest, self._memory)):
            self.hint(event.number, now, is_urgent=is_urgent)
            for link in event.devlinks.split():
                self._hint_claimants(link, now)
        for path in filter(None, (usb_device, usb_device_path(event.former_path))):
            self._hints.add(path, now, is_finished=self._memory.is_finished(path), is_urgent=is_urgent)

    def take_paths(self, changed: Iterable[str], now: float) -> None:
        """Something may have changed at these watched paths."""
        for path in changed:
            if (number := number_of_entry(path)) is not None:
                self.hint(number, now)
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

    def work(self, now: float) -> None:
        """Begin what is due."""
        for unit in self._full_look.take(self._room):
            self._hints.add_at(unit, now, now)
        for subject in self._hints.begin_due(now):
            if isinstance(subject, Glob):
                if (look := self._outside.look_of(subject)) is not None:
                    self._pool.submit(subject, look)
                else:  # a path in /dev that could not be looked at; or it is not configured any more
                    self._hints.end(subject)
                    self._look_at_paths({subject.literal} if is_glob_in_dev(subject) else (), now)
            elif isinstance(subject, str | DeviceNumber):
                overdue = self._memory.overdue(subject, now) if self._has_udevd else None
                self._pool.submit(subject, methodcaller("look", subject, self._interest, overdue))

    @property
    def _room(self) -> int:
        """How many more looks may be begun for the sake of everything."""
        return MAX_BULK - self._pool.outstanding + len(self._pool.stuck)

    def next_due(self, now: float) -> float | None:
        """In how many seconds there is something to begin; None: not before the next hint."""
        if self._full_look.has_more and self._room > 0:
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
            self._full_look.looked_at(result.key)
        if isinstance(result.error, NotLookedError | OSError):
            self._retry(result.key, result.error, now)
            return
        if result.error is not None:
            raise result.error
        self._note_success(result.key)
        if isinstance(result.outcome, UnitLook):
            self._take_unit(result.outcome, received, now)
        elif isinstance(result.key, Glob) and isinstance(result.outcome, dict):
            self._paths_changed(*self._outside.take(result.key, result.outcome), received)

    def _retry(self, subject: Hashable, error: Exception, now: float) -> None:
        if self._hints.retry(subject, now):
            logger.error("%s: could not be looked at, and what was known of it stays: %s", subject, error)

    def _note_success(self, subject: Hashable) -> None:
        if self._hints.succeed(subject):
            logger.info("%s: could be looked at now", subject)

    def _take_unit(self, look: UnitLook, received: float, now: float) -> None:
        before = self._memory.nodes(look.unit)
        is_named = not look.nodes and self._is_unknown_to_sysfs(look.unit)
        changed = {*self._memory.take_in(look, now, has_udevd=self._has_udevd, is_named=is_named)}
        after = self._memory.nodes(look.unit)
        self._follow(look.unit, after, received)
        described = [node.description for node in (*before, *after) if node.description is not None]
        if before != after or changed - {look.unit}:
            self._findings.note_units(changed, received)
            if not self._memory.is_first_look:
                self._delivery.compare(before, after, now)
            self._look_again(look.unit, described, now)
        self._look_at_paths({name for device in described if device.is_wanted for name in device.names}, received)
        if (deadline := self._memory.deadline(look.unit)) is not None:
            self._hints.add_at(look.unit, max(deadline, now), now)
        if not after:
            self._hints.forget(look.unit)
        known = {node.number for node in before}
        if any(one.number not in known and sysfs_path(one.number) != one.sys_path for one in look.nodes):
            self._hints.add(look.unit, now, is_finished=False)  # what told that it went could not know its unit

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
        self._findings.note_units({node.unit}, now)
        self._follow(node.unit, self._memory.nodes(node.unit), now)
        return True

    def _follow(self, unit: Unit, nodes: Iterable[Node], received: float) -> None:
        wanted = [node.description for node in nodes if node.description is not None and node.description.is_wanted]
        selected = [device for device in wanted if self._interest.selects(device)]
        nodes_of_it, links = {one.devnode for one in selected}, {link for one in wanted for link in one.devlinks}
        if gone := self._paths.follow(unit, nodes_of_it, links):
            self._findings.note_paths(dict.fromkeys(gone), received)

    def _numbers(self) -> set[DeviceNumber]:
        """The numbers of all nodes at paths."""
        return {entry.number for entry in self._entries() if entry.number is not None}

    def _entries(self) -> Iterator[PathEntry]:
        return itertools.chain(self._paths.entries.values(), self._outside.entries())

    def _is_unknown_to_sysfs(self, unit: Unit) -> bool:
        """Whether a node stands at a path that sysfs does not know, now and not only when it was looked at.

        The kernel has a device in sysfs for longer than its node in ``/dev``: so sysfs is asked first.
        """
        entries = [entry for entry in self._entries() if entry.number == unit]
        return (
            not isinstance(unit, str)
            and not sysfs_path(unit)
            and any(not is_in_dev(entry.target) or inode_at(entry.target) == entry.inode for entry in entries)
        )

    def _look_at_paths(self, paths: Iterable[str], received: float) -> None:
        paths = set(paths)
        numbers = self._paths.numbers_at(paths)
        looked: dict[str, PathEntry | None] = {}
        for path in paths:  # one by one: what cannot be looked at keeps no other from being told
            try:
                changed, outside = self._paths.look((path,))
                for one in map(Glob.of, outside):
                    self._outside.add(one)
                    self._full_look.include(one)
                    self.hint_outside(one, received)
            except (NotLookedError, StartError) as error:
                self._retry(Glob.of(path), error, received)
            else:
                looked.update(changed)
                if not outside:
                    self._note_success(Glob.of(path))
        self._paths_changed(looked, numbers, received)

    def _paths_changed(
        self, looked: Mapping[str, PathEntry | None], numbers: set[DeviceNumber], received: float
    ) -> None:
        if not looked:
            return
        self._findings.note_paths(looked, received)
        now_at = {entry.number for entry in looked.values() if entry is not None and entry.number is not None}
        for number in numbers | now_at:
            node = self._memory.node(number)
            is_gone = node is not None and self._check_presence(node, received)
            self.hint(number, received, is_urgent=is_gone)

    def take_look(self) -> HostLook | None:
        """What was found since this was last called; None if nothing."""
        is_complete = self._full_look.is_newly_complete(self._pool.stuck)
        self._memory.is_first_look = self._memory.is_first_look and not is_complete
        return self._findings.take(self._memory, self._interest.number if is_complete else None)
