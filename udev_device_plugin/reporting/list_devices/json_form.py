"""A listing as JSON: ``--list-devices --output json``.

Pure. As long as ``form`` is 1, existing keys stay and keep their meaning; new ones may be added.
Those that ``/devices`` has too are the same there.

======================== ===============================================================================================
key                      meaning
======================== ===============================================================================================
``form``                 1
``version, host``        of this program; the machine's name
``warnings[]``           what is doubtful about the configuration on this host
``resources[]``          in the configuration's order
``.name``                as pods ask for it
``.listed``              how many IDs are ``healthy`` and ``unhealthy``, replicas included
``.devices[]``           sorted by identity
``..ids[]``              the kubelet's, one for each replica
``..identity, ..health`` what makes the device itself, one text for each member that counts; ``Healthy``
``..numaNodes[]``        that the device belongs to
``..members[]``          what a container gets: ``type``, ``node``, ``number``, ``hostPath``, ``containerPath``, …
``.selectors[]``         in the configuration's order
``..group, ..member``    where it is, counted from 0; each entry of ``usb`` and ``hid``, and with
                         ``type`` each path, is a group of its own
``..kind, ..selector``   by what it selects, in a word (``path``, ``usb``); the selector, in words
``..optional``           whether its group does without it
``..matches[]``          what it gives to devices: as ``members[]``, with the device's ``ids`` and ``remarks[]``
``..misses[]``           what almost matches, or is not offered, the closest first: ``name``, ``reason``
``..more``               how many misses there are besides
``..remark``             why nothing matches; null if something does
======================== ===============================================================================================
"""

import json
import os
from collections.abc import Callable
from typing import Any

from udev_device_plugin import __version__
from udev_device_plugin.devices.device import Device
from udev_device_plugin.reporting.json_values import device_values, listed, member_values, readable
from udev_device_plugin.reporting.list_devices.model import Listing, Offered, ResourceListing, SelectorListing

FORM = 1


def to_json(listing: Listing) -> str:
    """Return the listing, indented, in ASCII: no character of it controls a terminal."""
    return json.dumps(
        {
            "form": FORM,
            "version": __version__,
            "host": readable(os.uname().nodename),
            "warnings": [*map(readable, listing.warnings)],
            "resources": [*map(_resource, listing.resources)],
        },
        indent=2,
    )


def _resource(resource: ResourceListing) -> dict[str, Any]:
    devices = resource.devices

    def ids(device: Device) -> list[str]:
        return [device.id(devices.resource, replica) for replica in range(device.count)]

    return {
        "name": devices.resource,
        "listed": listed(devices),
        "devices": [{"ids": ids(device), **device_values(device)} for device in devices.devices],
        "selectors": [_selector(selector, ids) for selector in resource.selectors],
    }


def _selector(selector: SelectorListing, ids: Callable[[Device], list[str]]) -> dict[str, Any]:
    def match(offered: Offered) -> dict[str, Any]:
        remarks = [*map(readable, offered.remarks)]
        return {**member_values(offered.member), "ids": ids(offered.device), "remarks": remarks}

    return {
        "group": selector.slot.group,
        "member": selector.slot.member,
        "kind": selector.path_spec.selector.kind,
        "selector": readable(str(selector.path_spec.selector)),
        "optional": selector.path_spec.optional,
        "matches": [*map(match, selector.offered)],
        "misses": [{"name": readable(miss.name), "reason": readable(miss.why)} for miss in selector.misses.closest],
        "more": selector.misses.more,
        "remark": readable(selector.remark) or None,
    }
