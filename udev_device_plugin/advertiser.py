"""The waist at work: observations in, device sets on the boards out.

Floor 4; runs on the main loop. All deciding is done by the pure rooms below (``inventory``, ``formation``); here is
only when it is done: the first change is published at once, changes in its wake are gathered, so that a burst costs the
kubelet few messages. Knows neither udev nor the kubelet.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import ParamSpec

from udev_device_plugin.config.specs import ResourceSpec
from udev_device_plugin.formation import Formation, device_set, form
from udev_device_plugin.globs import Glob
from udev_device_plugin.inventory import Inventory
from udev_device_plugin.observations import DeviceObserved, DeviceRemoved, Observation, UdevResync
from udev_device_plugin.snapshots import Board, DeviceSet, Snapshot

logger = logging.getLogger(__name__)

WINDOW = 0.05
"""For how many seconds after a published change further changes of the resource are gathered."""

_MAX_NAMED = 10
"""How many devices one log line names."""

_P = ParamSpec("_P")

Look = Callable[[Iterable[str]], Sequence[Observation]]
"""Looks at paths on the host right now, and tells what changed there."""


class Advertiser:
    """Keeps the inventory and the boards of ``specs``.

    Args:
        specs: what to offer.
        look: asked for the paths that udev speaks of: udev decides what a device is, the filesystem what exists.
        grace_period: for how many seconds an absent device stays listed.

    Attributes:
        boards: one for each resource, in the specs' order.
        has_looked: set once every source has had its first complete look at the host.
    """

    def __init__(self, specs: Iterable[ResourceSpec], look: Look, grace_period: float) -> None:
        self._specs = {spec.resource: spec for spec in specs}
        self._look = look
        self._grace_period = grace_period
        self._inventory = Inventory(
            path.glob for spec in self._specs.values() for group in spec.groups for path in group.paths
        )
        self._formations = dict.fromkeys(self._specs, Formation())
        self._dirty: dict[str, float | None] = {}
        self._windows: dict[str, asyncio.TimerHandle] = {}
        self._expiries: dict[str, asyncio.TimerHandle] = {}
        self._loop = asyncio.get_running_loop()
        self._broken: asyncio.Future[None] = self._loop.create_future()
        self.boards = {resource: Board(Snapshot(DeviceSet(resource), 0)) for resource in self._specs}
        self.has_looked = asyncio.Event()

    async def run(self) -> None:
        """Work until cancelled.

        Raises:
            Exception: whatever taking in an observation failed with; a retry would not mend it.
        """
        try:
            await self._broken
        finally:
            for timer in (*self._windows.values(), *self._expiries.values()):
                timer.cancel()

    def observe(self, observations: Sequence[Observation], received: float) -> None:
        """Take observations in (the sources' sink); ``received``: when the first came, monotonic seconds."""
        self._guarded(self._take_in, observations, received)

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
            names = self._names(observation)
            touched |= self._inventory.observe(observation)
            for seen in self._look(names):
                touched |= self._inventory.observe(seen)
        if self.has_looked.is_set():
            for resource, spec in self._specs.items():
                if any(path.glob in touched for group in spec.groups for path in group.paths):
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

    def _touch(self, resource: str, received: float | None) -> None:
        """Something changed for a resource: published now, or with the window that is open."""
        self._dirty.setdefault(resource, received)
        if resource not in self._windows:
            self._publish(resource)

    def _publish(self, resource: str) -> None:
        """Form the resource's devices anew, and pin them up if that changed anything."""
        received = self._dirty.pop(resource)
        spec, board = self._specs[resource], self.boards[resource]
        formation = form(
            spec,
            self._inventory,
            self._formations[resource],
            now=self._loop.time(),
            grace_period=self._grace_period,
        )
        self._formations[resource] = formation
        self._expire_at(resource, formation.expires_at)
        devices = device_set(spec, formation)
        before = board.snapshot.devices
        if devices == before and board.snapshot.generation:
            return
        _log_difference(before, devices)
        board.publish(devices, received)
        self._windows[resource] = self._loop.call_later(WINDOW, self._guarded, self._end_window, resource)

    def _end_window(self, resource: str) -> None:
        del self._windows[resource]
        if resource in self._dirty:
            self._publish(resource)

    def _expire_at(self, resource: str, when: float | None) -> None:
        """Have the resource formed anew when an absent device's time is up."""
        if (timer := self._expiries.pop(resource, None)) is not None:
            timer.cancel()
        if when is not None:
            self._expiries[resource] = self._loop.call_at(when, self._guarded, self._touch, resource, None)


def _log_difference(before: DeviceSet, after: DeviceSet) -> None:
    """Say which devices came, went, or were forgotten."""
    was = {device.identity: device.is_healthy for device in before.devices}
    now = {device.identity: device.is_healthy for device in after.devices}
    for text, identities in (
        ("devices are here", [key for key, healthy in now.items() if healthy and not was.get(key)]),
        ("devices are gone", [key for key, healthy in now.items() if not healthy and was.get(key)]),
        ("devices are forgotten", [key for key in was if key not in now]),
    ):
        if identities:
            named = [" + ".join(identity) for identity in identities[:_MAX_NAMED]]
            more = [f"and {len(identities) - _MAX_NAMED} more"] if len(identities) > _MAX_NAMED else []
            logger.info(text, extra={"resource": after.resource, "devices": named + more, "listed": after.count})
