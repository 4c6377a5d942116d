"""Udev's events as pyudev has them, and as cheaply.

Floor 4, on the udev thread. A host has thousands of events that mean nothing to us: what an event costs counts.
"""

import contextlib
import logging
from collections.abc import Collection
from typing import Self

import pyudev

logger = logging.getLogger(__name__)

RECEIVE_BUFFER = 128 * 1024 * 1024
"""Bytes: what libudev itself asks for (sd-device). Asking for less would shrink the buffer."""


class UdevMonitor(pyudev.Monitor):  # type: ignore[misc]  # pyudev has no types
    """Pyudev's monitor without its question before each event whether there is one: half of what an event costs."""

    @classmethod
    def started(cls, context: pyudev.Context) -> Self:
        """One that hears everything from now on."""
        monitor: Self = cls.from_netlink(context, source="udev")
        with contextlib.suppress(OSError):  # more than net.core.rmem_max takes CAP_NET_ADMIN
            monitor.set_receive_buffer_size(RECEIVE_BUFFER)
        monitor.start()
        return monitor

    def take(self) -> pyudev.Device | None:
        """The next event that has arrived; None if none has. An ``OSError`` if some were lost."""
        return self._receive_device()

    def hear_only(self, subsystems: Collection[str]) -> None:
        """Have the kernel drop what is of another subsystem from now on, so that it does not even wake the thread."""
        for subsystem in sorted(subsystems):
            self.filter_by(subsystem)
