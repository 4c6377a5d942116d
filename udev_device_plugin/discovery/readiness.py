"""How far udev is with the device nodes that appear.

Floor 4; runs on the main loop. A node is there 20 to 400 ms before udevd has made its links, its mode and its entry in
udev's database; until then it is held back, at most for ``HOLD_BACK`` and only where there is a udevd.
"""

import asyncio
import os
import re
from collections.abc import Callable
from dataclasses import dataclass

from udev_device_plugin.device import DeviceNumber, HostDevice, Readiness
from udev_device_plugin.discovery import UDEV_CONTROL
from udev_device_plugin.discovery.small_files import beginning

UDEV_DATA = "/run/udev/data"
"""udev's database: one file for each device, named by its number, written when udevd is done with it."""

HOLD_BACK = 3.0
"""For how many seconds a node that udevd has not finished with is held back."""

MAX_ENTRY = 65536
"""Bytes of a database entry that are looked at."""

_INITIALIZED = re.compile(rb"^I:(\d{1,20})$", re.MULTILINE)


@dataclass(slots=True)
class Making:
    """One making of a node.

    Attributes:
        inode: its own.
        readiness: how far udev is with it.
        sys_path: where sysfs had the device behind it; "" for nowhere.
        initialized_at: when udevd first had finished with it, by its database; 0 if that is not known.
        timer: until its time is up.
    """

    inode: int
    readiness: Readiness = Readiness.AWAITED
    sys_path: str = ""
    initialized_at: int = 0
    timer: asyncio.TimerHandle | None = None


class Waits:
    """Remembers how far udev is with each node.

    Args:
        on_overdue: called when udevd has not got to a node in time.
    """

    def __init__(self, on_overdue: Callable[[DeviceNumber], None]) -> None:
        self._on_overdue = on_overdue
        self._nodes: dict[DeviceNumber, Making] = {}
        self._is_first_look = True

    def end_first_look(self) -> None:
        """From now on, a node that is new to us is new to the host too."""
        self._is_first_look = False

    def making(self, number: DeviceNumber, status: os.stat_result, told: HostDevice | None = None) -> Making:
        """What is known of the node ``number``, whose ``stat`` is ``status``; only to be read.

        ``told``: the device that udev has just told of; if it is the one that its database has, sysfs is not asked.
        """
        node = self._nodes.get(number)
        if node is None or node.inode != status.st_ino:
            self.forget(number)
            node = self._nodes[number] = Making(status.st_ino)
        elif node.readiness is not Readiness.AWAITED:
            return node
        if is_done := self._has_entry(number, status):
            node.initialized_at = _initialized_at(number)
        if not node.sys_path:
            is_told = told is not None and told.number == number and 0 < told.initialized_at == node.initialized_at
            node.sys_path = told.sys_path if told is not None and is_told else sys_path(number)
        if not node.sys_path:
            node.readiness = Readiness.UNKNOWN
        elif is_done:
            node.readiness = Readiness.DONE
        elif not os.path.lexists(UDEV_CONTROL):
            node.readiness = Readiness.OVERDUE
        elif node.timer is None:
            node.timer = asyncio.get_running_loop().call_later(HOLD_BACK, self._expire, number, node)
        if node.readiness is not Readiness.AWAITED:
            _cancel(node)
        return node

    def forget(self, number: DeviceNumber) -> None:
        """The node is gone."""
        if (node := self._nodes.pop(number, None)) is not None:
            _cancel(node)

    def close(self) -> None:
        """Wait for nothing any more."""
        for number in list(self._nodes):
            self.forget(number)

    def _has_entry(self, number: DeviceNumber, status: os.stat_result) -> bool:
        """Whether udev's database has an entry for this making of a node."""
        try:
            written = os.lstat(f"{UDEV_DATA}/{number}").st_mtime_ns
        except OSError:
            return False
        # An entry that is older than the node speaks of the last device that had this number. For a node that was here
        # before us that cannot be told: its times change with its mode.
        return written >= status.st_ctime_ns or self._is_first_look

    def _expire(self, number: DeviceNumber, node: Making) -> None:
        is_known = os.path.lexists(f"{UDEV_DATA}/{number}")
        node.readiness = Readiness.DONE if is_known else Readiness.OVERDUE
        node.initialized_at = _initialized_at(number)
        self._on_overdue(number)


def _cancel(node: Making) -> None:
    if node.timer is not None:
        node.timer.cancel()


def _initialized_at(number: DeviceNumber) -> int:
    """What udev's database says of when it first had finished with a device: the line ``I:<microseconds>``."""
    match = _INITIALIZED.search(beginning(f"{UDEV_DATA}/{number}", MAX_ENTRY))
    return int(match[1]) if match else 0


def sys_path(number: DeviceNumber) -> str:
    """Where sysfs has the device with this number; "" if no driver stands behind it: a node can be made for any."""
    directory = f"/sys/dev/{'char' if number.kind == 'c' else 'block'}"
    try:
        return os.path.normpath(os.path.join(directory, os.readlink(f"{directory}/{number.major}:{number.minor}")))
    except OSError:
        return ""
