"""Says in the log what became of devices, and what is doubtful about the configuration.

Floor 4; runs on the main loop, after the kubelet has been told.
"""

import logging

from udev_device_plugin.device import DeviceNumber
from udev_device_plugin.snapshots import DeviceSet

logger = logging.getLogger(__name__)

_MAX_NAMED = 10
"""How many devices one log line names."""


class Announcer:
    """Compares the device sets that it is shown."""

    def __init__(self) -> None:
        self._offered: dict[str, frozenset[DeviceNumber]] = {}
        self._shared: set[frozenset[str]] = set()

    def announce(self, before: DeviceSet, after: DeviceSet) -> None:
        """Say what is new."""
        _log_difference(before, after)
        self._warn_of_shared_nodes(after)

    def forget(self, resource: str) -> None:
        """A resource is not offered any more."""
        self._offered.pop(resource, None)
        self._shared = {pair for pair in self._shared if resource not in pair}

    def _warn_of_shared_nodes(self, devices: DeviceSet) -> None:
        """Say once for each two resources that both offer one node: two pods may get it."""
        mine = self._offered[devices.resource] = frozenset(
            member.number for device in devices.devices for member in device.members if member.number
        )
        for resource, theirs in self._offered.items():
            pair = frozenset((resource, devices.resource))
            if resource != devices.resource and pair not in self._shared and (both := mine & theirs):
                self._shared.add(pair)
                logger.warning(
                    "two resources offer the same device nodes, so two pods may get them: let their paths not overlap",
                    extra={"resources": sorted(pair), "nodes": sorted(map(str, both))[:_MAX_NAMED]},
                )


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
    for id_, _ in sorted(set(after.remembered) - set(before.remembered)):
        logger.info("a pod holds a device that is not here", extra={"resource": after.resource, "device_id": id_})
