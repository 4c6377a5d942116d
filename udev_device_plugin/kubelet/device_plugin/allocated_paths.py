"""Remembers under which host paths devices were handed out.

Pure. The kubelet gives a container that restarts the very answer that it got from ``Allocate`` once. A path in
it that led to the right USB device then may lead to another now: a second USB device with the same serial number takes
the first one's link along. Better to wait than to be given that.
"""

from collections import deque
from collections.abc import Iterable, Iterator

from udev_device_plugin.devices.identity import id_base
from udev_device_plugin.devices.store import DeviceSet

MAX_REMEMBERED = 10_000
"""Replicas; the oldest allocations are forgotten first. A node has far fewer."""


class AllocatedPaths:
    """What one resource's devices were handed out as, since the plugin started."""

    def __init__(self) -> None:
        self._paths: dict[str, frozenset[str]] = {}
        self._latest: deque[tuple[float, str]] = deque(maxlen=MAX_REMEMBERED)

    def note(self, devices: DeviceSet, ids: Iterable[str], now: float) -> None:
        """These devices were handed out as they are described now; of each replica, the latest counts."""
        for id_ in ids:
            device = devices.by_base.get(id_base(id_))
            if device is not None:
                self._paths.pop(id_, None)
                self._paths[id_] = frozenset(member.host_path for member in device.members if not member.is_optional)
                self._latest.append((now, id_))
        while len(self._paths) > MAX_REMEMBERED:
            del self._paths[next(iter(self._paths))]

    def since(self, moment: float) -> frozenset[str]:
        """The IDs that were handed out at ``moment`` or later."""
        while self._latest and self._latest[0][0] < moment:
            self._latest.popleft()
        return frozenset(id_ for _, id_ in self._latest)

    def strayed(self, devices: DeviceSet, ids: Iterable[str]) -> Iterator[str]:
        """For each path that one of these was handed out under, and that is not its own any more: what to tell."""
        strayed: set[str] = set()
        for id_ in ids:
            device = devices.by_base.get(id_base(id_))
            if device is not None and device.is_healthy:
                strayed |= self._paths.get(id_, frozenset()) - {
                    path for member in device.members for path in (member.host_path, member.own_link)
                }
        for path in sorted(strayed):
            yield (
                f"{path} may lead to another device now, which claims the same serial number:"
                " unplug that one, or delete the pod"
            )
