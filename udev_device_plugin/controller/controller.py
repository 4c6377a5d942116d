"""Reconciles the published device lists with what was read of the host.

Event loop only. Pure functions (``inventory``, ``assembly``) decide what a resource offers, as a whole at each change.
The controller decides when: the first change of a resource is published at once, those of the next 50 ms together, so
that a burst costs the kubelet few messages. An absent device is forgotten only after PodResources was asked about it.
"""

import asyncio
from collections.abc import Collection, Iterable
from functools import partial

from udev_device_plugin.config.specs import MAX_IDS, ResourceSpec
from udev_device_plugin.controller.change_log import ChangeLog
from udev_device_plugin.controller.debouncer import Debouncer
from udev_device_plugin.controller.dependencies import Dependencies
from udev_device_plugin.controller.former_devices import FormerDevices
from udev_device_plugin.controller.resource_state import ResourceState
from udev_device_plugin.devices.assembled import AssemblyContext
from udev_device_plugin.devices.assembly import assemble
from udev_device_plugin.devices.bounds import within_bounds
from udev_device_plugin.devices.describe import device_set
from udev_device_plugin.devices.retention import FRESH, under_grace_period
from udev_device_plugin.devices.store import DeviceStore
from udev_device_plugin.host.interest import Interest
from udev_device_plugin.host.inventory import Inventory
from udev_device_plugin.host.looks import HostLook
from udev_device_plugin.host.model import OfferedNodes

WINDOW = 0.05
"""Seconds after a published change in which further changes of the resource are merged."""

ASK_AGAIN = 2.0
"""Seconds until PodResources is asked again if it does not answer now."""

_FOLLOW_UP_AFTER = 0.002
"""Seconds: the kubelet gets a change before the log and the identity record do."""


class Controller:
    """Keeps the inventory and the published lists of ``specs``, with absent devices for ``grace_period`` seconds.

    Attributes:
        store: the published lists.
        interest: what has to be looked for on the host.
        has_looked: set once the whole host has been read for the first time.
    """

    def __init__(self, specs: Iterable[ResourceSpec], dependencies: Dependencies, grace_period: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._dependencies = dependencies
        self._grace_period = grace_period
        self._states = {spec.resource: self._state(spec) for spec in specs}
        self.store = DeviceStore(self._states)
        self._states |= {one: self._state(ResourceSpec(one, ())) for one in dependencies.former(self._states)}
        self.interest = Interest.of(state.spec for state in self._states.values())
        self._inventory = Inventory(self.interest.selectors)
        self._former = FormerDevices(lambda: self._states, dependencies)
        self._change_log = ChangeLog(dependencies.event_log)
        self._following_up: asyncio.TimerHandle | None = None
        self._timers: list[asyncio.TimerHandle] = []
        self._ask = asyncio.Event()
        self._ask_after = 0.0
        self.has_looked = asyncio.Event()

    @property
    def offered_nodes(self) -> OfferedNodes:
        """The nodes of all devices; at first, of those that an earlier process has offered."""
        return frozenset().union(*(state.assembled.nodes for state in self._states.values()))

    async def run(self) -> None:
        """Ask what pods hold whenever that is due, until cancelled; then cancel all timers."""
        try:
            await self._ask_when_due()
        finally:
            self._record()
            if self._following_up is not None:
                self._following_up.cancel()
            for state in self._states.values():
                state.debouncer.cancel()
            for timer in self._timers:
                timer.cancel()

    def observe(self, look: HostLook) -> None:
        """Take in what was read of the host."""
        touched = self._inventory.replace(look)
        self._offer_pending()
        if self.has_looked.is_set():
            for state in self._states.values():
                if not state.selectors.isdisjoint(touched):
                    state.change(look.received)
        elif self._inventory.is_complete:
            self._former.mark_as_noted()
            for state in self._states.values():
                state.change(None)
            self.has_looked.set()

    def configure(self, specs: Collection[ResourceSpec], grace_period: float) -> None:
        """Take another configuration; a resource with the same spec as before keeps its list.

        One that is new or changed is assembled once the host has been read for ``interest``.

        Raises:
            StartError: what a new resource has offered before cannot be read now; nothing has changed then.
        """
        new = [self._state(spec, is_pending=True) for spec in specs if spec.resource not in self._states]
        self._grace_period = grace_period
        before, self._states = self._states | {state.spec.resource: state for state in new}, {}
        for spec in specs:
            state = before.pop(spec.resource)
            if state.configured != spec:
                state.configure(spec)
            if spec.resource not in self.store.snapshots:
                self.store.add(spec.resource)
            state.assembled = under_grace_period(state.assembled, grace_period)
            self._states[spec.resource] = state
        for state in before.values():
            self._retire(state)
        self._states |= before
        self._former.mark_as_noted()
        self._look_for_all()
        self._offer_left_out()
        self._schedule()

    def ask_for_holders(self) -> None:
        """Ask which devices pods hold, as when an absent device expires: for a kubelet that has started."""
        self._ask.set()

    def _state(self, spec: ResourceSpec, *, is_pending: bool = False) -> ResourceState:
        """Return the state of a new resource, which an earlier process of the plugin may have offered."""
        debouncer = Debouncer(partial(self._reconcile, spec.resource), self._loop, cooldown=WINDOW)
        return ResourceState(spec, *self._dependencies.recall(spec), debouncer, is_pending=is_pending)

    def _retire(self, state: ResourceState) -> None:
        """Stop offering a resource; what pods hold of it is kept from others."""
        if state.is_offered:
            state.configure(ResourceSpec(state.spec.resource, ()))
            self.store.remove(state.spec.resource)
            self._change_log.forget(state.spec.resource)

    def _look_for_all(self) -> None:
        """Have the host looked at for what all resources select now."""
        self.interest = Interest.of((state.spec for state in self._states.values()), self.interest.number + 1)
        self._inventory.select(self.interest.selectors)
        self._dependencies.look_for(self.interest)

    def _offer_pending(self) -> None:
        """Assemble new and changed resources once the whole host has been read for the latest configuration."""
        pending = [state for state in self._states.values() if state.is_pending]
        if pending and self._inventory.complete_for == self.interest.number:
            for state in pending:
                state.is_pending = False
                state.change(None)
            self._ask.set()

    def _reconcile(self, resource: str) -> bool:
        """Assemble a resource, and publish its list if that has changed; return whether a cooldown begins."""
        state, now = self._states[resource], self._loop.time()
        if state.is_pending:
            return False
        caused_at, held, asked = state.take()
        fresh = frozenset[str]() if held is None else self._dependencies.handed_out(resource, asked - FRESH)
        former, withheld = state.former, self._former.withheld_from(resource, self._inventory)
        links, has_former = self._dependencies.links_directory, self._former.exist
        context = AssemblyContext(now, self._grace_period, links, held, fresh, withheld, has_former)
        ids_left = MAX_IDS - self.store.count_beside(resource)
        now_assembled = assemble(state.spec, self._inventory, state.assembled, context)
        state.assembled = within_bounds(now_assembled, state.assembled, state.spec, ids_left)
        self._former.let_others_have(resource, former)
        state.is_recorded = False
        self._following_up = self._following_up or self._loop.call_later(_FOLLOW_UP_AFTER, self._follow_up)
        before = self.store.snapshot(resource)
        devices = device_set(state.spec, state.assembled, self._inventory, before.devices)
        if before.generation and devices == before.devices:
            return False
        self._dependencies.link(devices)
        if not state.is_offered:
            return False
        self.store.publish(devices, caused_at)
        if devices.count < before.devices.count:
            self._offer_left_out(resource)
        state.unannounced.append((before.devices, devices, now))
        return before.generation > 0  # the first list is no change, and delays none

    def _offer_left_out(self, less: str = "") -> None:
        """Assemble resources again of which something was left out, now that another one lists less."""
        for resource, state in self._states.items():
            if state.assembled.left_out and resource != less:
                state.change(None)

    def _follow_up(self) -> None:
        """Do what can wait until the kubelet has got the list."""
        self._following_up = None
        self._schedule()
        self._record()
        if self._former.narrow():
            for resource in [one for one, state in self._states.items() if not state.spec.groups]:
                self._states.pop(resource).debouncer.cancel()
            self._look_for_all()
        for state in self._states.values():
            unannounced, state.unannounced = state.unannounced, []
            for before, devices, now in unannounced:
                self._change_log.announce(before, devices, now)
            if not state.is_pending:  # until then, the configuration may form them as they are held
                self._change_log.warn_of_former(state.spec.resource, state.former, state.holders)

    def _record(self) -> None:
        for state in self._states.values():
            if not state.is_recorded:
                state.is_recorded = True
                self._dependencies.keep(state.spec, state.assembled)

    def _schedule(self) -> None:
        """Set the timers for the next absent device that expires and the next USB device that becomes complete."""
        for timer in self._timers:
            timer.cancel()
        states = self._states.values()
        expire = sorted(when for state in states if (when := state.expires_at) is not None)
        settle = sorted(when for state in states if (when := state.assembled.settles_at) is not None)
        self._timers = [self._loop.call_at(max(when, self._ask_after), self._ask.set) for when in expire[:1]]
        self._timers += [self._loop.call_at(when, self._settle) for when in settle[:1]]

    def _settle(self) -> None:
        for state in self._states.values():
            if (when := state.assembled.settles_at) is not None and when <= self._loop.time():
                state.change(None)

    async def _ask_when_due(self) -> None:
        """Ask which devices pods hold when that is due, and assemble with the answer."""
        while True:
            await self._ask.wait()
            await self.has_looked.wait()
            self._ask.clear()
            asked = self._loop.time()
            held = await self._dependencies.held()
            self._ask_after = self._loop.time() + ASK_AGAIN if held is None else 0.0
            if held is not None:
                self._dependencies.forget_unheld(held, self._loop.time())
                self._former.mark_as_answered(held, asked)
                for resource, state in self._states.items():
                    # One that a reload has added meanwhile was not asked for; none was if that never gets known.
                    if not state.is_pending and (resource in held or not held):
                        state.consider(frozenset(held.get(resource, ())), asked)
            self._schedule()
