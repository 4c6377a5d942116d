"""Reports changes of devices, and resources that share device nodes, in the log and the event log.

Event loop only.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence

from udev_device_plugin.config.specs import MAX_IDS, MAX_IDS_OF_RESOURCE
from udev_device_plugin.devices.assembled import AssembledDevice
from udev_device_plugin.devices.device import Device, DeviceSet, Holder
from udev_device_plugin.host.model import DeviceNumber
from udev_device_plugin.telemetry.event_log import EventKind, EventLog

logger = logging.getLogger(__name__)

_MAX_NAMED = 10
"""How many devices one log line names."""


class ChangeLog:
    """Compares the published device sets of each resource."""

    def __init__(self, event_log: EventLog) -> None:
        self._event_log = event_log
        self._offered: dict[str, frozenset[DeviceNumber]] = {}
        self._shared: set[frozenset[str]] = set()
        self._former: set[tuple[str, str]] = set()

    def announce(self, before: DeviceSet, after: DeviceSet, now: float) -> None:
        """Report a change; ``now`` in monotonic seconds."""
        old, new = _difference(before, after), _difference(after, before)
        self._log_devices(old, new, after, now)
        for id_, _ in sorted(set(after.unseen) - set(before.unseen)):
            self._event_log.note(after.resource, now, EventKind.HELD_UNSEEN, [id_])
            logger.info("a pod holds a device that is not here", extra={"resource": after.resource, "device_id": id_})
        if after.left_out and not before.left_out:
            logger.warning(
                "devices are not offered: a resource lists at most %d IDs, all together %d",
                MAX_IDS_OF_RESOURCE,
                MAX_IDS,
                extra={"resource": after.resource, "listed": after.count, "left_out": after.left_out},
            )
        self._event_log.changed()  # also if only paths have changed, which is no event
        self._warn_of_shared_nodes(after.resource, _numbers(old), _numbers(new))

    def warn_of_former(
        self, resource: str, devices: Iterable[AssembledDevice], holders: Mapping[str, Holder | None]
    ) -> None:
        """Warn once of each device that a pod holds otherwise than it is configured now."""
        held = {(resource, id_): device for device in devices for id_ in device.held_ids or ()}
        for (_, id_), device in sorted(held.items()):
            holder = holders.get(id_)
            if holder is not None and (resource, id_) not in self._former:
                self._former.add((resource, id_))
                logger.warning(
                    "a pod holds a device that the configuration does not offer like this any more: it keeps it, and"
                    " nobody else gets its nodes, until the pod ends",
                    extra={
                        "resource": resource,
                        "device": " + ".join(device.identity),
                        "device_id": id_,
                        "pod": f"{holder.namespace}/{holder.pod}",
                        "container": holder.container,
                    },
                )
        self._former = {one for one in self._former if one[0] != resource or one in held}

    def forget(self, resource: str) -> None:
        """A resource is not offered any more."""
        self._offered.pop(resource, None)
        self._shared = {pair for pair in self._shared if resource not in pair}

    def _warn_of_shared_nodes(self, resource: str, old: frozenset[DeviceNumber], new: frozenset[DeviceNumber]) -> None:
        """Warn once for each two resources that both offer one node."""
        mine = self._offered[resource] = self._offered.get(resource, frozenset()) - old | new
        for other, theirs in self._offered.items():
            pair = frozenset((resource, other))
            if resource != other and pair not in self._shared and (both := mine & theirs):
                self._shared.add(pair)
                logger.warning(
                    "two resources offer the same device nodes, so two pods may get them: let their paths not overlap",
                    extra={"resources": sorted(pair), "nodes": sorted(map(str, both))[:_MAX_NAMED]},
                )

    def _log_devices(self, old: Iterable[Device], new: Iterable[Device], after: DeviceSet, now: float) -> None:
        was = {device.identity: device.is_healthy for device in old}
        health = {device.identity: device.is_healthy for device in new}
        here = [identity for identity, is_healthy in health.items() if is_healthy and not was.get(identity)]
        gone = [identity for identity, is_healthy in health.items() if not is_healthy and was.get(identity)]
        forgotten = [identity for identity in was if identity not in health]
        for text, kind, identities in (
            ("devices are here", EventKind.HERE, here),
            ("devices are gone", EventKind.GONE, gone),
            ("devices are forgotten", EventKind.FORGOTTEN, forgotten),
        ):
            if identities:
                names = [" + ".join(identity) for identity in identities]
                self._event_log.note(after.resource, now, kind, names)
                more = [f"and {len(names) - _MAX_NAMED} more"] if len(names) > _MAX_NAMED else []
                shown = {"resource": after.resource, "devices": names[:_MAX_NAMED] + more, "listed": after.count}
                logger.info(text, extra=shown)


def _difference(devices: DeviceSet, others: DeviceSet) -> Sequence[Device]:
    """Return the devices of the one set that the other one does not have, or has otherwise."""
    same = {device.identity: device for device in others.devices}
    return [device for device in devices.devices if same.get(device.identity) != device]


def _numbers(devices: Iterable[Device]) -> frozenset[DeviceNumber]:
    return frozenset(member.number for device in devices for member in device.members if member.number)
