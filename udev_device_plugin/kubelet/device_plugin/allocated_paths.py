"""The host paths that ``Allocate`` answered.

Event loop only. The kubelet uses the answer again when the container restarts. A path in it may lead to another USB
device by then: a second one with the same serial number takes over the first one's link. Or the link is gone. The
container has to wait in these cases.
"""

import os
from collections.abc import Iterable, Iterator

from udev_device_plugin.devices.device import DeviceSet
from udev_device_plugin.devices.identity import id_base

MAX_REMEMBERED = 10_000
"""Replicas, the latest ones. A node has far fewer."""


class AllocatedPaths:
    """The paths of one resource's allocations since the plugin started."""

    def __init__(self) -> None:
        self._latest: dict[str, tuple[float, frozenset[str]]] = {}  # by replica, the oldest first

    def note(self, devices: DeviceSet, ids: Iterable[str], now: float) -> None:
        """Remember the present paths of devices that are allocated now; a replica's latest allocation counts."""
        for id_ in ids:
            device = devices.by_base.get(id_base(id_))
            if device is not None:
                self._latest.pop(id_, None)
                paths = frozenset(member.host_path for member in device.members if not member.is_optional)
                self._latest[id_] = (now, paths)
        while len(self._latest) > MAX_REMEMBERED:
            del self._latest[next(iter(self._latest))]

    def since(self, moment: float) -> frozenset[str]:
        """Return the IDs that were allocated at ``moment`` or later."""
        return frozenset(id_ for id_, (at, _) in self._latest.items() if at >= moment)

    def strayed(self, devices: DeviceSet, ids: Iterable[str]) -> Iterator[str]:
        """Return a text for each allocated path of a present device that does not belong to the device any more."""
        strayed: set[str] = set()
        contended: set[str] = set()
        for id_ in ids:
            device = devices.by_base.get(id_base(id_))
            if device is not None and device.is_healthy:
                _, allocated = self._latest.get(id_, (0.0, frozenset()))
                strayed |= allocated - {path for one in device.members for path in (one.host_path, one.own_link)}
                contended.update(link for member in device.members for link in member.contended)
        for path in sorted(strayed):
            yield f"{path} {_why(path, is_contended=path in contended)}"


def _why(path: str, *, is_contended: bool) -> str:
    """Say what is wrong with a path that does not belong to its device any more, and what to do."""
    if is_contended:
        return "may lead to another device now, which claims the same serial number: unplug that one, or delete the pod"
    if not os.path.lexists(path):
        return "is not there any more: the container starts when udev makes it again; or delete the pod"
    return "is a link that udev does not vouch for any more, and may lead to another device now: delete the pod"
