"""What follows a host, with its threads or without; and all that it knows, to be compared.

The one place of the tests that looks into what follows a host and into inventories.
"""

import copy
import threading
from collections import deque
from collections.abc import Callable, Hashable, Mapping
from typing import Any

from udev_device_plugin.host.dev_paths import DevPaths
from udev_device_plugin.host.host_thread import HostThread
from udev_device_plugin.host.interest import Interest
from udev_device_plugin.host.inventory import Inventory
from udev_device_plugin.host.looking import Looking
from udev_device_plugin.host.looks import HostLook, NotLookedError
from udev_device_plugin.host.memory import Memory
from udev_device_plugin.host.pool import Pool, Result
from udev_device_plugin.host.reader import UDEV_DATA
from udev_device_plugin.host.udev.delivery_check import DeliveryCheck
from udev_device_plugin.host.udev.monitor import UdevMonitor
from udev_device_plugin.selectors.paths.glob import Glob
from udev_device_plugin.telemetry.metrics import Metrics

Known = Mapping[str, Mapping[Any, object]]
"""All that an inventory says: its tables, by their names."""

PATIENCE = 20.0  # seconds; only a failing test waits that long


class Jobs(Pool):
    """A pool without threads: a job is done when the test says so, and its result waits until it is taken."""

    def __init__(self) -> None:
        super().__init__(lambda: None)
        self._waiting: list[tuple[Hashable, Callable[[], object]]] = []
        self._done: deque[Result] = deque()

    def submit(self, key: Hashable, work: Callable[[], object]) -> None:
        self.outstanding += 1
        self._waiting.append((key, work))

    def take_results(self) -> list[Result]:
        self.outstanding -= len(self._done)
        return [self._done.popleft() for _ in range(len(self._done))]

    def supervise(self, now: float) -> float | None:
        del now
        return None

    @property
    def stuck(self) -> frozenset[Hashable]:
        return frozenset()

    def do(self, which: int, *, fails: bool = False) -> Hashable:
        """One of those that wait, if any does; if it fails, that is because descriptors or memory are used up."""
        key: Hashable = None
        if self._waiting:
            self._waiting.sort(key=lambda job: str(job[0]))  # hints come out of sets, whose order is another each time
            key, work = self._waiting.pop(which % len(self._waiting))
            try:
                self._done.append(Result(key, (_fail if fails else work)()))
            except Exception as error:  # as in a pool: its owner decides
                self._done.append(Result(key, error=error))
        return key


def _fail() -> object:
    raise NotLookedError("used up")


class Follower:
    """What follows the host, without threads; it knows the time as it is told."""

    def __init__(self, interest: Interest, now: float, memory: Memory | None = None) -> None:
        self.interest = interest
        self.now = now
        self.jobs = Jobs()
        self.paths = DevPaths((Glob.parse(f"{UDEV_DATA}/[bc]*"),))
        self.looking = Looking(self.paths, self.jobs, DeliveryCheck())
        if memory is not None:
            self.looking._memory, self.looking._nodes = memory, memory.nodes
        self.inventory = Inventory(interest.selectors)
        self.begin()

    def begin(self) -> None:
        self.looking.begin(self.interest, self.now, has_udevd=True)

    def close(self) -> None:
        self.paths.close()

    @property
    def memory(self) -> Memory:
        return self.looking._memory

    def take(self) -> bool:
        """Take in what was read, and hand it on; whether that was anything."""
        for result in self.jobs.take_results():
            self.looking.take_result(result, self.now)
        look = self.looking.take_look()
        if look is not None:
            self.inventory.replace(look)
        return look is not None

    def rest(self, fails: int = 0) -> None:
        """Until there is nothing to be waited for; so many of the first looks fail."""
        for _ in range(1000):
            self.looking.take_paths(self.paths.read(), self.now)
            self.looking.work(self.now)
            while self.jobs.outstanding:
                self.jobs.do(0, fails=fails > 0)
                fails -= 1
                self.take()
            self.take()
            due = self.looking.next_due(self.now)
            if due is None:
                return
            self.now += due
        raise AssertionError("it does not come to rest")


class FollowingThread(HostThread):
    """The host thread, which can be asked what is known when it has nothing left to do."""

    def __init__(self, interest: Interest) -> None:
        self._looks: deque[HostLook] = deque()
        super().__init__(interest, self._looks.append, Metrics())
        self._inventory = Inventory(interest.selectors)
        self._is_asked, self._has_answered = threading.Event(), threading.Event()
        self._remembered = Memory()
        self._thread = threading.Thread(target=self.run, name="host")

    def __enter__(self) -> "FollowingThread":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._thread.join()

    def rest(self) -> tuple[Known, Memory]:
        """What it has handed on by the time that it only waits, and what it remembers."""
        self._has_answered.clear()
        self._is_asked.set()
        self._wake()
        assert self._has_answered.wait(PATIENCE), (
            f"it does not come to rest: {self._pool.outstanding} looks, {len(self._pool._results)} of them over"
        )
        while self._looks:
            self._inventory.replace(self._looks.popleft())
        return known(self._interest, self._inventory), self._remembered

    def _wait(self, monitor: UdevMonitor, timeout: float | None) -> dict[int, int]:
        is_asked = self._is_asked.is_set()  # before it is seen whether there is anything to do
        ready = super()._wait(monitor, 0.0)
        if ready:
            return ready
        is_busy = self._pool.outstanding or self._looking.next_due(0.0) is not None
        if is_asked and not is_busy:
            self._remembered = copy.deepcopy(self._looking._memory)
            self._is_asked.clear()
            self._has_answered.set()
        return super()._wait(monitor, timeout)


def known(interest: Interest, inventory: Inventory) -> Known:
    """All that an inventory says."""
    matches = {selector: inventory.matches(selector) for selector in interest.selectors}
    return {"entries": inventory.entries, "matches": matches, **vars(inventory._nodes), "paths": inventory._paths}


def differences(one: Known, other: Known) -> list[str]:
    """What differs, one line for each thing."""
    lines = []
    for name, ones in one.items():
        others = other[name]
        keys = [key for key in ones.keys() | others.keys() if ones.get(key) != others.get(key)]
        lines += [f"{name} {key}: {ones.get(key)} | {others.get(key)}" for key in keys]
    return lines


def looked_at_anew(interest: Interest, now: float, memory: Memory) -> Known:
    """What a look at everything says with what is remembered."""
    follower = Follower(interest, now, memory)
    follower.rest()
    follower.close()
    inventory = Inventory(interest.selectors)
    inventory.replace(HostLook(follower.paths.entries, {unit: memory.nodes.of(unit) for unit in memory.nodes.units}))
    return known(interest, inventory)
