"""Says in the log, and in the event log, what became of devices, and what is doubtful about the configuration.

Event loop only, after the kubelet has been told.
"""

import logging
from collections.abc import Iterable, Sequence

from udev_device_plugin.devices.store import Device, DeviceSet
from udev_device_plugin.host.model import DeviceNumber
from udev_device_plugin.telemetry.event_log import EventKind, EventLog

logger = logging.getLogger(__name__)

_MAX_NAMED = 10
"""How many devices one log line names."""


class ChangeLog:
    """Compares the device sets that it is shown."""

    def __init__(self, event_log: EventLog) -> None:
        self._event_log = event_log
        self._offered: dict[str, frozenset[DeviceNumber]] = {}
        self._shared: set[frozenset[str]] = set()

    def announce(self, before: DeviceSet, after: DeviceSet, now: float) -> None:
        """Say what is new; ``now``: monotonic seconds."""
        was, is_now = _others(before, after), _others(after, before)
        self._say_difference(was, is_now, after, now)
        self._say_remembered(before, after, now)
        self._event_log.changed()  # paths may differ where nothing is said of it
        self._warn_of_shared_nodes(after.resource, _numbers(was), _numbers(is_now))

    def forget(self, resource: str) -> None:
        """A resource is not offered any more."""
        self._offered.pop(resource, None)
        self._shared = {pair for pair in self._shared if resource not in pair}

    def _warn_of_shared_nodes(
        self, resource: str, gone: frozenset[DeviceNumber], come: frozenset[DeviceNumber]
    ) -> None:
        """Say once for each two resources that both offer one node: two pods may get it."""
        mine = self._offered[resource] = self._offered.get(resource, frozenset()) - gone | come
        for other, theirs in self._offered.items():
            pair = frozenset((resource, other))
            if resource != other and pair not in self._shared and (both := mine & theirs):
                self._shared.add(pair)
                logger.warning(
                    "two resources offer the same device nodes, so two pods may get them: let their paths not overlap",
                    extra={"resources": sorted(pair), "nodes": sorted(map(str, both))[:_MAX_NAMED]},
                )

    def _say_difference(
        self, before: Sequence[Device], changed: Sequence[Device], after: DeviceSet, now: float
    ) -> None:
        """Say which devices came, went, or were forgotten."""
        was = {device.identity: device.is_healthy for device in before}
        now_is = {device.identity: device.is_healthy for device in changed}
        for text, kind, identities in (
            (
                "devices are here",
                EventKind.HERE,
                [key for key, healthy in now_is.items() if healthy and not was.get(key)],
            ),
            (
                "devices are gone",
                EventKind.GONE,
                [key for key, healthy in now_is.items() if not healthy and was.get(key)],
            ),
            ("devices are forgotten", EventKind.FORGOTTEN, [key for key in was if key not in now_is]),
        ):
            if identities:
                named = [" + ".join(identity) for identity in identities]
                self._event_log.note(after.resource, now, kind, named)
                more = [f"and {len(named) - _MAX_NAMED} more"] if len(named) > _MAX_NAMED else []
                said = {"resource": after.resource, "devices": named[:_MAX_NAMED] + more, "listed": after.count}
                logger.info(text, extra=said)

    def _say_remembered(self, before: DeviceSet, after: DeviceSet, now: float) -> None:
        for id_, _ in sorted(set(after.remembered) - set(before.remembered)):
            self._event_log.note(after.resource, now, EventKind.HELD_UNSEEN, [id_])
            logger.info("a pod holds a device that is not here", extra={"resource": after.resource, "device_id": id_})


def _others(devices: DeviceSet, than: DeviceSet) -> Sequence[Device]:
    """What the one set has and the other has not."""
    same = {device.identity: device for device in than.devices}
    return [device for device in devices.devices if same.get(device.identity) != device]


def _numbers(devices: Iterable[Device]) -> frozenset[DeviceNumber]:
    return frozenset(member.number for device in devices for member in device.members if member.number)
