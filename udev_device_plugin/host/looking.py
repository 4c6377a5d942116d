"""Turns hints into looks, and what they find into one `HostLook` for the event loop.

Host thread only. It never blocks: paths in ``/dev`` are looked at here, units and other paths by the pool.
"""

import itertools
import os
from collections.abc import Collection, Iterable, Iterator
from functools import partial

from udev_device_plugin.host.dev_paths import DevPaths
from udev_device_plugin.host.full_look import FullLook
from udev_device_plugin.host.hints import Hints
from udev_device_plugin.host.interest import Interest
from udev_device_plugin.host.looks import HostLook, NotLookedError, UnitLook
from udev_device_plugin.host.memory import Memory
from udev_device_plugin.host.model import DeviceNumber, Node, OfferedNodes, PathEntries, PathEntry, Unit
from udev_device_plugin.host.outside import OutsideGlobs
from udev_device_plugin.host.path_facts import numbers_of
from udev_device_plugin.host.pool import Pool, Result
from udev_device_plugin.host.reader import UDEV_QUEUE, is_present, is_unknown_to_sysfs, look_at_unit, number_of_entry
from udev_device_plugin.host.relevance import is_relevant
from udev_device_plugin.host.sysfs import all_units, unit_of
from udev_device_plugin.host.topology import usb_device_path
from udev_device_plugin.host.udev.delivery_check import DeliveryCheck
from udev_device_plugin.host.udev.monitor import UdevEvent
from udev_device_plugin.selectors.paths.glob import Glob

_ONCE = frozenset({"add", "remove", "move"})
"""Actions that come once for a device, and need not be gathered."""

_QUEUE, _DEV = Glob.of(UDEV_QUEUE), Glob.of("/dev")


class Looking:
    """What is to be looked at, what is being looked at, and what was found and not passed on yet."""

    def __init__(
        self, paths: DevPaths, pool: Pool, delivery: DeliveryCheck, offered: OfferedNodes = frozenset()
    ) -> None:
        self._paths = paths
        self._pool = pool
        self._delivery = delivery
        self._interest = Interest(frozenset())
        self._memory = Memory(offered)
        self._nodes = self._memory.nodes
        self._hints = Hints()
        self._outside = OutsideGlobs()
        self._full_look = FullLook()
        self._found_paths: dict[str, PathEntry | None] = {}
        self._found_units: set[Unit] = set()
        self._received = float("inf")  # when the earliest hint that led to it was received

    @property
    def outside(self) -> dict[int, Glob]:
        """The globs outside of ``/dev`` by the descriptors of their watches, but those that are being looked at."""
        return {
            descriptor: glob
            for glob, paths in self._outside.paths.items()
            if not self._hints.is_looking(glob) and (descriptor := paths.fileno()) is not None
        }

    def begin(self, interest: Interest, now: float, *, has_udevd: bool) -> None:
        """Look at everything for ``interest``; a monitor has been started before."""
        self._interest, self._memory.has_udevd = interest, has_udevd
        self._paths.configure(interest.globs)
        self._paths.rescan()
        self._outside.configure(interest.globs, self._paths.is_wanted, self._hints.is_looking)
        self._note((), {entry.path: entry for entry in self._entries()}, now)  # a reload may have dropped them there
        self._full_look.begin(all_units(self._nodes.units, numbers_of(self._entries())), self._outside.paths)
        for glob in self._outside.paths:
            self.hint_outside(glob, now)
        self._look_at_paths(self._paths.all_paths(), now)

    def take_event(self, event: UdevEvent, now: float) -> None:
        """An event was received from udev."""
        self._delivery.received(event.number, event.action)
        if event.number is not None and event.action == "remove":
            self._memory.removal_announced(event.number, event.sequence)
        usb_device, is_urgent = usb_device_path(event.sys_path), event.number is not None and event.action in _ONCE
        if event.number is not None and (usb_device or is_relevant(event, self._interest, self._nodes)):
            self.hint(event.number, now, is_urgent=is_urgent)
            for number in {one for link in event.devlinks.split() for one in self._nodes.claiming(link)}:
                self.hint(number, now)
        for path in filter(None, (usb_device, usb_device_path(event.former_path))):
            self._hints.add(path, now, is_finished=self._nodes.is_finished(path), is_urgent=is_urgent)

    def take_paths(self, changed: Iterable[str], now: float) -> None:
        """Something may have changed at these watched paths."""
        for path in changed:
            number = number_of_entry(path)
            claiming = self._nodes.claiming(path) if number is None else {number}
            for one in self._memory.in_doubt if path == UDEV_QUEUE else claiming:
                self.hint(one, now)
        self._look_at_paths(changed, now)

    def hint(self, number: DeviceNumber, now: float, *, is_urgent: bool = False) -> None:
        """A node, or the former one with its number, may have changed."""
        node = self._nodes.get(number)
        for unit in {unit_of(number), *([] if node is None else [node.unit])}:
            self._hints.add(unit, now, is_finished=bool(node and self._nodes.is_finished(unit)), is_urgent=is_urgent)

    def hint_outside(self, glob: Glob, now: float) -> None:
        """The matches of a glob outside of ``/dev`` may have changed."""
        self._hints.add(glob, now, is_finished=False)

    def work(self, now: float) -> None:
        """Begin the looks that are due."""
        for unit in self._full_look.take(self._pool.free_slots):
            self._hints.add_at(unit, now, now)
        due = self._hints.begin_due(now)
        entries = self._entries() if due else ()  # not at each wake-up: there may be thousands
        at_paths = numbers_of(one for one in entries if self._interest.is_named((one.path,)))
        for subject in due:
            if isinstance(subject, str | DeviceNumber):
                overdue = self._memory.overdue(subject, now)
                self._pool.submit(subject, partial(look_at_unit, subject, self._interest, overdue, at_paths))
            elif subject == _DEV:
                self._retry_paths(now)
            elif isinstance(subject, Glob):
                if subject in self._outside.paths:
                    self._pool.submit(subject, self._outside.paths[subject].look)
                else:  # it is not configured any more
                    self._hints.end(subject)
        if (failure := self._paths.failure) is not None and not self._hints.is_waiting(_DEV):
            self._hints.retry(_DEV, failure, now)
            self._full_look.include(_DEV)

    def _retry_paths(self, now: float) -> None:
        """Find what could not be read or watched in ``/dev``."""
        self._hints.end(_DEV)
        self.take_paths(self._paths.retry(), now)
        if self._paths.failure is None:
            self._hints.succeed(_DEV)
            self._full_look.looked_at(_DEV)

    def next_due(self, now: float) -> float | None:
        """Return in how many seconds the next look is due; None: not before the next hint."""
        if self._full_look.has_more and self._pool.free_slots > 0:
            return 0.0
        due = self._hints.next_due
        return None if due is None else max(0.0, due - now)

    def take_result(self, result: Result, now: float) -> None:
        """A look by the pool is over.

        Raises:
            Exception: it failed by a mistake in the program.
        """
        received = self._hints.end(result.key)
        if not self._hints.is_waiting(result.key):
            self._full_look.looked_at(result.key)
        if isinstance(result.error, NotLookedError | OSError):
            self._hints.retry(result.key, result.error, now)
            return
        if result.error is not None:
            raise result.error
        self._hints.succeed(result.key)
        if isinstance(result.outcome, UnitLook):
            self._take_unit(result.outcome, received, now)
        elif isinstance(result.key, Glob) and isinstance(result.outcome, dict) and result.key in self._outside.paths:
            before, self._outside.found[result.key] = self._outside.found.get(result.key, {}), result.outcome
            self._take_entries(before, {**dict.fromkeys(before), **result.outcome}, received)

    def _take_unit(self, look: UnitLook, received: float, now: float) -> None:
        before = self._nodes.of(look.unit)
        is_named = not look.nodes and is_unknown_to_sysfs(look.unit, self._entries())
        changed = self._memory.take_in(look, now, is_named=is_named)
        after = self._nodes.of(look.unit)
        self._follow(look.unit, received)
        self._await_udevd(look, now)
        if before != after or changed - {look.unit}:
            self._note(changed, {}, received)
            if not self._memory.is_first_look:
                self._delivery.compare(before, after, now)
            self._check_sharing(look.unit, (*before, *after), now)
        described = (device for node in (*before, *after) if (device := node.description) and device.is_wanted)
        self._look_at_paths({name for device in described for name in device.names}, received)
        if (deadline := self._memory.deadline(look.unit)) is not None:
            self._hints.add_at(look.unit, max(deadline, now), now)
        if not after:
            self._hints.forget(look.unit)
        if any(unit_of(one) != look.unit for one in {n.number for n in look.nodes} - {n.number for n in before}):
            self._hints.add(look.unit, now, is_finished=False)  # the hint of its unplug had no unit

    def _await_udevd(self, look: UnitLook, now: float) -> None:
        """While an entry is in doubt, notice when udevd has nothing to do any more: that may be so since the look."""
        self._paths.watch_if(bool(self._memory.in_doubt), _QUEUE)
        if not (look.is_udevd_idle or os.path.exists(UDEV_QUEUE)):
            for number in self._memory.in_doubt.intersection(one.number for one in look.nodes):
                self.hint(number, now)

    def _check_sharing(self, unit: Unit, nodes: Iterable[Node], now: float) -> None:
        """Check the presence of nodes that share something with a unit that changed."""
        for number in {one for node in nodes for one in self._nodes.sharing_with(node)}:
            node = self._nodes.get(number)
            if node is not None and node.unit != unit:
                self._check_presence(node, now)

    def _check_presence(self, node: Node | None, now: float) -> bool:
        """Remove a node that is gone or was replaced; returns whether it was. There is, or will be, a hint of it."""
        if node is None or is_present(node):
            return False
        self._memory.lose(node.number)
        self._note({node.unit}, {}, now)
        self._follow(node.unit, now)
        return True

    def _follow(self, unit: Unit, received: float) -> None:
        wanted = [one for node in self._nodes.of(unit) if (one := node.description) is not None and one.is_wanted]
        selected = [device.devnode for device in wanted if self._interest.selects(device)]
        gone = self._paths.follow(unit, selected, [link for device in wanted for link in device.devlinks])
        self._note((), dict.fromkeys(gone), received)

    def _entries(self) -> Iterator[PathEntry]:
        outside = (found.values() for found in self._outside.found.values())
        return filter(None, itertools.chain(self._paths.entries.values(), *outside))

    def _look_at_paths(self, paths: Iterable[str], received: float) -> None:
        paths = set(filter(self._paths.is_wanted, paths))
        before = {path: self._paths.entries.get(path) for path in paths}
        for glob in [Glob.of(path) for path in paths if self._paths.look(path)]:
            self._outside.add(glob)
            self._full_look.include(glob)
            self.hint_outside(glob, received)
        self._take_entries(before, {path: self._paths.entries.get(path) for path in paths}, received)

    def _take_entries(self, before: PathEntries, now: PathEntries, received: float) -> None:
        changed = {path: entry for path, entry in now.items() if path not in before or entry != before[path]}
        self._note((), changed, received)
        for number in numbers_of(changed.values()) | numbers_of(before.get(path) for path in changed):
            self.hint(number, received, is_urgent=self._check_presence(self._nodes.get(number), received))
            self._full_look.include(unit_of(number))

    def _note(self, units: Collection[Unit], paths: PathEntries, received: float) -> None:
        self._found_units.update(units)
        self._found_paths.update(paths)
        if units or paths:
            self._received = min(self._received, received)

    def take_look(self) -> HostLook | None:
        """Return what was found since the last call; None if nothing."""
        is_complete = self._full_look.is_newly_complete(self._pool.stuck)
        self._memory.is_first_look = self._memory.is_first_look and not is_complete
        if not (self._found_paths or self._found_units or is_complete):
            return None
        units = {unit: self._nodes.of(unit) for unit in self._found_units}
        look = HostLook(self._found_paths, units, self._received, self._interest.number if is_complete else None)
        self._found_paths, self._found_units, self._received = {}, set(), float("inf")
        return look
