"""Links of our own, for nodes that udev gives no persistent link.

Event loop only. Runtimes resolve links at every creation of a container, so that a container that is
restarted after a replug finds the renumbered node under the path that it was given once, and never another USB device.
"""

import logging
from collections.abc import Mapping

from udev_device_plugin.devices.store import DeviceSet
from udev_device_plugin.filesystem.own_directory import OwnDirectory

logger = logging.getLogger(__name__)


class OwnLinks:
    """Keeps the links in ``directory`` as they should be.

    Args:
        directory: whatever else is in it is removed.
        spared: but for what has names that begin with this.
    """

    def __init__(self, directory: OwnDirectory, spared: str = "") -> None:
        self._directory = directory
        self._spared = spared
        self._needed: dict[str, dict[str, str]] = {}
        self._wanted: dict[str, str] = {}
        self._is_failing = False

    def keep_for(self, devices: DeviceSet) -> None:
        """Have the links that these devices of a resource need, as far as they are there."""
        self._needed[devices.resource] = {
            member.own_link: member.node
            for device in devices.devices
            if device.is_healthy
            for member in device.members
            if member.own_link
        }
        self.keep({link: node for needed in self._needed.values() for link, node in needed.items()})

    def keep(self, wanted: Mapping[str, str]) -> None:
        """Have exactly these links.

        Args:
            wanted: the node that each link leads to, by the link's path.
        """
        if wanted == self._wanted:
            return
        changed = {link for link, node in wanted.items() if self._wanted.get(link) != node}
        gone = self._wanted.keys() - wanted.keys()
        self._wanted = dict(wanted)
        self._guarded(changed, gone)

    def restore(self) -> None:
        """Make good what somebody else may have done to the directory; remove what an earlier run left."""
        names = [name for name in self._directory.names() if not self._is_anothers(name)]
        present = {self._directory.path + name for name in names}
        self._guarded(set(self._wanted), present - self._wanted.keys())

    def _is_anothers(self, name: str) -> bool:
        return bool(self._spared) and name.startswith(self._spared)

    def _guarded(self, make: set[str], remove: set[str]) -> None:
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
