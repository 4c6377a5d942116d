"""The plugin's own directory below the kubelet's plugin directory: the kubelet removes files there, not directories.

It is created when something is written. Files and links in it are replaced atomically, so that no reader finds half a
file, or a link missing that existed before.
"""

import contextlib
import os
from collections.abc import Iterator

from udev_device_plugin.filesystem.small_files import names_in

NAME = "udev-device-plugin"

_TEMPORARY = ".new-"
"""The beginning of the names of temporary files."""


class OwnDirectory:
    """The directory.

    Attributes:
        path: of the directory, with a trailing slash.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    @classmethod
    def below(cls, plugin_directory: str) -> "OwnDirectory":
        """The directory of the plugin whose sockets are in ``plugin_directory``."""
        return cls(os.path.join(plugin_directory, NAME, ""))

    def names(self) -> list[str]:
        """Return the names in it; none if it does not exist or cannot be read."""
        return names_in(self.path)

    def has(self, name: str) -> bool:
        """Whether ``name`` exists, links followed."""
        return os.path.exists(self.path + name)

    def read(self, name: str, size: int) -> str:
        """Return the first ``size`` characters of a file; raises OSError."""
        with open(self.path + name, encoding="utf-8", errors="surrogateescape") as file:
            return file.read(size)

    def write(self, name: str, text: str) -> None:
        """Create or replace a file; raises OSError and changes nothing if that is not possible."""
        with self._replacing(name) as path, open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)

    def link(self, name: str, target: str) -> None:
        """Create or replace a symbolic link; raises OSError and changes nothing if that is not possible."""
        with contextlib.suppress(OSError):
            if os.readlink(self.path + name) == target:
                return
        with self._replacing(name) as path:
            os.symlink(target, path)

    def remove(self, name: str) -> None:
        """Remove a link or file, if it exists; raises OSError if that is not possible."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path + name)

    @contextlib.contextmanager
    def _replacing(self, name: str) -> Iterator[str]:
        """Yield a temporary path; what was created there replaces ``name`` atomically."""
        os.makedirs(self.path, mode=0o755, exist_ok=True)
        temporary = f"{self.path}{_TEMPORARY}{os.urandom(8).hex()}"  # both instances of a rolling update may be PID 1
        try:
            yield temporary
            os.replace(temporary, self.path + name)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
