"""The directory that is our own, below the kubelet's plugin directory: the kubelet clears files there, not directories.

It is made when something is put into it. What is put there is whole from the first moment on: nobody ever finds half a
file, or a link missing that was there before.
"""

import contextlib
import os
from collections.abc import Iterator

NAME = "udev-device-plugin"

_TEMPORARY = ".new-"
"""How names begin that nothing stands under for long."""


class OwnDirectory:
    """The directory.

    Attributes:
        path: where it is; with a trailing slash.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    @classmethod
    def below(cls, plugin_directory: str) -> "OwnDirectory":
        """That of the plugin whose sockets are in ``plugin_directory``."""
        return cls(os.path.join(plugin_directory, NAME, ""))

    def names(self) -> list[str]:
        """What is in it; nothing if it is not there, or cannot be read."""
        try:
            return os.listdir(self.path)
        except OSError:
            return []

    def has(self, name: str) -> bool:
        """Whether something that can be read is there under a name."""
        return os.path.exists(self.path + name)

    def read(self, name: str, size: int) -> str:
        """The first ``size`` characters of a file.

        Raises:
            OSError: there is none, or none that can be read.
        """
        with open(self.path + name, encoding="utf-8", errors="surrogateescape") as file:
            return file.read(size)

    def write(self, name: str, text: str) -> None:
        """Make or replace a file.

        Raises:
            OSError: it cannot be written; what was there is as before.
        """
        with self._placed(name) as temporary, open(temporary, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)

    def link(self, name: str, target: str) -> None:
        """Make or replace a symbolic link.

        Raises:
            OSError: it cannot be made.
        """
        with contextlib.suppress(OSError):
            if os.readlink(self.path + name) == target:
                return
        with self._placed(name) as temporary:
            os.symlink(target, temporary)

    def remove(self, name: str) -> None:
        """Remove a link or file, if it is there.

        Raises:
            OSError: it cannot be removed.
        """
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path + name)

    @contextlib.contextmanager
    def _placed(self, name: str) -> Iterator[str]:
        """Have what is made at the path that this gives stand under ``name`` in one step."""
        os.makedirs(self.path, mode=0o755, exist_ok=True)
        temporary = (
            f"{self.path}{_TEMPORARY}{os.urandom(8).hex()}"  # two instances of a rolling update may both be PID 1
        )
        try:
            yield temporary
            os.replace(temporary, self.path + name)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
