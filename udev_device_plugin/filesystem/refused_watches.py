"""Directories that inotify refuses: what that means, said once for each."""

import errno
import logging

from udev_device_plugin.filesystem.patterns import ABSENT

logger = logging.getLogger(__name__)


class RefusedWatches:
    """The refused directories of one watch."""

    def __init__(self) -> None:
        self._logged: set[str] = set()
        self._is_exhausted = False

    def is_readable(self, path: str, error: OSError) -> bool:
        """Whether a directory that was refused with ``error`` can be read all the same at each walk."""
        if error.errno not in (errno.ENOSPC, errno.ENOMEM):
            if (error.errno == errno.EACCES or error.errno not in ABSENT) and path not in self._logged:
                self._logged.add(path)
                # No warning: what that means, if anything, is said by who needs what is there.
                logger.info("%s: cannot be watched: %s", path, error.strerror)
            return False
        if not self._is_exhausted:
            self._is_exhausted = True
            logger.error(
                "%s: cannot be watched: %s; changes there are seen at a rescan only: raise the sysctl"
                " fs.inotify.max_user_watches",
                path,
                error.strerror,
            )
        return True

    def accept(self, path: str) -> None:
        """A directory is watched now: the next refusal is news."""
        self._logged.discard(path)
