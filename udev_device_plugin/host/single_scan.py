"""One look at everything, for ``--list-devices``: without events, and without waiting for udevd."""

import os

from udev_device_plugin.host.interest import Interest
from udev_device_plugin.host.looks import HostLook, NotLookedError
from udev_device_plugin.host.memory import Memory
from udev_device_plugin.host.path_facts import matches_of, numbers_of, stat_path
from udev_device_plugin.host.reader import is_unknown_to_sysfs, look_at_unit
from udev_device_plugin.host.sysfs import all_units
from udev_device_plugin.host.udev.delivery_check import DeliveryCheck, running_udevd


def look_at_everything(interest: Interest) -> tuple[HostLook, frozenset[str]]:
    """Return what is on this host now, and the dead links at configured paths.

    Raises:
        OSError: sysfs is not there.
        NotLookedError: descriptors or memory are used up.
    """
    memory = Memory()
    memory.has_udevd = running_udevd() is not None
    DeliveryCheck().begin(has_udevd=memory.has_udevd)
    found = {path: stat_path(path) for glob in interest.globs for path in matches_of(glob)}
    at_paths = numbers_of(found.values())
    for unit in dict.fromkeys(all_units((), at_paths)):
        try:
            look = look_at_unit(unit, interest, memory.overdue(unit, 0.0), at_paths)
        except NotLookedError:  # it may have changed while it was read
            look = look_at_unit(unit, interest, memory.overdue(unit, 0.0), at_paths)
        is_named = not look.nodes and is_unknown_to_sysfs(unit, filter(None, found.values()))
        memory.take_in(look, 0.0, is_named=is_named)
    for path, entry in found.items():
        if entry is not None and entry.number is not None and memory.nodes.get(entry.number) is None:
            found[path] = stat_path(path)  # it was removed meanwhile
    for node in memory.nodes:
        if node.description is not None and interest.selects(node.description):
            found.setdefault(node.devnode, stat_path(node.devnode))
    dead_links = frozenset(path for path, entry in found.items() if entry is None and os.path.islink(path))
    units = {unit: memory.nodes.of(unit) for unit in memory.nodes.units}
    return HostLook(found, units, complete_for=interest.number), dead_links
