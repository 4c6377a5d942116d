"""The plugin's own links, for nodes without a persistent link of udev's.

Event loop only. Runtimes resolve links whenever they create a container. So a container that restarts after a replug
gets the renumbered node by the path of its first start, and never another USB device.
"""

import logging
from collections.abc import Mapping

from udev_device_plugin.devices.device import DeviceSet
from udev_device_plugin.filesystem.own_directory import LINK, OwnDirectory, UnusableDirectoryError

logger = logging.getLogger(__name__)


class OwnLinks:
    """Keeps the links in ``directory``."""

    def __init__(self, directory: OwnDirectory) -> None:
        self._directory = directory
        self._needed: dict[str, dict[str, str]] = {}
        self._wanted: dict[str, str] = {}
        self._is_failing = False

    def keep_for(self, devices: DeviceSet) -> None:
        """Have the links that the present devices of a resource need."""
        self._needed[devices.resource] = {
            member.own_link: member.node
            for device in devices.devices
            if device.is_healthy
            for member in device.members
            if member.own_link
        }
        self.keep({link: node for needed in self._needed.values() for link, node in needed.items()})

    def keep(self, wanted: Mapping[str, str]) -> None:
        """Have exactly these links: from the link's path to the node."""
        if wanted == self._wanted:
            return
        changed = {link for link, node in wanted.items() if self._wanted.get(link) != node}
        gone = self._wanted.keys() - wanted.keys()
        self._wanted = dict(wanted)
        self._change(changed, gone)

    def restore(self) -> None:
        """Make the links again that another program removed or changed; remove those of an earlier run."""
        try:
            self._directory.tidy()
            present = {self._directory.path + name for name in self._directory.names(LINK)}
        except OSError as error:
            self._report(error)
        else:
            self._change(set(self._wanted), present - self._wanted.keys())

    def _change(self, make: set[str], remove: set[str]) -> None:
        failures: list[OSError] = []
        for link in (*remove, *make):
            name = link.removeprefix(self._directory.path)
            try:
                if link in make:
                    self._directory.link(name, self._wanted[link])
                else:
                    self._directory.remove(name, LINK)
            except OSError as error:
                failures.append(error)
        if failures:
            self._report(failures[0])
        else:
            self._is_failing = False

    def _report(self, error: OSError) -> None:
        if not (self._is_failing or isinstance(error, UnusableDirectoryError)):
            logger.error(
                "%s: links cannot be kept there: %s; containers will not find devices that have no persistent link"
                " of udev's: the plugin directory must be writable",
                self._directory.path,
                error.strerror,
            )
        self._is_failing = True
