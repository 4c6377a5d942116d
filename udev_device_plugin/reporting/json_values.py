r"""How devices and texts of the host look in JSON, wherever they are shown.

Pure. A byte that is no UTF-8 becomes ``\xff``.
"""

import re
from typing import Any

from udev_device_plugin.devices.device import Device, DeviceSet, Member

_NO_UTF8 = re.compile("[\udc80-\udcff]")  # as ``os.fsdecode`` makes them
_SURROGATE = re.compile("[\ud800-\udfff]")


def listed(devices: DeviceSet) -> dict[str, int]:
    """Return how many IDs are listed by health, replicas included."""
    return {"healthy": devices.healthy_count, "unhealthy": devices.count - devices.healthy_count}


def device_values(device: Device) -> dict[str, Any]:
    """Return what a device is, and what a container gets with it."""
    return {
        "identity": [*map(readable, device.identity)],
        "health": "Healthy" if device.is_healthy else "Unhealthy",
        "numaNodes": [*device.numa_nodes],
        "members": [*map(member_values, device.members)],
    }


def member_values(member: Member) -> dict[str, Any]:
    """Return one thing that a container gets with a device."""
    return {
        "type": member.type.value,
        "identity": readable(member.identity),
        "node": readable(member.node),
        "number": str(member.number) if member.number else None,
        "hostPath": readable(member.host_path),
        "containerPath": readable(member.container_path),
        "permissions": member.permissions or None,
        "readOnly": member.read_only,
    }


def readable(text: str) -> str:
    """Spell surrogates out, which bytes that are no UTF-8 become: JSON parsers treat them differently."""
    text = _NO_UTF8.sub(lambda found: f"\\x{ord(found[0]) & 0xFF:02x}", text)
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
