"""Links of our own, for nodes that udev gives no persistent link.

Floor 4; runs on the main loop. Runtimes resolve links at every creation of a container, so that a container that is
restarted after a replug finds the renumbered node under the path that it was given once, and never another USB device.
They live in a directory below the kubelet's: it clears files there, not directories.
"""

import contextlib
import logging
import os
from collections.abc import Mapping

from udev_device_plugin.devices.store import DeviceSet

logger = logging.getLogger(__name__)

LINKS_DIRECTORY = "udev-device-plugin"
"""Where our own links are, below the plugin directory, which the kubelet clears of files but not of directories."""


def links_below(plugin_directory: str) -> str:
    """The directory of our own links, with a trailing slash."""
    return os.path.join(plugin_directory, LINKS_DIRECTORY, "")


class OwnLinks:
    """Keeps the links in ``directory`` (with a trailing slash) as they should be.

    Args:
        directory: whatever else is in it is removed.
        spared: but for what has names that begin with this.
    """

    def __init__(self, directory: str, spared: str = "") -> None:
        self.directory = directory
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
        try:
            present = {self.directory + name for name in os.listdir(self.directory) if not self._is_anothers(name)}
        except OSError:
            present = set()
        self._guarded(set(self._wanted), present - self._wanted.keys())

    def _is_anothers(self, name: str) -> bool:
        return bool(self._spared) and name.startswith(self._spared)

    def _guarded(self, make: set[str], remove: set[str]) -> None:
        try:
            for link in remove:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(link)
            for link in make:
                self._make(link, self._wanted[link])
        except OSError as error:
            if not self._is_failing:
                logger.error(  # noqa: TRY400 - a traceback tells a person no more
                    "%s: links cannot be kept there: %s; containers will not find devices that have no persistent link"
                    " of udev's: the plugin directory must be writable",
                    self.directory,
                    error.strerror,
                )
            self._is_failing = True
        else:
            self._is_failing = False

    def _make(self, link: str, node: str) -> None:
        """Make or replace a link in one step, so that nobody ever finds it missing."""
        with contextlib.suppress(OSError):
            if os.readlink(link) == node:
                return
        os.makedirs(self.directory, mode=0o755, exist_ok=True)
        temporary = f"{self.directory}.new-{os.getpid()}"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        os.symlink(node, temporary)
        os.replace(temporary, link)
