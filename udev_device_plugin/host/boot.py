"""Waits at a boot until udevd has worked off what the kernel found.

Floor 4; runs on the main loop. A pod whose device is not in the first list that the kubelet gets is rejected for good,
so while a machine boots the first list waits a little for udevd: not for ever, since something may keep it busy.
"""

import asyncio
import logging
import os
import time
from collections.abc import Collection
from contextlib import closing

from udev_device_plugin.filesystem.loop_watch import LoopWatch
from udev_device_plugin.selectors.paths.glob import Glob

logger = logging.getLogger(__name__)

UDEV_QUEUE = "/run/udev/queue"
"""Is there while udevd has something to do."""

BOOT_ENDS = 300.0
"""Seconds since the kernel's start after which a busy udevd is everyday life."""

LIMIT = 3.0
"""Seconds to wait at most."""


async def udev_is_idle() -> None:
    """Return when udevd has nothing left to do, or when it is not worth waiting any longer."""
    if not os.path.exists(UDEV_QUEUE) or time.clock_gettime(time.CLOCK_BOOTTIME) > BOOT_ENDS:
        return
    gone = asyncio.Event()

    def changed(_: Collection[str]) -> None:
        if not os.path.exists(UDEV_QUEUE):
            gone.set()

    with closing(LoopWatch([Glob.of(UDEV_QUEUE)], changed)):
        changed(())
        try:
            async with asyncio.timeout(LIMIT):  # unlike wait_for, never forgets that it was cancelled
                await gone.wait()
        except TimeoutError:
            logger.warning("udev: still busy with the boot after %g s; what it finds later is offered later", LIMIT)
