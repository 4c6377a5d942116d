"""Looks at a unit: a whole USB device with all its nodes, or a node that belongs to none.

On a thread of the pool, as it may block. A look has no memory: the same host gives the same look.
"""

import os
import re
import stat
from collections.abc import Collection, Iterable

from udev_device_plugin.filesystem.small_files import EXHAUSTED, raise_if_exhausted
from udev_device_plugin.host.interest import Interest
from udev_device_plugin.host.looks import EntryStamp, NodeLook, NotLookedError, UnitLook
from udev_device_plugin.host.model import DeviceNumber, Node, PathEntry, Unit
from udev_device_plugin.host.path_facts import inode_at, is_in_dev
from udev_device_plugin.host.sysfs import latest_sequence, nodes_below, sysfs_path
from udev_device_plugin.host.topology import usb_device_path
from udev_device_plugin.host.udev.device import read_device

UDEV_DATA = "/run/udev/data"
"""udev's database: one file for each device, named by its node's number."""

UDEV_QUEUE = "/run/udev/queue"
"""Exists while udevd has something to do."""

_ATTEMPTS = 5
"""How often a node is read that changes while it is read."""

_ENTRY = re.compile(rf"{re.escape(UDEV_DATA)}/([bc])(\d{{1,10}}):(\d{{1,10}})")


def look_at_unit(
    unit: Unit,
    interest: Interest,
    without_entry: Collection[DeviceNumber] | None,
    at_paths: Collection[DeviceNumber],
) -> UnitLook:
    """Look at a unit now.

    Args:
        unit: the unit.
        interest: the selectors.
        without_entry: the nodes to be described even without a database entry; None for all.
        at_paths: the nodes that selected paths lead to: they are wanted, whatever udev calls them.

    Raises:
        NotLookedError: nothing can be said.
        OSError: libudev is not to be had.
    """
    is_udevd_idle = not os.path.exists(UDEV_QUEUE)
    nodes = _nodes_of(unit)
    for _ in range(_ATTEMPTS):
        listed = [sys_path for _, sys_path in nodes] if isinstance(unit, str) else []
        looks = [
            _look_at_node(number, sys_path, listed, interest, without_entry, is_at_path=number in at_paths)
            for number, sys_path in nodes
        ]
        before, nodes = nodes, _nodes_of(unit)
        if nodes == before:
            _require_descriptors()
            found = tuple(look for look in looks if look is not None and (listed or _is_worth_knowing(look)))
            return UnitLook(unit, found, is_udevd_idle)
    raise NotLookedError(f"{unit}: its nodes change while they are read")


def _nodes_of(unit: Unit) -> list[tuple[DeviceNumber, str]]:
    """Return the nodes of a unit and their places, as sysfs lists them now."""
    if isinstance(unit, str):
        return sorted(nodes_below(unit))
    sys_path = sysfs_path(unit)
    return [(unit, sys_path)] if sys_path and usb_device_path(sys_path) is None else []


def _look_at_node(
    number: DeviceNumber,
    sys_path: str,
    listed: Collection[str],
    interest: Interest,
    without_entry: Collection[DeviceNumber] | None,
    *,
    is_at_path: bool,
) -> NodeLook | None:
    """Look at one node; None if it has gone meanwhile."""
    for _ in range(_ATTEMPTS):
        before = sysfs_path(number), inode_at(sys_path), _entry(number)
        if before[0] != sys_path:
            return None
        sequence = latest_sequence()  # before it is seen whether its node is still there
        device = read_device(number)
        if device is None:
            continue
        inode, made = _stat_node(device.devnode, number)
        description, is_processing = None, False
        if device.is_in_database or without_entry is None or number in without_entry:
            is_processing = device.is_processing
            description = device.describe(number, sys_path, listed, interest, is_at_path=is_at_path)
        _, of_device, entry = after = sysfs_path(number), inode_at(sys_path), _entry(number)
        is_same = before == after and _stat_node(device.devnode, number)[0] == inode
        if is_same and device.is_in_database == (entry is not None):
            return NodeLook(number, of_device, device.devnode, inode, made, entry, is_processing, description, sequence)
    _require_descriptors()
    raise NotLookedError(f"{number}: it changes while it is read")


def _is_worth_knowing(look: NodeLook) -> bool:
    """False for a node that no selector wants and that claims no link: most of a host's."""
    return look.description is None or look.description.is_wanted or bool(look.description.devlinks)


def number_of_entry(path: str) -> DeviceNumber | None:
    """Return whose entry a file of udev's database is, ``/run/udev/data/c188:0``; None for another path."""
    entry = _ENTRY.fullmatch(path)
    return None if entry is None else DeviceNumber("c" if entry[1] == "c" else "b", int(entry[2]), int(entry[3]))


def is_present(node: Node) -> bool:
    """Whether a node is still there; one without a node in ``/dev``, whether its device is. Does not block."""
    if node.inode:
        return inode_at(node.devnode) == node.inode
    return node.description is None or sysfs_path(node.number) == node.description.sys_path


def is_unknown_to_sysfs(unit: Unit, entries: Iterable[PathEntry]) -> bool:
    """Whether a node with this number exists at one of these paths while sysfs does not know it.

    The kernel has a device in sysfs for longer than its node in ``/dev``: so sysfs is asked first, and the node checked
    again.
    """
    if isinstance(unit, str) or sysfs_path(unit):
        return False
    targets = ((entry.target, entry.inode) for entry in entries if entry.number == unit)
    return any(not is_in_dev(target) or inode_at(target) == inode for target, inode in targets)


def _entry(number: DeviceNumber) -> EntryStamp | None:
    try:
        status = os.lstat(f"{UDEV_DATA}/{number}")
    except OSError as error:
        raise_if_exhausted(error)
        return None
    return EntryStamp(status.st_ino, status.st_mtime_ns)


def _stat_node(devnode: str, number: DeviceNumber) -> tuple[int, int]:
    """Return inode and modification time of a node; zeros if another node or nothing is at its path."""
    try:
        status = os.lstat(devnode)
    except OSError as error:
        raise_if_exhausted(error)
        return 0, 0
    is_kind = stat.S_ISCHR(status.st_mode) if number.kind == "c" else stat.S_ISBLK(status.st_mode)
    is_it = is_kind and status.st_rdev == os.makedev(number.major, number.minor)
    return (status.st_ino, status.st_mtime_ns) if is_it else (0, 0)


def _require_descriptors() -> None:
    """Make sure that what was read is not merely what could be read: libudev does not report a failed ``open``."""
    try:
        os.close(os.open("/", os.O_PATH | os.O_CLOEXEC))
    except OSError as error:
        if error.errno in EXHAUSTED:
            raise NotLookedError(f"out of descriptors or memory: {error.strerror}") from error
        raise
