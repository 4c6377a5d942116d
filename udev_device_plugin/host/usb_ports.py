"""Reads in sysfs what the port of a USB device is.

Any thread. A socket of USB 3 has two ports, on two buses, which sysfs joins by links named ``peer``: a device is at the
one or the other by the version of USB that it speaks at the moment.
"""

import os
import re

from udev_device_plugin.filesystem.small_files import beginning
from udev_device_plugin.host.topology import root_hub, usb_port_at

_PORT = re.compile(r"(?P<hub>/sys/devices/.+)/[^/]+/[^/]+-port(?P<number>\d+)")
"""The place of a port in sysfs: below an interface of its hub."""

_VERSION = 16
"""Bytes of a root hub's version: `` 2.00`` and a newline."""


def physical_port(usb_device: str) -> str:
    """Return the socket that a USB device is plugged into, by the name of its USB 2 port (`topology.usb_port`)."""
    place = _usb_2_side(usb_device)
    return usb_port_at(place, usb_version(place))


def _usb_2_side(usb_device: str) -> str:
    """Return the place that a USB device would have in sysfs if it spoke USB 2."""
    hub, name = os.path.split(usb_device)
    number, is_at_root = re.split(r"[-.]", name)[-1], os.path.basename(hub).startswith("usb")
    if name.startswith("usb") or usb_version(usb_device) in ("1", "2"):
        return usb_device
    hub_name = os.path.basename(hub)
    interface = f"{hub_name.removeprefix('usb')}-0:1.0" if is_at_root else f"{hub_name}:1.0"
    peer = os.path.realpath(f"{hub}/{interface}/{hub_name}-port{number}/peer")
    if (other := _PORT.fullmatch(peer)) is not None:
        return _plugged(other["hub"], other["number"])
    # A hub's other side may not be there yet. Its ports have the same numbers: so the kernel joins them.
    return usb_device if is_at_root else _plugged(_usb_2_side(hub), number)


def _plugged(hub: str, number: str) -> str:
    """Return the place of what is plugged into a port of a hub."""
    name = os.path.basename(hub)
    return f"{hub}/{name.removeprefix('usb')}-{number}" if name.startswith("usb") else f"{hub}/{name}.{number}"


def usb_version(sys_path: str) -> str:
    """Return the major version of the bus that a device is on, by its root hub: ``2``, ``3``; "" if it is on none."""
    hub = root_hub(sys_path)
    version = b"" if hub is None else beginning(f"{hub}/version", _VERSION)
    return version.decode("ascii", "replace").strip().partition(".")[0]
