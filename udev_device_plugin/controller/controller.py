"""The waist at work: observations in, device sets on the boards out.

Floor 4; runs on the main loop. All deciding is done by the pure rooms below (``inventory``, ``formation``); here is
only when it is done: the first change is published at once, changes in its wake are gathered, so that a burst costs the
kubelet few messages; and nothing is forgotten before it was asked whether a pod holds it. Knows neither udev nor the
kubelet.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ParamSpec

from udev_device_plugin.config.specs import ResourceSpec
from udev_device_plugin.controller.change_log import ChangeLog
from udev_device_plugin.devices.assembly import carried_over, form
from udev_device_plugin.devices.describe import DeviceDescriber
from udev_device_plugin.devices.model import AssembledResource, AssemblyContext
from udev_device_plugin.devices.retention import FRESH, under_grace_period
from udev_device_plugin.devices.store import DeviceSet, DeviceStore, Snapshot
from udev_device_plugin.host.interest import Interest
from udev_device_plugin.host.inventory import Inventory
from udev_device_plugin.host.looks import HostLook
from udev_device_plugin.selectors.kind import SelectorKind
from udev_device_plugin.telemetry.event_log import EventLog

WINDOW = 0.05
"""For how many seconds after a published change further changes of the resource are gathered."""

ASK_AGAIN = 2.0
"""Seconds to the next question, where a kubelet that knows what pods hold does not answer just now."""

_AFTERWARDS = 0.002
"""Seconds by which the kubelet goes before the log."""

_P = ParamSpec("_P")

Holdings = Mapping[str, frozenset[str]]
"""The IDs that pods hold, by resource."""


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What the advertiser asks of others.

    Attributes:
        link: keep the links of our own that these devices need.
        held: which IDs pods hold; nothing for a resource if nobody ever knows; None if nobody knows just now.
        handed_out: the IDs of a resource that were handed out at a moment (monotonic seconds) or later.
        links_directory: where our own links are; with a trailing slash.
        recall: what another process of the plugin offered of a resource.
        keep: have that known to the next one.
        history: is told what became of devices.
    """

    link: Callable[[DeviceSet], None]
    held: Callable[[], Awaitable[Holdings | None]]
    handed_out: Callable[[str, float], frozenset[str]]
    links_directory: str
    recall: Callable[[ResourceSpec], AssembledResource] = lambda _: AssembledResource()
    keep: Callable[[ResourceSpec, AssembledResource], None] = lambda *_: None
    event_log: EventLog = field(default_factory=EventLog)


class Controller:
    """Keeps the inventory and the boards of ``specs``.

    Args:
        specs: what to offer.
        surroundings: whom to ask.
        grace_period: for how many seconds an absent device stays listed.

    Attributes:
        boards: one for each resource.
        has_looked: set once every source has had its first complete look at the host.
    """

    def __init__(self, specs: Iterable[ResourceSpec], dependencies: Dependencies, grace_period: float) -> None:
        self._specs = {spec.resource: spec for spec in specs}
        self._dependencies = dependencies
        self._grace_period = grace_period
        self._selectors = {resource: spec.selectors for resource, spec in self._specs.items()}
        self._interest = Interest.of(self._specs.values())
        self._inventory = Inventory(self._interest.selectors)
        self._formations = {resource: dependencies.recall(spec) for resource, spec in self._specs.items()}
        self._unkept: set[str] = set()  # formed anew, and not written down yet
        self._device_sets = {resource: DeviceDescriber() for resource in self._specs}
        self._pending: set[str] = set()  # configured anew, and not described for it yet
        self._dirty: dict[str, float | None] = {}
        self._windows: dict[str, asyncio.TimerHandle] = {}
        self._holdings: dict[str, frozenset[str] | None] = {}  # what pods hold, for when a window ends
        self._expiry: asyncio.TimerHandle | None = None
        self._settling: asyncio.TimerHandle | None = None
        self._tidying: asyncio.TimerHandle | None = None
        self._change_log = ChangeLog(dependencies.event_log)
        self._unannounced: list[tuple[DeviceSet, DeviceSet, float]] = []  # changes to be told: before, after, when
        self._loop = asyncio.get_running_loop()
        self._broken: asyncio.Future[None] = self._loop.create_future()
        self._ask = asyncio.Event()
        self._ask_after = 0.0
        self.stores = {resource: DeviceStore(Snapshot(DeviceSet(resource), 0)) for resource in self._specs}
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
            self._keep()
            timers = (self._expiry, self._settling, self._tidying, *self._windows.values())
            for timer in timers:
                if timer is not None:
                    timer.cancel()

    def published(self) -> list[DeviceSet]:
        """What is offered now, by resource."""
        return [store.snapshot.devices for store in self.stores.values()]

    def observe(self, looks: Sequence[HostLook]) -> None:
        """Take in what was looked at."""
        self._guarded(self._take_in, looks)

    def configure(self, specs: Iterable[ResourceSpec], grace_period: float, interest: Interest) -> None:
        """Offer something else from now on; a resource whose spec stays the same is not touched.

        What is new is offered once udev has described its devices for ``interest``.
        """
        before, self._specs = self._specs, {spec.resource: spec for spec in specs}
        self._selectors = {resource: spec.selectors for resource, spec in self._specs.items()}
        self._grace_period, self._interest = grace_period, interest
        for resource in before.keys() - self._specs.keys():
            self._retire(resource)
        for resource, spec in self._specs.items():
            if spec != before.get(resource):
                self._pending.add(resource)
                if (known := before.get(resource)) is not None:
                    self._formations[resource] = carried_over(self._formations[resource], known, spec)
                else:
                    self._formations[resource] = self._dependencies.recall(spec)
                self._device_sets.setdefault(resource, DeviceDescriber())
                self.stores.setdefault(resource, DeviceStore(Snapshot(DeviceSet(resource), 0)))
            self._formations[resource] = under_grace_period(self._formations[resource], grace_period)
        self._inventory.select(interest.selectors)
        self._expire_in_time()

    def _retire(self, resource: str) -> None:
        """Offer a resource no more."""
        del self.stores[resource], self._formations[resource], self._device_sets[resource]
        self._dirty.pop(resource, None)
        self._holdings.pop(resource, None)
        self._pending.discard(resource)
        if (window := self._windows.pop(resource, None)) is not None:
            window.cancel()
        self._change_log.forget(resource)
        self._dependencies.link(DeviceSet(resource))

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

    def _take_in(self, looks: Sequence[HostLook]) -> None:
        touched: set[SelectorKind] = set()
        for look in looks:
            touched |= self._inventory.replace(look)
        received = min(look.received for look in looks)
        self._end_waiting()
        if self.has_looked.is_set():
            for resource, selectors in self._selectors.items():
                if not selectors.isdisjoint(touched):
                    self._touch(resource, received)
        elif self._inventory.is_complete:
            for resource in self._specs:
                self._touch(resource, None)
            self.has_looked.set()

    def _end_waiting(self) -> None:
        """Once all that is there was looked at for the latest configuration, what is new in it can be offered."""
        if self._pending and self._inventory.complete_for == self._interest.number:
            pending, self._pending = self._pending, set()
            for resource in pending:
                self._touch(resource, None)
            self._ask.set()

    def _touch(self, resource: str, received: float | None) -> None:
        """Something changed for a resource: published now, or with the window that is open."""
        self._dirty.setdefault(resource, received)
        if resource not in self._windows and resource not in self._pending:
            self._publish(resource)

    def _publish(self, resource: str, held: frozenset[str] | None = None) -> None:
        """Form the resource's devices anew, and pin them up if that changed anything."""
        received = self._dirty.pop(resource, None)
        spec, store = self._specs[resource], self.stores[resource]
        now, fresh = self._loop.time(), frozenset[str]()
        if held is not None:
            fresh = self._dependencies.handed_out(resource, now - FRESH)
        given = AssemblyContext(now, self._grace_period, self._dependencies.links_directory, held, fresh)
        formation = form(spec, self._inventory, self._formations[resource], given)
        self._formations[resource] = formation
        self._unkept.add(resource)
        self._tidy_up_soon()
        devices = self._device_sets[resource].describe(spec, formation)
        before = store.snapshot.devices
        if devices == before and store.snapshot.generation:
            return
        self._dependencies.link(devices)
        is_first = store.snapshot.generation == 0
        store.publish(devices, received)
        self._unannounced.append((before, devices, now))
        if is_first:  # the list that a registration begins with is no change, and holds up none
            return
        if (window := self._windows.get(resource)) is not None:
            window.cancel()
        self._windows[resource] = self._loop.call_later(WINDOW, self._guarded, self._end_window, resource)

    def _tidy_up_soon(self) -> None:
        """Have all that follows from something formed anew done once the kubelet has been told."""
        if self._tidying is None:
            self._tidying = self._loop.call_later(_AFTERWARDS, self._guarded, self._tidy_up)

    def _tidy_up(self) -> None:
        self._tidying = None
        self._expire_in_time()
        self._settle_in_time()
        self._keep()
        unannounced, self._unannounced = self._unannounced, []
        for before, devices, now in unannounced:
            if devices.resource in self._specs:
                self._change_log.announce(before, devices, now)

    def _keep(self) -> None:
        """Write down what is offered, for the next process."""
        unkept, self._unkept = self._unkept, set()
        for resource in unkept & self._specs.keys():
            self._dependencies.keep(self._specs[resource], self._formations[resource])

    def _end_window(self, resource: str) -> None:
        del self._windows[resource]
        if resource in self._holdings and resource not in self._pending:
            self._publish(resource, self._holdings.pop(resource))
        elif resource in self._dirty:
            self._touch(resource, self._dirty[resource])

    def _expire_in_time(self) -> None:
        """Have it asked what pods hold when the time of an absent device is up."""
        if self._expiry is not None:
            self._expiry.cancel()
        unanswered = [one for resource, one in self._formations.items() if resource not in self._holdings]
        times = [when for formation in unanswered if (when := formation.expires_at) is not None]
        self._expiry = self._loop.call_at(max(min(times), self._ask_after), self._ask.set) if times else None

    def _settle_in_time(self) -> None:
        """Look at USB devices again once nothing has changed about them for long enough."""
        if self._settling is not None:
            self._settling.cancel()
        times = [when for formation in self._formations.values() if (when := formation.settles_at) is not None]
        self._settling = self._loop.call_at(min(times), self._guarded, self._settle) if times else None

    def _settle(self) -> None:
        now = self._loop.time()
        for resource, formation in list(self._formations.items()):
            if (when := formation.settles_at) is not None and when <= now:
                self._touch(resource, None)

    async def _ask_when_due(self) -> None:
        """Ask which devices pods hold, and forget what nobody holds and nobody has seen for long enough."""
        while True:
            await self._ask.wait()
            await self.has_looked.wait()
            self._ask.clear()
            held = await self._dependencies.held()
            self._ask_after = self._loop.time() + ASK_AGAIN if held is None else 0.0
            asked = self._specs.keys() - self._pending
            self._holdings |= {one: None if held is None else held.get(one, frozenset()) for one in asked}
            for resource in asked - self._windows.keys():
                self._publish(resource, self._holdings.pop(resource))
