r"""How values that hold what the host says are spelled in JSON, the same wherever they are shown.

Floor 3, pure. A byte that is no UTF-8 is spelled ``\xff``.
"""

import re
from typing import Any

from udev_device_plugin.devices.store import Device, Member

_NO_UTF8 = re.compile("[\udc80-\udcff]")  # as ``os.fsdecode`` has it
_HALF_A_PAIR = re.compile("[\ud800-\udfff]")


def device_values(device: Device) -> dict[str, Any]:
    """What a device is, and what a container gets with it."""
    return {
        "identity": [*map(readable, device.identity)],
        "health": "Healthy" if device.is_healthy else "Unhealthy",
        "numaNodes": [*device.numa_nodes],
        "members": [*map(member_values, device.members)],
    }


def member_values(member: Member) -> dict[str, Any]:
    """One thing that a container gets with a device."""
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
    """Halves of surrogate pairs, which are what bytes beyond UTF-8 become, are spelled out: JSON's readers differ."""
    text = _NO_UTF8.sub(lambda found: f"\\x{ord(found[0]) & 0xFF:02x}", text)
    return _HALF_A_PAIR.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
