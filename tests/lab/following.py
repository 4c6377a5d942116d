"""What follows a host, without threads and without a clock; and all that it knows, to be compared.

The one place of the tests that looks into what follows a host and into inventories.
"""

from collections import deque
from collections.abc import Callable, Hashable

from udev_device_plugin.globs import Glob
from udev_device_plugin.host.inventory import Inventory
from udev_device_plugin.host.looking import Looking
from udev_device_plugin.host.looks import HostLook
from udev_device_plugin.host.memory import Memory
from udev_device_plugin.host.paths import DevPaths
from udev_device_plugin.host.pool import Pool, Result
from udev_device_plugin.host.reader import UDEV_DATA, Reader
from udev_device_plugin.host.udev.delivery_check import DeliveryCheck
from udev_device_plugin.interest import Interest


class Jobs(Pool[Reader]):
    """A pool without threads: a job is done when the test says so, and its result waits until it is taken."""

    def __init__(self) -> None:
        super().__init__(Reader, lambda: None)
        self._reader = Reader()
        self._waiting: list[tuple[Hashable, Callable[[Reader], object]]] = []
        self._done: deque[Result] = deque()

    def submit(self, key: Hashable, work: Callable[[Reader], object]) -> None:
        self._waiting.append((key, work))

    def take_results(self) -> list[Result]:
        return [self._done.popleft() for _ in range(len(self._done))]

    def supervise(self, now: float) -> float | None:
        del now
        return None

    @property
    def stuck(self) -> frozenset[Hashable]:
        return frozenset()

    @property
    def outstanding(self) -> int:
        return len(self._waiting) + len(self._done)

    def do(self, which: int) -> None:
        """One of those that wait, if any does."""
        if self._waiting:
            key, work = self._waiting.pop(which % len(self._waiting))
            try:
                self._done.append(Result(key, work(self._reader)))
            except Exception as error:  # as in a pool: its owner decides
                self._done.append(Result(key, error=error))


class Follower:
    """What follows the host."""

    def __init__(self, interest: Interest, now: float, memory: Memory | None = None) -> None:
        self.interest = interest
        self.now = now
        self.jobs = Jobs()
        self.paths = DevPaths((Glob.parse(f"{UDEV_DATA}/[bc]*"),))
        self.looking = Looking(self.paths, self.jobs, DeliveryCheck())
        if memory is not None:
            self.looking._memory = memory
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

    def rest(self) -> None:
        """Until there is nothing to be waited for."""
        for _ in range(1000):
            self.looking.take_paths(self.paths.read(), self.now)
            self.looking.work(self.now)
            while self.jobs.outstanding:
                self.jobs.do(0)
                self.take()
            self.take()
            due = self.looking.next_due(self.now)
            if due is None:
                return
            self.now += due
        raise AssertionError("it does not come to rest")


def known(inventory: Inventory) -> dict[str, object]:
    """All that an inventory says."""
    parts = vars(inventory)
    names = ("entries", "_nodes", "_units", "_globs", "_selected")
    sharing = {key: numbers for key, numbers in inventory._sharing._numbers.items() if numbers}
    paths = {number: found for number, found in inventory._paths.items() if found}
    return {**{name: parts[name] for name in names}, "sharing": sharing, "paths": paths}


def looked_at_anew(interest: Interest, now: float, memory: Memory) -> dict[str, object]:
    """What a look at everything says with what is remembered."""
    follower = Follower(interest, now, memory)
    follower.rest()
    follower.close()
    inventory = Inventory(interest.selectors)
    inventory.replace(HostLook(follower.paths.entries, {unit: memory.nodes(unit) for unit in memory.units}))
    return known(inventory)
