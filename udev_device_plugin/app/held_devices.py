"""The IDs that pods hold, for the controller. Event loop only."""

import os
from collections.abc import Callable, Iterable

from udev_device_plugin.controller.dependencies import HeldIds
from udev_device_plugin.kubelet.pod_resources import PodResources


class HeldDevices:
    """Queries the kubelet.

    Args:
        pod_resources: the client.
        socket: its socket.
        resources: returns the offered resources.
    """

    def __init__(self, pod_resources: PodResources, socket: str, resources: Callable[[], Iterable[str]]) -> None:
        self._pod_resources = pod_resources
        self._socket = socket
        self._resources = resources
        self._has_answered = False

    async def ids(self) -> HeldIds | None:
        """Return held IDs by resource; empty if no kubelet serves this, None if it does not answer now."""
        resources = tuple(self._resources())
        held = await self._pod_resources.held(resources)
        if held is None:
            is_served = self._has_answered or os.path.exists(self._socket)
            return None if is_served else {}
        self._has_answered = True
        return held
