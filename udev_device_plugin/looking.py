"""One complete look at the host, for who wants to see what the configuration means on it: ``--list-devices``.

Floor 5, main thread. The rooms that find and form devices are the plugin's own, so that what is shown is what would be
offered. Nothing is made or written: no link, no socket, nothing in the plugin directory; so it may run beside a plugin.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable, Sequence

from udev_device_plugin.config.settings import Settings
from udev_device_plugin.discovery.comparing import compare
from udev_device_plugin.discovery.filesystem import FilesystemSource
from udev_device_plugin.discovery.udev import UdevSource
from udev_device_plugin.interest import Interest
from udev_device_plugin.inventory import Inventory
from udev_device_plugin.ledger import Ledger
from udev_device_plugin.links import links_below
from udev_device_plugin.listing.explaining import explain
from udev_device_plugin.listing.records import Host, Listing
from udev_device_plugin.metrics import Metrics
from udev_device_plugin.observations import Observation
from udev_device_plugin.perceiving import Perception

LIMIT = 1.0
"""Seconds from the complete look to the last of udev's answers about nodes that its enumeration did not explain."""


def look(settings: Settings) -> Listing:
    """What ``settings`` mean on this host now.

    Raises:
        SourceError: udev cannot be listened to.
        StartError: the kernel gives no inotify instance.
    """
    interest = Interest.of(settings.resources)
    host = asyncio.run(_look(interest))
    near = compare(rule for _, rule in interest.rules)
    links_directory = links_below(settings.plugin_directory)
    return explain(
        settings.resources,
        Host(host.inventory, host.dead_links, near),
        links_directory,
        [str(warning) for warning in settings.warnings],
        Ledger(links_directory).recall,
    )


async def _look(interest: Interest) -> Host:
    """What both sources tell, up to the first moment at which nothing is left to be asked."""
    metrics, inventory = Metrics(), Inventory(interest.selectors)
    udev = UdevSource(interest, metrics)
    filesystem = FilesystemSource(interest, udev.rescan, metrics)
    with contextlib.closing(_Onlooker(inventory, filesystem, udev)) as onlooker:
        sources = filesystem.run(onlooker.observe), udev.run(onlooker.observe, filesystem.trust)
        works = [onlooker.finished, *map(asyncio.ensure_future, sources)]
        try:
            done, _ = await asyncio.wait(works, return_when=asyncio.FIRST_COMPLETED)
            for work in done:
                work.result()  # what a source failed with
            dead_links = frozenset(filter(os.path.islink, filesystem.found - inventory.entries.keys()))
        finally:
            for work in works:
                work.cancel()
            await asyncio.gather(*works, return_exceptions=True)
    return Host(inventory, dead_links)


class _Onlooker:
    """Keeps the inventory as the plugin does.

    Attributes:
        finished: all has been looked at, and nothing is left to be asked, or is answered in time; or what went wrong.
    """

    def __init__(self, inventory: Inventory, filesystem: FilesystemSource, udev: UdevSource) -> None:
        self._inventory = inventory
        self._perception = Perception(inventory, filesystem.look, filesystem.follow, udev.identify, self._guarded)
        self._loop = asyncio.get_running_loop()
        self._limit: asyncio.TimerHandle | None = None
        self.finished: asyncio.Future[None] = self._loop.create_future()

    def close(self) -> None:
        """Ask nothing more."""
        self._perception.close()
        if self._limit is not None:
            self._limit.cancel()

    def observe(self, observations: Sequence[Observation], _received: float) -> None:
        """Take observations in (the sources' sink)."""
        self._guarded(lambda: self._take_in(observations))

    def _take_in(self, observations: Sequence[Observation]) -> None:
        self._perception.take_in(observations)
        if not self._inventory.is_complete:
            return
        if self._limit is None:
            self._limit = self._loop.call_later(LIMIT, self._finish)
        if not self._inventory.unidentified():
            self._finish()

    def _finish(self) -> None:
        if not self.finished.done():
            self.finished.set_result(None)

    def _guarded(self, work: Callable[[], None]) -> None:
        """A callback's failure would only be logged, and there would be no end."""
        try:
            work()
        except Exception as error:  # whatever it is
            if not self.finished.done():
                self.finished.set_exception(error)
