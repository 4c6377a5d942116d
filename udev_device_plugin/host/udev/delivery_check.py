"""Detects that udev's events do not arrive, which neither udev nor libudev reports.

Host thread only. Two reasons are known: udevd's control socket is not visible (libudev then silently turns a monitor
off), and a network namespace other than udevd's. Both the beginning and the end are logged.
"""

import logging
import os
from collections.abc import Collection, Iterable

from udev_device_plugin.host.model import DeviceNumber, Node, NodeState

logger = logging.getLogger(__name__)

UDEV_CONTROL = "/run/udev/control"
"""udevd's control socket: created when udevd starts, and libudev's own test for a udevd."""

TOLERANCE = 2.0
"""Seconds after which an event about a node that udevd is done with is overdue, slow ``RUN`` programs aside."""


def running_udevd() -> tuple[int, int] | None:
    """Return what tells one udevd from the next, inode and time of its control socket; None if there is no udevd."""
    try:
        control = os.lstat(UDEV_CONTROL)
    except OSError:
        return None
    return control.st_ino, control.st_ctime_ns


class DeliveryCheck:
    """Compares the nodes that events were received for with those that were found."""

    def __init__(self) -> None:
        self._announced: set[DeviceNumber] = set()
        self._expected: dict[DeviceNumber, float] = {}
        self._has_udevd = True
        self._is_failing = False

    def begin(self, *, has_udevd: bool) -> None:
        """A new monitor is about to start."""
        if self._has_udevd and not has_udevd:
            logger.warning(
                "udev: %s is not there, so udev's events cannot arrive: mount the host's /run/udev, or start udevd;"
                " the filesystem alone is watched until then",
                UDEV_CONTROL,
            )
        elif has_udevd and not self._has_udevd:
            logger.info("udev: udevd is there now")
        self._has_udevd = has_udevd
        self._expected.clear()

    def received(self, number: DeviceNumber | None, action: str) -> None:
        """An event about a node was received."""
        if self._is_failing:
            self._is_failing = False
            logger.info("udev: events arrive now")
        if number is not None:
            self._expected.pop(number, None)
            if action == "remove":
                self._announced.discard(number)
            else:
                self._announced.add(number)

    def compare(self, before: Iterable[Node], after: Collection[Node], now: float) -> None:
        """A unit was looked at: for nodes that udevd is done with an event must have been received, or will be soon."""
        was = {(node.number, node.inode): node.state for node in before}
        for number in {number for number, _ in was} - {node.number for node in after}:
            self._announced.discard(number)
            self._expected.pop(number, None)
        for node in after:
            if node.state is was.get((node.number, node.inode)):
                continue
            is_awaited = self._has_udevd and not self._is_failing and node.number not in self._announced
            if node.state is NodeState.FINISHED and is_awaited:
                self._expected.setdefault(node.number, now + TOLERANCE)
            if node.state is NodeState.OVERDUE and self._has_udevd and node.description and node.description.is_wanted:
                logger.warning("%s: udevd has not announced it within 3 s; offered as it is", node.devnode)

    @property
    def next_due(self) -> float | None:
        """When the next event is overdue, monotonic seconds."""
        return min(self._expected.values(), default=None)

    def judge(self, now: float) -> None:
        """Log it if an event is overdue."""
        if self.next_due is not None and self.next_due <= now:
            self._expected.clear()
            self._is_failing = True
            logger.warning(
                "udev: its events do not arrive here, though udevd works: a pod needs hostNetwork: true for them;"
                " the filesystem alone is watched until then"
            )
