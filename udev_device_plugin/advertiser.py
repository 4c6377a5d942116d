"""The waist at work: observations in, device sets on the boards out.

Floor 4; runs on the main loop. All deciding is done by the pure rooms below (``inventory``, ``formation``); here is
only when it is done: the first change is published at once, changes in its wake are gathered, so that a burst costs the
kubelet few messages; and nothing is forgotten before it was asked whether a pod holds it. Knows neither udev nor the
kubelet.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ParamSpec

from udev_device_plugin.announcing import Announcer
from udev_device_plugin.config.specs import ResourceSpec
from udev_device_plugin.device import DeviceNumber
from udev_device_plugin.formation import FRESH, Circumstances, Formation, device_set, form
from udev_device_plugin.globs import Glob
from udev_device_plugin.history import History
from udev_device_plugin.inventory import Inventory
from udev_device_plugin.observations import DeviceObserved, DeviceRemoved, Observation, UdevResync
from udev_device_plugin.snapshots import Board, DeviceSet, Snapshot

WINDOW = 0.05
"""For how many seconds after a published change further changes of the resource are gathered."""

PATIENCE = 0.05
"""Seconds from a node that udev is done with to the question what it is: most often udev's event comes before that."""

ASK_AGAIN = 2.0
"""Seconds to the next question, where a kubelet that knows what pods hold does not answer just now."""

_AFTERWARDS = 0.002
"""Seconds by which the kubelet goes before the log."""

_P = ParamSpec("_P")

Holdings = Mapping[str, frozenset[str]]
"""The IDs that pods hold, by resource."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the advertiser asks of others.

    Attributes:
        look: look at paths on the host right now, and tell what changed there.
        identify: have udev describe the devices with these nodes, sooner or later.
        link: keep the links of our own that these devices need.
        held: which IDs pods hold; nothing for a resource if nobody ever knows; None if nobody knows just now.
        handed_out: the IDs of a resource that were handed out at a moment (monotonic seconds) or later.
        links_directory: where our own links are; with a trailing slash.
        history: is told what became of devices.
    """

    look: Callable[[Iterable[str]], Sequence[Observation]]
    identify: Callable[[Collection[DeviceNumber]], None]
    link: Callable[[DeviceSet], None]
    held: Callable[[], Awaitable[Holdings | None]]
    handed_out: Callable[[str, float], frozenset[str]]
    links_directory: str
    history: History = field(default_factory=History)


class Advertiser:
    """Keeps the inventory and the boards of ``specs``.

    Args:
        specs: what to offer.
        surroundings: whom to ask.
        grace_period: for how many seconds an absent device stays listed.

    Attributes:
        boards: one for each resource, in the specs' order.
        has_looked: set once every source has had its first complete look at the host.
    """

    def __init__(self, specs: Iterable[ResourceSpec], surroundings: Surroundings, grace_period: float) -> None:
        self._specs = {spec.resource: spec for spec in specs}
        self._surroundings = surroundings
        self._grace_period = grace_period
        self._globs = {
            resource: frozenset(path.glob for group in spec.groups for path in group.paths)
            for resource, spec in self._specs.items()
        }
        self._inventory = Inventory(frozenset().union(*self._globs.values()))
        self._formations = dict.fromkeys(self._specs, Formation())
        self._dirty: dict[str, float | None] = {}
        self._windows: dict[str, asyncio.TimerHandle] = {}
        self._expiry: asyncio.TimerHandle | None = None
        self._identifying: asyncio.TimerHandle | None = None
        self._announcer = Announcer(surroundings.history)
        self._loop = asyncio.get_running_loop()
        self._broken: asyncio.Future[None] = self._loop.create_future()
        self._ask = asyncio.Event()
        self._ask_after = 0.0
        self.boards = {resource: Board(Snapshot(DeviceSet(resource), 0)) for resource in self._specs}
        self.has_looked = asyncio.Event()

    async def run(self) -> None:
        """Work until cancelled.

        Raises:
            Exception: whatever taking in an observation failed with; a retry would not mend it.
        """
        asking = asyncio.ensure_future(self._ask_when_due())
        try:
            await asyncio.wait([asking, self._broken], return_when=asyncio.FIRST_COMPLETED)
            await (self._broken if self._broken.done() else asking)
        finally:
            asking.cancel()
            timers = (self._expiry, self._identifying, *self._windows.values())
            for timer in timers:
                if timer is not None:
                    timer.cancel()

    def observe(self, observations: Sequence[Observation], received: float) -> None:
        """Take observations in (the sources' sink); ``received``: when the first came, monotonic seconds."""
        self._guarded(self._take_in, observations, received)

    def ask_for_holders(self) -> None:
        """Have it asked which devices pods hold, as if one's time were up: a kubelet answers for the first time."""
        self._ask.set()

    def _guarded(self, work: Callable[_P, None], *args: _P.args, **kwargs: _P.kwargs) -> None:
        """Do ``work``; its failure ends ``run``, since a callback's is only logged, and the lists would go stale."""
        try:
            work(*args, **kwargs)
        except Exception as error:  # whatever it is, it is not to be survived
            if not self._broken.done():
                self._broken.set_exception(error)

    def _take_in(self, observations: Sequence[Observation], received: float) -> None:
        touched: set[Glob] = set()
        for observation in observations:
            # What udev speaks of is looked at before udev is believed: a node made anew is another device.
            for seen in self._surroundings.look(self._names(observation)):
                touched |= self._inventory.observe(seen)
            touched |= self._inventory.observe(observation)
        self._identify_soon()
        if self.has_looked.is_set():
            for resource, globs in self._globs.items():
                if not globs.isdisjoint(touched):
                    self._touch(resource, received)
        elif self._inventory.is_complete:
            for resource in self._specs:
                self._touch(resource, None)
            self.has_looked.set()

    def _names(self, observation: Observation) -> set[str]:
        """The paths whose existence an observation of udev's puts in question."""
        match observation:
            case DeviceObserved(device):
                return {*device.names, *self._inventory.names(device.sys_path)}
            case DeviceRemoved(sys_path):
                return set(self._inventory.names(sys_path))
            case UdevResync(devices):
                known = self._inventory.devices.values()
                return {name for device in (*devices, *known) for name in device.names}
        return set()

    def _identify_soon(self) -> None:
        """Ask udev about nodes that it is done with, should its events not come."""
        if self._identifying is None and self._inventory.unidentified():
            self._identifying = self._loop.call_later(PATIENCE, self._guarded, self._identify)

    def _identify(self) -> None:
        self._identifying = None
        if numbers := self._inventory.unidentified():
            self._surroundings.identify(numbers)

    def _touch(self, resource: str, received: float | None) -> None:
        """Something changed for a resource: published now, or with the window that is open."""
        self._dirty.setdefault(resource, received)
        if resource not in self._windows:
            self._publish(resource)

    def _publish(self, resource: str, held: frozenset[str] | None = None) -> None:
        """Form the resource's devices anew, and pin them up if that changed anything."""
        received = self._dirty.pop(resource, None)
        spec, board = self._specs[resource], self.boards[resource]
        now, fresh = self._loop.time(), frozenset[str]()
        if held is not None:
            fresh = self._surroundings.handed_out(resource, now - FRESH)
        given = Circumstances(now, self._grace_period, self._surroundings.links_directory, held, fresh)
        formation = self._formations[resource] = form(spec, self._inventory, self._formations[resource], given)
        self._expire_in_time()
        devices = device_set(spec, formation)
        before = board.snapshot.devices
        if devices == before and board.snapshot.generation:
            return
        self._surroundings.link(devices)
        is_first = board.snapshot.generation == 0
        board.publish(devices, received)
        self._loop.call_later(_AFTERWARDS, self._announcer.announce, before, devices, now)
        if is_first:  # the list that a registration begins with is no change, and holds up none
            return
        if (window := self._windows.get(resource)) is not None:
            window.cancel()
        self._windows[resource] = self._loop.call_later(WINDOW, self._guarded, self._end_window, resource)

    def _end_window(self, resource: str) -> None:
        del self._windows[resource]
        if resource in self._dirty:
            self._publish(resource)

    def _expire_in_time(self) -> None:
        """Have it asked what pods hold when the time of an absent device is up."""
        if self._expiry is not None:
            self._expiry.cancel()
        times = [when for formation in self._formations.values() if (when := formation.expires_at) is not None]
        self._expiry = self._loop.call_at(max(min(times), self._ask_after), self._ask.set) if times else None

    async def _ask_when_due(self) -> None:
        """Ask which devices pods hold, and forget what nobody holds and nobody has seen for long enough."""
        while True:
            await self._ask.wait()
            await self.has_looked.wait()
            self._ask.clear()
            held = await self._surroundings.held()
            self._ask_after = self._loop.time() + ASK_AGAIN if held is None else 0.0
            for resource in self._specs:
                self._publish(resource, None if held is None else held.get(resource, frozenset()))
