"""Waits during a boot until udevd has processed what the kernel found.

Event loop only. A pod whose device is not in the first list that the kubelet gets is rejected for good, so during a
boot the first list waits for udevd: a limited time, since something may keep it busy.
"""

import asyncio
import logging
import os
import time
from collections.abc import Collection
from contextlib import closing

from udev_device_plugin.filesystem.loop_watch import LoopWatch
from udev_device_plugin.host.reader import UDEV_QUEUE
from udev_device_plugin.selectors.paths.glob import Glob

logger = logging.getLogger(__name__)

BOOT_ENDS = 300.0
"""Seconds since the kernel's start after which a busy udevd is not waited for."""

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
