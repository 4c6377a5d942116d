"""Which of the nodes at one place a node is: by the kernel's own attribute where there is one, else by rank.

Any thread. Two nodes are siblings if their places in sysfs differ in nothing but what the kernel counts up: the ttys
of one interface, the two tuners of one USB device. Which siblings there are is what sysfs lists now, never what udev
has announced so far.
"""

import os
import re
from collections.abc import Collection

from udev_device_plugin.filesystem.small_files import beginning, names_in
from udev_device_plugin.host.topology import below_pci_function, place_pattern

_SOUND = re.compile(r"(?:pcm|midi|hw)C\d+D(\d+)[cp]?")
"""A sound device: its card's number, and its own within the card."""


def place_among_siblings(sys_path: str, subsystem: str, listed: Collection[str]) -> int:
    """Return the number of a node among its siblings, from 0; these are among ``listed``, places in sysfs."""
    if (number := _own_number(sys_path, subsystem)) is not None:
        return number
    pattern = place_pattern(sys_path)
    siblings = {path for path in listed if place_pattern(path) == pattern} | {sys_path}
    return sorted(siblings, key=lambda path: (len(path), path)).index(sys_path)  # ttyUSB9 before ttyUSB10


def siblings_in_sysfs(sys_path: str) -> frozenset[str]:
    """Return the siblings of a node that belongs to no USB device, the node included.

    Only directories on the way to a sibling are read: those whose names differ in nothing but what is counted up.
    """
    own, rest = below_pci_function(sys_path)
    found = {own}
    for name in rest:
        own = f"{own}/{name}"
        pattern = place_pattern(own)
        paths = {f"{directory}/{entry}" for directory in found for entry in names_in(directory)}
        found = {path for path in paths if path == own or place_pattern(path) == pattern}
    return frozenset(path for path in found if os.path.exists(f"{path}/dev")) | {sys_path}


def _own_number(sys_path: str, subsystem: str) -> int | None:
    """Return the kernel's own number of it; None if there is none."""
    match subsystem:
        case "tty":  # usb-serial: an attribute of the port's device, the tty's parent
            return _read_number(f"{os.path.dirname(os.path.dirname(sys_path))}/port_number")
        case "video4linux":
            return _read_number(f"{sys_path}/index")
        case "sound":
            named = _SOUND.fullmatch(os.path.basename(sys_path))
            return None if named is None else int(named[1])
    return None


def _read_number(path: str) -> int | None:
    text = beginning(path, 16).strip()
    return int(text) if text.isdigit() else None
