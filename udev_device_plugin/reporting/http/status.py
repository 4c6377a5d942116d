r"""The status of the program as frozen values, and ``/devices``: the same as JSON.

Pure; used on a request's thread. Times are the event loop's (monotonic seconds); in the JSON, the wall clock's,
computed with the clock as it is now, since a machine without a battery sets its clock late. Keys of the JSON keep their
meaning as long as ``form`` is 2; new ones may be added.

======================== ===============================================================================================
key                      meaning
======================== ===============================================================================================
``form``                 2
``version, host``        of this program; the machine's name
``generation``           opaque; ``/devices?newer-than=GENERATION`` answers when it is not this any more, or after 15 s
``generated, started``   when this was made, when the program started
``problems``             why ``/healthz`` fails, and notes; most often none
``hasLooked``            the whole host has been read once; nothing is registered before
``pods``                 ``known``: the kubelet answers which pods hold what; ``asked``: when it was asked
``events``               of the program as a whole, as below
``resources[]``          in the configuration's order
``.name``                as pods ask for it
``.connected, .trouble`` whether the kubelet has a stream open; why not
``.listed``              numbers of ``healthy`` and ``unhealthy`` IDs now
``.kubelet``             the same as last sent to the kubelet, and when (``sent``); null: nothing yet
``.devices[]``           sorted by identity
``..identity``           of the device: one text for each required member
``..health, ..since``    ``Healthy`` or ``Unhealthy``, and when that changed last
``..numaNodes``          of the device
``..replicas[]``         ``id``: the kubelet's; ``held``: by a pod, null if not known; ``holder``: by which
``..members[]``          what a container gets: ``type``, ``node``, ``number``, ``hostPath``, ``containerPath``, …
``.remembered[]``        IDs that pods hold, of devices that have not been seen since the program started
``.events[]``            what happened lately, the newest first: ``number`` (of all), ``time``, ``kind``, ``devices``, …
======================== ===============================================================================================

In paths, a byte that is no UTF-8 is spelled ``\xff``.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from udev_device_plugin import __version__
from udev_device_plugin.devices.device import Device, DeviceSet, Holder
from udev_device_plugin.devices.identity import device_id
from udev_device_plugin.reporting.json_values import device_values, readable
from udev_device_plugin.telemetry.event_log import Event, LastSent

FORM = 2


@dataclass(frozen=True, slots=True)
class Holders:
    """Which pods hold what.

    Attributes:
        asked: when the kubelet was asked, monotonic seconds.
        by_resource: resource → held ID → its holder; None: the kubelet did not answer.
    """

    asked: float
    by_resource: Mapping[str, Mapping[str, Holder]] | None

    def of(self, resource: str) -> Mapping[str, Holder] | None:
        """Return the holders of a resource's IDs; None if they are not known."""
        return None if self.by_resource is None else self.by_resource.get(resource)


@dataclass(frozen=True, slots=True)
class ResourceStatus:
    """The status of one resource.

    Attributes:
        devices: what is offered.
        trouble: why the kubelet has no stream open; None if it has.
        sent: what was last sent to the kubelet.
        events: the oldest first.
    """

    devices: DeviceSet
    trouble: str | None = None
    sent: LastSent | None = None
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Status:
    """The status of the program at one moment.

    Attributes:
        generation: identifies run and state.
        now: the moment, monotonic seconds.
        clock: the same, seconds since 1970.
        started: when the program started, monotonic seconds.
        host: the machine's name.
        has_looked: whether the whole host has been read once.
        holders: None: the kubelet has not been asked yet.
        problems: why ``/healthz`` fails, and notes.
        events: of the program as a whole, the oldest first.
    """

    generation: str
    now: float
    clock: float
    started: float
    host: str = ""
    has_looked: bool = True
    resources: tuple[ResourceStatus, ...] = ()
    holders: Holders | None = None
    problems: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()


def to_json(status: Status, indent: int | None = None) -> str:
    """Return the JSON of ``/devices``, in ASCII."""

    def wall(moment: float) -> str:
        at = datetime.fromtimestamp(status.clock - (status.now - moment), UTC)
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    holders = status.holders
    return json.dumps(
        {
            "form": FORM,
            "version": __version__,
            "host": readable(status.host),
            "generation": status.generation,
            "generated": wall(status.now),
            "started": wall(status.started),
            "problems": [*map(readable, status.problems)],
            "hasLooked": status.has_looked,
            "pods": {
                "known": holders is not None and holders.by_resource is not None,
                "asked": wall(holders.asked) if holders else None,
            },
            "resources": [_resource(resource, holders, wall) for resource in status.resources],
            "events": _events(status.events, wall),
        },
        indent=indent,
    )


_Wall = Callable[[float], str]


def _resource(resource: ResourceStatus, holders: Holders | None, wall: _Wall) -> dict[str, Any]:
    devices, sent = resource.devices, resource.sent
    held = holders.of(devices.resource) if holders else None
    return {
        "name": devices.resource,
        "connected": resource.trouble is None,
        "trouble": resource.trouble and readable(resource.trouble),
        "listed": {"healthy": devices.healthy_count, "unhealthy": devices.count - devices.healthy_count},
        "kubelet": sent and {"healthy": sent.healthy, "unhealthy": sent.unhealthy, "sent": wall(sent.at)},
        "devices": [_device(devices.resource, device, held, wall) for device in devices.devices],
        "remembered": [{**_replica(id_, held), "since": wall(since)} for id_, since in devices.unseen],
        "events": _events(resource.events, wall),
    }


def _device(resource: str, device: Device, held: Mapping[str, Holder] | None, wall: _Wall) -> dict[str, Any]:
    return {
        **device_values(device),
        "since": wall(device.since),
        "replicas": [_replica(device_id(resource, device.identity, replica), held) for replica in range(device.count)],
    }


def _replica(id_: str, held: Mapping[str, Holder] | None) -> dict[str, Any]:
    holder = held.get(id_) if held is not None else None
    return {
        "id": readable(id_),
        "held": None if held is None else holder is not None,
        "holder": holder
        and {
            "namespace": readable(holder.namespace),
            "pod": readable(holder.pod),
            "container": readable(holder.container),
        },
    }


def _events(events: Iterable[Event], wall: _Wall) -> list[dict[str, Any]]:
    return [
        {
            "number": event.number,
            "time": wall(event.at),
            "kind": event.kind.value,
            "devices": [*map(readable, event.devices)],
            "more": event.more,
            "text": readable(event.text),
            "times": event.times,
        }
        for event in reversed(tuple(events))
    ]
