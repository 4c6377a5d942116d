"""The plugin's own links, for nodes without a persistent link of udev's.

Event loop only. Runtimes resolve links whenever they create a container. So a container that restarts after a replug
gets the renumbered node by the path of its first start, and never another USB device.
"""

import logging
from collections.abc import Mapping

from udev_device_plugin.devices.device import DeviceSet
from udev_device_plugin.filesystem.own_directory import OwnDirectory

logger = logging.getLogger(__name__)


class OwnLinks:
    """Keeps the links in ``directory``, and removes all else there but what has names that begin with ``spared``."""

    def __init__(self, directory: OwnDirectory, spared: str = "") -> None:
        self._directory = directory
        self._spared = spared
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
        names = [name for name in self._directory.names() if not self._spared or not name.startswith(self._spared)]
        present = {self._directory.path + name for name in names}
        self._change(set(self._wanted), present - self._wanted.keys())

    def _change(self, make: set[str], remove: set[str]) -> None:
        try:
            for link in remove:
                self._directory.remove(self._name(link))
            for link in make:
                self._directory.link(self._name(link), self._wanted[link])
        except OSError as error:
            if not self._is_failing:
                logger.error(  # noqa: TRY400 - a traceback tells a person no more
                    "%s: links cannot be kept there: %s; containers will not find devices that have no persistent link"
                    " of udev's: the plugin directory must be writable",
                    self._directory.path,
                    error.strerror,
                )
            self._is_failing = True
        else:
            self._is_failing = False

    def _name(self, link: str) -> str:
        return link.removeprefix(self._directory.path)
