"""What follows for other resources from devices that pods hold and that are not configured like that any more.

Event loop only. `devices.former` says what such devices are.
"""

import time
from collections.abc import Callable, Mapping

from udev_device_plugin.controller.dependencies import Dependencies, HeldIds
from udev_device_plugin.controller.resource_state import ResourceState
from udev_device_plugin.devices.assembled import AssembledDevice, Withheld
from udev_device_plugin.devices.former import held_nodes
from udev_device_plugin.devices.retention import FRESH
from udev_device_plugin.host.inventory import Inventory


class FormerDevices:
    """Those of the resources that ``states`` returns."""

    def __init__(self, states: Callable[[], Mapping[str, ResourceState]], dependencies: Dependencies) -> None:
        self._states = states
        self._dependencies = dependencies

    def mark_as_noted(self) -> None:
        """Note what pods hold of them by the kubelet's checkpoint."""
        self.mark(self._noted(), time.monotonic())

    def mark_as_answered(self, held: HeldIds, asked: float) -> None:
        """Note what pods hold of them by an answer to what was ``asked`` then (monotonic seconds).

        Where nobody answers such questions, the checkpoint counts; without one, nothing is held.
        """
        self.mark(held or self._noted() or {resource: {} for resource in self._states()}, asked)

    def mark(self, held: HeldIds | None, asked: float) -> None:
        """Note what pods hold of them; None, or no resource: not known."""
        for resource, state in self._states().items():
            if before := state.former:
                fresh = self._dependencies.handed_out(resource, asked - FRESH)
                state.mark(None if held is None else held.get(resource), fresh, time.monotonic())
                self.let_others_have(resource, before)

    @property
    def exist(self) -> bool:
        """Whether pods may hold any."""
        return any(state.former for state in self._states().values())

    def withheld_from(self, resource: str, inventory: Inventory) -> Withheld:
        """Return what a resource may not offer, as pods hold it by former devices of others."""
        links = self._dependencies.links_directory
        others = (state for one, state in self._states().items() if one != resource)
        held = (held_nodes(state.spec, state.assembled, inventory, links) for state in others)
        return Withheld().union(*held)

    def let_others_have(self, resource: str, before: frozenset[AssembledDevice]) -> None:
        """Have all other resources assembled anew if one has not all former devices any more that it had ``before``."""
        identities = {device.identity for device in self._states()[resource].former}
        if any(device.identity not in identities for device in before):
            for one, state in self._states().items():
                if one != resource:
                    state.change(None)

    def narrow(self) -> bool:
        """Drop groups that only former devices needed which are gone; return whether less has to be looked for now."""
        states = self._states().values()
        if any(state.is_pending for state in states):
            return False
        return bool([state for state in states if state.narrow() or not state.spec.groups])

    def _noted(self) -> HeldIds | None:
        noted = self._dependencies.noted()
        return None if noted is None else {one: dict.fromkeys(noted.get(one, ())) for one in self._states()}
