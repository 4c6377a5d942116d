"""The device IDs that pods hold, as the kubelet's checkpoint has them.

The kubelet writes ``kubelet_internal_checkpoint`` (JSON) into the plugin directory at each allocation and list, and
reads it at its start: so the file says, before a kubelet answers, which pods it is about to admit again. It is no
interface: its content is optional, and not trusted.
"""

import os
from collections.abc import Iterator, Mapping

from udev_device_plugin.filesystem import bounded_json
from udev_device_plugin.filesystem.small_files import read_regular

NAME = "kubelet_internal_checkpoint"

MAX_SIZE = 16 << 20
"""Bytes. 10,000 devices take 0.7 MB."""


def held_ids(plugin_directory: str) -> Mapping[str, frozenset[str]] | None:
    """Return the IDs that pods hold by resource; None if the file cannot be read or says something else."""
    try:
        document = bounded_json.loads(read_regular(os.path.join(plugin_directory, NAME), MAX_SIZE, flags=os.O_NOFOLLOW))
        entries = document["Data"]["PodDeviceEntries"] or ()
        held: dict[str, set[str]] = {}
        for entry in entries:
            held.setdefault(str(entry["ResourceName"]), set()).update(_ids(entry["DeviceIDs"]))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return {resource: frozenset(ids) for resource, ids in held.items()}


def _ids(device_ids: Mapping[str, list[str]]) -> Iterator[str]:
    """Yield the IDs, which stand under the NUMA node of their device."""
    for ids in device_ids.values():
        yield from map(str, ids)
