"""Notices when udev's events cannot be heard, which neither udev nor libudev says.

Floor 4, on the udev thread. Two reasons are known: no control socket of udevd's in sight (libudev then turns a monitor
off in silence), and a network namespace other than udevd's. Said once, and once more when it is over.
"""

import logging
import os
import time
from collections.abc import Iterable

from udev_device_plugin.discovery import UDEV_CONTROL

logger = logging.getLogger(__name__)

TOLERANCE = 2.0
"""Seconds after which a device that udevd is done with should have been announced, slow ``RUN`` programs aside."""


class Ears:
    """What was heard, and what should have been."""

    def __init__(self) -> None:
        self._expected: dict[str, float] = {}
        self._known: set[str] = set()
        self._has_udevd = True
        self._is_deaf = False

    def look_for_udevd(self) -> None:
        """A session starts: is there a udevd to hear?"""
        has_udevd = os.path.exists(UDEV_CONTROL)
        if self._has_udevd and not has_udevd:
            logger.warning(
                "udev: %s is not there, so udev's events cannot arrive: mount the host's /run/udev, or start udevd;"
                " the filesystem alone is watched until then",
                UDEV_CONTROL,
            )
        elif has_udevd and not self._has_udevd:
            logger.info("udev: udevd is there now")
        self._has_udevd = has_udevd

    def begin(self, sys_paths: Iterable[str]) -> None:
        """These were there when the session's monitor had just begun: no event need tell of them."""
        self._known = set(sys_paths)

    def heard_of(self, sys_path: str, action: str) -> None:
        """An event about a device with a node, or about one that is gone, has arrived."""
        if action == "remove":
            self._known.discard(sys_path)
        else:
            self._known.add(sys_path)
        if self._expected:
            self._expected.pop(sys_path, None)

    def heard(self) -> None:
        """Any event has arrived."""
        if self._is_deaf:
            self._is_deaf = False
            logger.info("udev: events arrive now")

    def expect(self, sys_path: str) -> None:
        """Udevd is done with a device, so its event must be on the way, unless it came before."""
        if self._has_udevd and not self._is_deaf and sys_path not in self._known:
            self._expected[sys_path] = time.monotonic() + TOLERANCE

    def wait_milliseconds(self) -> float | None:
        """How long to wait for what is expected; None: nothing is."""
        if not self._expected:
            return None
        return max(0.0, min(self._expected.values()) - time.monotonic()) * 1000 + 1

    def judge(self) -> bool:
        """Whether something is overdue, so that nothing can be relied upon."""
        if not self._expected or min(self._expected.values()) > time.monotonic():
            return False
        self._expected.clear()
        self._is_deaf = True
        logger.warning(
            "udev: its events do not arrive here, though udevd works: a pod needs hostNetwork: true for them;"
            " the filesystem alone is watched until then"
        )
        return True
