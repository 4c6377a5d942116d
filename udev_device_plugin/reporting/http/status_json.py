r"""The JSON of ``/devices``, in pieces, and in parts.

Pure. Times are the wall clock's, computed with the clock as it is now, since a machine without a battery sets its clock
late. Keys keep their meaning as long as ``form`` is 2; new ones may be added. Each resource, device and ID has a line
of its own.

============================ ===========================================================================================
key                          meaning
============================ ===========================================================================================
``generated``                when this was made
``continue``                 what the query of the next part has (``?limit=LINES``); null in the last, and without limit
``form``                     2
``version, host``            of this program; the machine's name
``generation``               opaque; ``/devices?newer-than=GENERATION`` answers when it is another one, or after 15 s
``started``                  when the program started
``pods``                     ``known``: whether the kubelet answers which pods hold what
``problems``                 why ``/healthz`` fails, and notes; most often none
``hasLooked``                the whole host has been read once; nothing is registered before
``events``                   of the program as a whole, as below
``resources[]``              in the configuration's order
``.name``                    as pods ask for it
``.connected, .trouble``     whether the kubelet has a stream open; why not
``.listed``                  numbers of ``healthy`` and ``unhealthy`` IDs now
``.kubelet``                 the same as last sent to the kubelet, and when (``sent``); null: nothing yet
``.events[]``                what happened lately, the newest first: ``number`` (of all), ``time``, ``kind``, …
``.devices[]``               sorted by identity
``..identity``               of the device: one text for each required member
``..health, ..since``        ``Healthy`` or ``Unhealthy``, and when that changed last
``..numaNodes``              of the device
``..members[]``              what a container gets: ``type``, ``node``, ``number``, ``hostPath``, ``containerPath``, …
``..replicas[]``             ``id``: the kubelet's; ``held``: by a pod, null if not known; ``holder``: by which
``.remembered[]``            IDs that pods hold, of devices that have not been seen since the program started
============================ ===========================================================================================

A part begins with the resource and the device that the lines of the part before ended in. In paths, a byte that is no
UTF-8 is spelled ``\xff``. ``<``, ``>`` and ``&`` occur in strings only, spelled ``\u003c`` …: the page has it as it is.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from udev_device_plugin import __version__
from udev_device_plugin.devices.device import Holder
from udev_device_plugin.reporting.http.status import ResourceStatus, Status
from udev_device_plugin.reporting.json_values import device_values, listed, readable
from udev_device_plugin.telemetry.event_log import Event

FORM = 2

_MARKUP = str.maketrans({character: f"\\u{ord(character):04x}" for character in "<>&"})


def moment(status: Status, continue_: str | None = None) -> bytes:
    """Return the beginning: what differs between two JSONs of one state."""
    values = {"generated": status.wall(status.now), "continue": continue_}
    return (_dumps(values)[:-1] + ",\n").encode("ascii")


def count_lines(status: Status) -> int:
    """Return the number of resources, devices and IDs."""
    return sum(map(_count_lines, status.resources))


def to_json(status: Status, lines: range) -> Iterator[str]:
    """Return the rest in pieces, in ASCII.

    Args:
        status: of which moment does not matter (see ``moment``).
        lines: which of the ``count_lines``.
    """
    values = {
        "form": FORM,
        "version": __version__,
        "host": readable(status.host),
        "generation": status.generation,
        "started": status.wall(status.started),
        "pods": {"known": status.holders is not None},
        "problems": [*map(readable, status.problems)],
        "hasLooked": status.has_looked,
        "events": _events(status.events, status.wall),
    }
    yield _dumps(values)[1:-1] + ', "resources": ['
    start, separator = 0, "\n"
    for resource in status.resources:
        end = start + _count_lines(resource)
        if start < lines.stop and lines.start < end:
            yield separator
            yield from _resource(resource, status, range(lines.start - start, lines.stop - start))
            separator = ",\n"
        start = end
    yield "]}\n"


_Wall = Callable[[float], str]


def _count_lines(resource: ResourceStatus) -> int:
    return 1 + sum(1 + device.count for device in resource.devices.devices) + len(resource.devices.unseen)


def _resource(resource: ResourceStatus, status: Status, lines: range) -> Iterator[str]:
    """Return a resource; ``lines`` are counted from its own first one, and may exceed it."""
    devices, sent = resource.devices, resource.sent
    held = status.holders.get(devices.resource) if status.holders is not None else None
    values = {
        "name": devices.resource,
        "connected": resource.trouble is None,
        "trouble": resource.trouble and readable(resource.trouble),
        "listed": listed(devices),
        "kubelet": sent and {**listed(sent[1]), "sent": status.wall(sent[0])},
        "events": _events(resource.events, status.wall),
    }
    yield _dumps(values)[:-1] + ', "devices": ['
    start, separator = 1, "\n"
    for device in devices.devices:
        end = start + 1 + device.count
        if start < lines.stop and lines.start < end:
            replicas = range(max(0, lines.start - start - 1), min(device.count, lines.stop - start - 1))
            yield separator + _dumps({**device_values(device), "since": status.wall(device.since)})[:-1]
            yield ', "replicas": '
            yield from _list(_replica(device.id(devices.resource, one), held) for one in replicas)
            yield "}"
            separator = ",\n"
        start = end
    yield '], "remembered": '
    unseen = devices.unseen[max(0, lines.start - start) : max(0, lines.stop - start)]
    yield from _list({**_replica(id_, held), "since": status.wall(since)} for id_, since in unseen)
    yield "}"


def _list(items: Iterable[Any]) -> Iterator[str]:
    yield "["
    for index, item in enumerate(items):
        yield (",\n" if index else "\n") + _dumps(item)
    yield "]"


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


def _dumps(value: Any) -> str:
    return json.dumps(value).translate(_MARKUP)
