"""What the embedded kubelet knows: resources, their devices, and which container holds which.

The kubelet's event loop only; no I/O. The other modules report what happened; this one decides what that means.
"""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from udev_device_plugin.testing.records import UNHEALTHY, Allocation, ListReceived, ResourceView


class Book:
    """The device manager's state.

    Args:
        stop_grace_period: seconds after a stream's end until its resource is forgotten, when next looked at.
        on_change: called after every change.
        on_lasting_change: called before that, for the changes that a kubelet writes to its checkpoint.
    """

    def __init__(
        self, stop_grace_period: float, on_change: Callable[[], None], on_lasting_change: Callable[[], None]
    ) -> None:
        self._stop_grace_period = stop_grace_period
        self._on_change = on_change
        self._on_lasting_change = on_lasting_change
        self._resources: dict[str, ResourceView] = {}
        self._stopped: dict[str, float] = {}  # when each resource without a plugin lost it
        self._attempts: Counter[str] = Counter()
        self._allocations: list[Allocation] = []
        self._history: list[ListReceived] = []

    @property
    def history(self) -> tuple[ListReceived, ...]:
        """All lists since the start, oldest first."""
        return tuple(self._history)

    @property
    def names(self) -> tuple[str, ...]:
        """The resources of the node status, sorted."""
        self._forget_expired()
        return tuple(sorted(self._resources))

    def view(self, name: str) -> ResourceView:
        """Return a resource as it is now; one that is not known has nothing."""
        self._forget_expired()
        known = self._resources.get(name, ResourceView(name))
        return replace(known, attempts=self._attempts[name], allocated=tuple(sorted(self.held(name))))

    def begin(self) -> None:
        """Begin as after a start: the checkpoint has names, without devices, and allocations."""
        self._resources = {name: ResourceView(name) for name in self._resources}
        self._stopped = dict.fromkeys(self._resources, time.monotonic())
        self._attempts.clear()
        self._history.clear()
        self._on_change()

    def attempted(self, name: str) -> None:
        """A plugin asks for a registration."""
        self._attempts[name] += 1
        self._on_change()

    def registered(self, name: str, endpoint: str) -> None:
        """A registration succeeded. The devices stay as they were until a list comes."""
        self._stopped.pop(name, None)
        known = self._resources.get(name, ResourceView(name))
        count = known.registrations + 1
        self._resources[name] = replace(known, connected=True, endpoint=endpoint, registrations=count)
        self._on_change()

    def received(self, message: ListReceived) -> None:
        """A list came. Only the name counts: a replaced plugin's stream is as good, as in a real kubelet."""
        self._history.append(message)
        name = message.resource
        known = self._resources.get(name, ResourceView(name))
        unique = tuple({device.id: device for device in message.devices}.values())
        self._resources[name] = replace(known, devices=unique, lists=known.lists + 1)
        self._on_lasting_change()
        self._on_change()

    def disconnected(self, name: str) -> None:
        """The plugin is disconnected: capacity stays, and nothing is allocatable."""
        known = self._resources.get(name)
        if known is None:
            return
        devices = tuple(replace(device, health=UNHEALTHY) for device in known.devices)
        self._resources[name] = replace(known, devices=devices, connected=False)
        self._stopped.setdefault(name, time.monotonic())
        self._on_change()

    def held(self, name: str) -> frozenset[str]:
        """Return the IDs that containers hold."""
        return frozenset(one for held in self._allocations if held.resource == name for one in held.ids)

    @property
    def allocations(self) -> tuple[Allocation, ...]:
        """What containers hold, oldest first."""
        return tuple(self._allocations)

    def hold(self, allocation: Allocation) -> None:
        """A container got these devices."""
        self._allocations.append(allocation)
        self._on_lasting_change()
        self._on_change()

    def let_go(self, allocation: Allocation) -> None:
        """The container that held these has ended."""
        self._allocations.remove(allocation)
        self._on_lasting_change()
        self._on_change()

    def _forget_expired(self) -> None:
        latest = time.monotonic() - self._stop_grace_period
        for name in [name for name, stopped in self._stopped.items() if stopped <= latest]:
            del self._stopped[name]
            self._resources.pop(name, None)
