"""One look at everything, for ``--list-devices``: without events, and without waiting for udevd or for what hangs."""

import os
import threading
import time
from contextlib import closing

from udev_device_plugin.host.dev_paths import DevPaths
from udev_device_plugin.host.interest import Interest
from udev_device_plugin.host.looking import Looking
from udev_device_plugin.host.looks import HostLook
from udev_device_plugin.host.model import Node, PathEntry, Unit
from udev_device_plugin.host.pool import Pool
from udev_device_plugin.host.udev.delivery_check import DeliveryCheck, running_udevd


def look_at_everything(interest: Interest) -> tuple[HostLook, frozenset[str]]:
    """Return what is on this host now, and the dead links at configured paths.

    Raises:
        StartError: the kernel gives no inotify instance.
        OSError: sysfs or libudev is not there.
        NotLookedError: descriptors or memory are used up.
    """
    has_result = threading.Event()
    with closing(Pool(has_result.set)) as pool, closing(DevPaths(())) as paths:
        delivery, has_udevd = DeliveryCheck(), running_udevd() is not None
        delivery.begin(has_udevd=has_udevd)
        looking = Looking(paths, pool, delivery)
        looking.begin(interest, time.monotonic(), has_udevd=has_udevd)
        found, units = dict[str, PathEntry | None](), dict[Unit, tuple[Node, ...]]()
        is_complete = False
        while not is_complete:
            has_result.clear()
            for result in pool.take_results():
                if result.error is not None:
                    raise result.error
                looking.take_result(result, time.monotonic())
            looking.work(now := time.monotonic())
            looking.take_paths(paths.read(), now)  # what was removed meanwhile
            if paths.failure is not None:
                raise paths.failure
            times = (looking.next_due(now), pool.supervise(now))
            if (look := looking.take_look()) is not None:
                found.update(look.paths)
                units.update(look.units)
                is_complete = look.complete_for is not None
            else:
                has_result.wait(min((seconds for seconds in times if seconds is not None), default=None))
        dead_links = [path for path in found.keys() | paths.all_paths() if not found.get(path) and os.path.islink(path)]
        return HostLook(found, units, complete_for=interest.number), frozenset(dead_links)
