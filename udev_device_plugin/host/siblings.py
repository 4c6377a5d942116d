"""Which of the nodes at one place a node is: by the kernel's own attribute where there is one, else by rank.

Any thread. Two nodes are siblings if their places in sysfs differ in nothing but what the kernel counts up: the ttys
of one interface, the two tuners of one USB device. Which siblings there are is what sysfs lists now, never what udev
has announced so far.
"""

import os
import re
from collections.abc import Collection

from udev_device_plugin.filesystem.small_files import beginning
from udev_device_plugin.host.topology import place_pattern

_SOUND = re.compile(r"(?:pcm|midi|hw)C\d+D(\d+)[cp]?")
"""A sound device: its card's number, and its own within the card."""


def place_among_siblings(sys_path: str, subsystem: str, listed: Collection[str]) -> int:
    """The number of a node among its siblings, from 0.

    Args:
        sys_path: the node's place in sysfs.
        subsystem: of the node.
        listed: places in sysfs among which the siblings are; the node's own may be missing.
    """
    if (number := _own_number(sys_path, subsystem)) is not None:
        return number
    pattern = place_pattern(sys_path)
    siblings = {path for path in listed if place_pattern(path) == pattern} | {sys_path}
    return sorted(siblings, key=_natural).index(sys_path)


def siblings_in_sysfs(sys_path: str) -> frozenset[str]:
    """The siblings of a node that belongs to no USB device, the node included.

    Only directories on the way to a sibling are read: those whose names differ in nothing but what is counted up.
    """
    controller, rest = _split(sys_path)
    found = {controller}
    for name in rest:
        pattern = place_pattern(f"{controller}/{name}")
        ahead = {f"{directory}/{entry}" for directory in found for entry in _names(directory)}
        own = f"{controller}/{name}"
        found = {path for path in ahead if path == own or place_pattern(path) == pattern}
        controller = own
    return frozenset(path for path in found if os.path.exists(f"{path}/dev")) | {sys_path}


def _split(sys_path: str) -> tuple[str, list[str]]:
    """The PCI function that a device hangs on, and the names below it; none if it hangs on no PCI function."""
    match = re.fullmatch(r"(/sys/devices/.*/[0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])/(.*)", sys_path)
    return (sys_path, []) if match is None else (match[1], match[2].split("/"))


def _own_number(sys_path: str, subsystem: str) -> int | None:
    """What the kernel itself says of which one it is; None if it says nothing."""
    match subsystem:
        case "tty":  # usb-serial: an attribute of the port's device, the tty's parent
            return _whole(f"{os.path.dirname(os.path.dirname(sys_path))}/port_number")
        case "video4linux":
            return _whole(f"{sys_path}/index")
        case "sound":
            named = _SOUND.fullmatch(os.path.basename(sys_path))
            return None if named is None else int(named[1])
    return None


def _whole(path: str) -> int | None:
    text = beginning(path, 16).strip()
    return int(text) if text.isdigit() else None


def _natural(path: str) -> tuple[int, str]:
    """``ttyUSB9`` before ``ttyUSB10``."""
    return len(path), path


def _names(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:
        return []
