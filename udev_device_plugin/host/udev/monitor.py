"""Receives udev's events, as plain values.

Host thread only. Of an event only that is read which says where to look. All of it is untrusted.
"""

import contextlib
import errno
import logging
import os
from dataclasses import dataclass
from typing import Literal

import pyudev

from udev_device_plugin.host.model import DeviceNumber
from udev_device_plugin.host.udev.context import context_of_thread

logger = logging.getLogger(__name__)

RECEIVE_BUFFER = 128 * 1024 * 1024
"""Bytes: what libudev itself asks for (sd-device). Asking for less would shrink the buffer."""


@dataclass(frozen=True, slots=True)
class UdevEvent:
    """One of udev's events.

    Attributes:
        action: ``add``, ``remove``, ``change``, ``move``, ``online``, ``offline``, ``bind`` or ``unbind``.
        sys_path: the device's place in sysfs; it may be gone.
        subsystem: of the device.
        number: of its node; None if it has none.
        devnode: the kernel's name of its node; "" if it has none.
        devlinks: ``DEVLINKS``, separated by spaces: the links that the device claims, or claimed.
        sequence: the kernel's number of it (``SEQNUM``); an event that came later has a higher one.
        former_path: its former place in sysfs, of a ``move``; "" otherwise.
    """

    action: str
    sys_path: str
    subsystem: str
    number: DeviceNumber | None
    devnode: str
    devlinks: str
    sequence: int = 0
    former_path: str = ""


class UdevMonitor:
    """Receives all of udev's events from now on.

    Raises:
        OSError: libudev gives no monitor.
    """

    def __init__(self) -> None:
        self._monitor = pyudev.Monitor.from_netlink(context_of_thread(), source="udev")
        with contextlib.suppress(OSError):  # more than net.core.rmem_max takes CAP_NET_ADMIN
            self._monitor.set_receive_buffer_size(RECEIVE_BUFFER)
        self._monitor.start()

    def fileno(self) -> int:
        """Return the descriptor that is readable when there are events."""
        return int(self._monitor.fileno())

    def receive(self) -> UdevEvent | None:
        """Return the next event; None if none has arrived. One that cannot be decoded is logged and skipped.

        Raises:
            OSError: the receive buffer overflowed and events were lost; only a new monitor helps.
        """
        while True:
            try:
                device = self._monitor.poll(timeout=0)
                return None if device is None else _event(device)
            except (ValueError, OSError) as error:
                if isinstance(error, OSError) and error.errno in (None, errno.ENOBUFS):
                    raise
                # An action that this libudev does not know, or a name that is not UTF-8.
                logger.warning("udev: ignored an event that cannot be read: %r", error)


def _event(device: pyudev.Device) -> UdevEvent:
    action, number, subsystem = device.action, device.device_number, device.subsystem or ""
    kind: Literal["b", "c"] = "b" if subsystem == "block" else "c"  # the number does not say it
    return UdevEvent(
        action=action,
        sys_path=device.sys_path,
        subsystem=subsystem,
        number=DeviceNumber(kind, os.major(number), os.minor(number)) if number else None,
        devnode=_property(device, "DEVNAME") if number else "",
        devlinks=_property(device, "DEVLINKS") if number else "",
        sequence=device.sequence_number,
        former_path=_property(device, "DEVPATH_OLD") if action == "move" else "",
    )


def _property(device: pyudev.Device, name: str) -> str:
    try:
        value: str | None = device.properties.get(name)
    except UnicodeDecodeError as error:
        logger.warning("udev: %s of an event is not UTF-8 and is ignored: %r", name, error.object)
        return ""
    return value or ""
