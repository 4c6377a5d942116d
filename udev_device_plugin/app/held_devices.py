"""Which IDs pods hold, as the controller asks. Event loop only."""

import os
from collections.abc import Callable, Iterable

from udev_device_plugin.controller.controller import HeldIds
from udev_device_plugin.kubelet.pod_resources import PodResources


class HeldDevices:
    """Asks the kubelet.

    Args:
        pod_resources: where it is asked.
        socket: the kubelet's, for that.
        resources: those that are offered now.
    """

    def __init__(self, pod_resources: PodResources, socket: str, resources: Callable[[], Iterable[str]]) -> None:
        self._pod_resources = pod_resources
        self._socket = socket
        self._resources = resources
        self._has_answered = False

    async def ids(self) -> HeldIds | None:
        """By resource; nothing if nobody ever knows, None if nobody knows just now."""
        resources = tuple(self._resources())
        held = await self._pod_resources.held(resources)
        if held is None:
            # A kubelet that serves it and does not answer now will later; where none serves it, nobody ever knows.
            is_served = self._has_answered or os.path.exists(self._socket)
            return None if is_served else {}
        self._has_answered = True
        return {resource: frozenset(held[resource]) for resource in resources}
