"""Observations in, and what they change for whom: each is checked against the host as it is right now.

Floor 4; runs on the main loop. Udev says what devices are; what it speaks of is looked at before it is believed, and
what it does not speak of is asked for. Decides nothing about devices on offer.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence

from udev_device_plugin.config.specs import Selector
from udev_device_plugin.device import DeviceNumber, HostDevice
from udev_device_plugin.inventory import Inventory
from udev_device_plugin.observations import DeviceObserved, DeviceRemoved, DeviceUnknown, Observation, UdevResync

PATIENCE = 0.05
"""Seconds from a node that udev is done with to the question what it is: most often udev's event comes before that."""

Look = Callable[[Iterable[str], HostDevice | None], Sequence[Observation]]
"""Looks at paths on the host right now, and tells what changed there; beside them, the device that udev told of."""

Follow = Callable[[Collection[str], Collection[str]], Sequence[Observation]]
"""Watches nodes for their devices' sake (those that come, those that go), and tells what stands there."""

Identify = Callable[[Collection[DeviceNumber]], None]
"""Has udev describe the devices with these nodes, sooner or later."""


class Perception:
    """Keeps an inventory true.

    Args:
        inventory: what is known of the host.
        look: see ``Look``.
        follow: see ``Follow``.
        identify: see ``Identify``; called by ``guarded``.
        guarded: calls a function, and takes care of its failure: a callback's would only be logged.
    """

    def __init__(
        self,
        inventory: Inventory,
        look: Look,
        follow: Follow,
        identify: Identify,
        guarded: Callable[[Callable[[], None]], None],
    ) -> None:
        self._inventory = inventory
        self._look = look
        self._follow = follow
        self._identify = identify
        self._guarded = guarded
        self._is_wondering = False
        self._asking: asyncio.TimerHandle | None = None
        self._doubtful: frozenset[DeviceNumber] = frozenset()  # when the time to the question began
        self._asked: set[DeviceNumber] = set()  # and not answered yet

    def close(self) -> None:
        """Ask no more."""
        if self._asking is not None:
            self._asking.cancel()

    def take_in(self, observations: Iterable[Observation]) -> set[Selector]:
        """Have the inventory know; tells what asks for something that is not as it was."""
        touched = self._look_for_devices()
        looked: set[str] = set()  # what changes within this call is told by the filesystem, after it
        for observation in observations:
            self._note_answer(observation)
            # What udev speaks of is looked at before udev is believed: a node made anew is another device.
            names = self._names(observation) - looked
            device = observation.device if isinstance(observation, DeviceObserved) else None
            for seen in self._look(names, device):
                touched |= self._inventory.observe(seen)
            looked |= names
            touched |= self._inventory.observe(observation)
            touched |= self._look_for_devices()
        if not self._is_wondering:  # once the kubelet has been told
            self._is_wondering = True
            asyncio.get_running_loop().call_soon(self._guarded, self._wonder)
        return touched

    def _note_answer(self, observation: Observation) -> None:
        match observation:
            case DeviceObserved(device):
                self._asked.discard(device.number)
            case DeviceUnknown(number):
                self._asked.discard(number)
            case UdevResync():  # a session has ended, and what was asked of it may be lost
                self._asked.clear()

    def _look_for_devices(self) -> set[Selector]:
        """Look for the nodes of devices that are meant because of what they are."""
        touched: set[Selector] = set()
        while any(changed := self._inventory.take_changed_nodes()):
            for seen in self._follow(*changed):
                touched |= self._inventory.observe(seen)
        return touched

    def _names(self, observation: Observation) -> set[str]:
        """The paths whose existence an observation of udev's puts in question."""
        inventory = self._inventory
        match observation:
            case DeviceObserved(device):
                # A stick that was plugged elsewhere is not named by what is left of where it was.
                names = {*device.names, *inventory.names(device.sys_path)}
                names.difference_update([name for name in names if inventory.is_vouched_for(device, name)])
                return names.union(inventory.contenders(device))
            case DeviceRemoved(sys_path):
                return set(inventory.names(sys_path))
            case UdevResync(devices):
                told = {device.sys_path: device for device in devices}
                others = (known for known in inventory.devices.values() if told.get(known.sys_path) != known)
                doubtful = (
                    name for device in devices for name in device.names if not inventory.is_vouched_for(device, name)
                )
                return {*doubtful, *(name for device in others for name in device.names)}
        return set()

    def _wonder(self) -> None:
        """Ask udev about nodes that it is done with, should its events not come."""
        self._is_wondering = False
        if not self._inventory.is_complete:  # udev tells all that it knows as it is
            return
        if self._asking is None and (doubtful := self._inventory.unidentified() - self._asked):
            self._doubtful = doubtful
            self._asking = asyncio.get_running_loop().call_later(PATIENCE, self._guarded, self._ask)

    def _ask(self) -> None:
        self._asking = None
        # Once at a time: of two answers that say that there is none, the second is about the present then.
        if numbers := (self._inventory.unidentified() & self._doubtful) - self._asked:
            self._asked |= numbers
            self._identify(numbers)
        self._wonder()  # about what has come meanwhile: in a storm there is always something
