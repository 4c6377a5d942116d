"""Takes in what was looked at, and publishes what the resources offer: reconciliation.

Event loop only. What is offered is decided by pure functions (``inventory``, ``assembly``), whole, each time; here is
only when: the first change of a resource is published at once, those within 50 ms after it together, so that a burst
costs the kubelet few messages. Nothing is forgotten before it was asked whether a pod holds it. Knows neither udev nor
the kubelet.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from udev_device_plugin.config.specs import ResourceSpec
from udev_device_plugin.controller.change_log import ChangeLog
from udev_device_plugin.controller.debounce import Debouncer
from udev_device_plugin.controller.resource_state import ResourceState
from udev_device_plugin.devices.assembly import assemble
from udev_device_plugin.devices.describe import device_set
from udev_device_plugin.devices.model import AssembledResource, AssemblyContext
from udev_device_plugin.devices.retention import FRESH, under_grace_period
from udev_device_plugin.devices.store import DeviceSet, DeviceStore
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
"""Seconds by which the kubelet goes before the log and the identity record."""

HeldIds = Mapping[str, frozenset[str]]
"""The IDs that pods hold, by resource."""


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What the controller asks of others.

    Attributes:
        link: keep the links of our own that these devices need.
        held: which IDs pods hold; nothing for a resource if nobody ever knows; None if nobody knows just now.
        handed_out: the IDs of a resource that were handed out at a moment (monotonic seconds) or later.
        links_directory: where our own links are; with a trailing slash.
        recall: what another process of the plugin offered of a resource.
        keep: have that known to the next one.
        event_log: is told what became of devices.
    """

    link: Callable[[DeviceSet], None]
    held: Callable[[], Awaitable[HeldIds | None]]
    handed_out: Callable[[str, float], frozenset[str]]
    links_directory: str
    recall: Callable[[ResourceSpec], AssembledResource] = lambda _: AssembledResource()
    keep: Callable[[ResourceSpec, AssembledResource], None] = lambda *_: None
    event_log: EventLog = field(default_factory=EventLog)


class Controller:
    """Keeps the inventory and the published lists of ``specs``.

    Args:
        specs: what to offer.
        dependencies: whom to ask.
        grace_period: for how many seconds an absent device stays listed.

    Attributes:
        store: where lists are published.
        has_looked: set once the whole host has been looked at for the first time.
    """

    def __init__(self, specs: Iterable[ResourceSpec], dependencies: Dependencies, grace_period: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._dependencies = dependencies
        self._grace_period = grace_period
        self._states = {spec.resource: self._state(spec) for spec in specs}
        self._interest = Interest.of(state.spec for state in self._states.values())
        self._inventory = Inventory(self._interest.selectors)
        self._change_log = ChangeLog(dependencies.event_log)
        self._following_up = Debouncer(self._follow_up, self._loop, cooldown=_AFTERWARDS, immediate=False)
        self._expiry: asyncio.TimerHandle | None = None
        self._settling: asyncio.TimerHandle | None = None
        self._ask = asyncio.Event()
        self._ask_after = 0.0
        self.store = DeviceStore(self._states)
        self.has_looked = asyncio.Event()

    async def run(self) -> None:
        """Ask what pods hold whenever it is due, until cancelled; then stop everything that would be done later."""
        try:
            await self._ask_when_due()
        finally:
            self._record()
            self._following_up.cancel()
            for state in self._states.values():
                state.debouncer.cancel()
            for timer in (self._expiry, self._settling):
                if timer is not None:
                    timer.cancel()

    def observe(self, looks: Sequence[HostLook]) -> None:
        """Take in what was looked at."""
        touched: set[SelectorKind] = set()
        for look in looks:
            touched |= self._inventory.replace(look)
        received = min(look.received for look in looks)
        self._end_waiting()
        if self.has_looked.is_set():
            for state in self._states.values():
                if not state.selectors.isdisjoint(touched):
                    state.change(received)
        elif self._inventory.is_complete:
            for state in self._states.values():
                state.change(None)
            self.has_looked.set()

    def configure(self, specs: Iterable[ResourceSpec], grace_period: float, interest: Interest) -> None:
        """Offer something else from now on; a resource whose spec stays the same is not touched.

        What is new is offered once udev has described its devices for ``interest``.
        """
        self._grace_period, self._interest = grace_period, interest
        before, self._states = self._states, {}
        for spec in specs:
            state = before.pop(spec.resource, None)
            if state is None:
                state = self._state(spec)
                state.is_pending = True
                self.store.add(spec.resource)
            elif state.spec != spec:
                state.configure(spec)
            state.assembled = under_grace_period(state.assembled, grace_period)
            self._states[spec.resource] = state
        for state in before.values():
            self._retire(state)
        self._inventory.select(interest.selectors)
        self._schedule_expiry()

    def ask_for_holders(self) -> None:
        """Have it asked which devices pods hold, as if one's time were up: a kubelet answers for the first time."""
        self._ask.set()

    def _state(self, spec: ResourceSpec) -> ResourceState:
        """Of a resource that was not offered before, unless another process of the plugin did."""
        debouncer = Debouncer(partial(self._reconcile, spec.resource), self._loop, cooldown=WINDOW)
        return ResourceState(spec, self._dependencies.recall(spec), debouncer)

    def _retire(self, state: ResourceState) -> None:
        """Offer a resource no more."""
        state.debouncer.cancel()
        self.store.remove(state.spec.resource)
        self._change_log.forget(state.spec.resource)
        self._dependencies.link(DeviceSet(state.spec.resource))

    def _end_waiting(self) -> None:
        """Once all that is there was looked at for the latest configuration, what is new in it can be offered."""
        pending = [state for state in self._states.values() if state.is_pending]
        if pending and self._inventory.complete_for == self._interest.number:
            for state in pending:
                state.is_pending = False
                state.change(None)
            self._ask.set()

    def _reconcile(self, resource: str) -> bool:
        """Assemble a resource's devices, and publish the list if it is another one.

        Returns:
            Whether further changes are to be gathered for a while.
        """
        state, now = self._states[resource], self._loop.time()
        if state.is_pending:
            return False
        caused_at, held = state.take()
        fresh = frozenset[str]() if held is None else self._dependencies.handed_out(resource, now - FRESH)
        context = AssemblyContext(now, self._grace_period, self._dependencies.links_directory, held, fresh)
        state.assembled = assemble(state.spec, self._inventory, state.assembled, context)
        state.is_recorded = False
        self._following_up.request()
        before = self.store.snapshot(resource)
        devices = device_set(state.spec, state.assembled, self._inventory, before.devices)
        if before.generation and devices == before.devices:
            return False
        self._dependencies.link(devices)
        self.store.publish(devices, caused_at)
        state.unannounced.append((before.devices, devices, now))
        return before.generation > 0  # the list that a registration begins with is no change, and holds up none

    # What follows from an assembly, once the kubelet has been told.

    def _follow_up(self) -> bool:
        self._schedule_expiry()
        self._schedule_settling()
        self._record()
        for state in self._states.values():
            unannounced, state.unannounced = state.unannounced, []
            for before, devices, now in unannounced:
                self._change_log.announce(before, devices, now)
        return False

    def _record(self) -> None:
        """Write down what is offered, for the next process."""
        for state in self._states.values():
            if not state.is_recorded:
                state.is_recorded = True
                self._dependencies.keep(state.spec, state.assembled)

    def _schedule_expiry(self) -> None:
        """Have it asked what pods hold when the time of an absent device is up."""
        if self._expiry is not None:
            self._expiry.cancel()
        times = [when for state in self._states.values() if (when := state.expires_at) is not None]
        self._expiry = self._loop.call_at(max(min(times), self._ask_after), self._ask.set) if times else None

    def _schedule_settling(self) -> None:
        """Look at USB devices again once nothing has changed about them for long enough."""
        if self._settling is not None:
            self._settling.cancel()
        times = [when for state in self._states.values() if (when := state.assembled.settles_at) is not None]
        self._settling = self._loop.call_at(min(times), self._settle) if times else None

    def _settle(self) -> None:
        for state in self._states.values():
            if (when := state.assembled.settles_at) is not None and when <= self._loop.time():
                state.change(None)

    async def _ask_when_due(self) -> None:
        """Ask which devices pods hold, and forget what nobody holds and nobody has seen for long enough."""
        while True:
            await self._ask.wait()
            await self.has_looked.wait()
            self._ask.clear()
            held = await self._dependencies.held()
            if held is None:
                self._ask_after = self._loop.time() + ASK_AGAIN
                self._schedule_expiry()
                continue
            self._ask_after = 0.0
            for resource, state in self._states.items():
                if not state.is_pending:
                    state.consider(held.get(resource, frozenset()))
