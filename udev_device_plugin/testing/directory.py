"""What a kubelet does in its directories: it clears them at a start, and rewrites its checkpoint all the time.

The kubelet's event loop only; small blocking file operations, in the given directories alone.
"""

import contextlib
import json
import os
import stat
import tempfile
from collections.abc import Iterable
from enum import Enum

from udev_device_plugin.testing.records import ResourceView

CHECKPOINT = "kubelet_internal_checkpoint"
SOCKET = "kubelet.sock"


class Wipe(Enum):
    """What a kubelet deletes in its plugin directory when it starts."""

    ALL_FILES = "every non-directory except the kubelet's checkpoint, as in 1.28 to 1.32"
    SOCKETS = "sockets, as in 1.34 and 1.36"


def clear(directory: str, wipe: Wipe) -> None:
    """Make the directory if it is missing, and delete what a starting kubelet deletes."""
    os.makedirs(directory, mode=0o750, exist_ok=True)
    with os.scandir(directory) as entries:
        deleted = [entry.path for entry in entries if _is_deleted(entry, wipe)]
    for path in deleted:
        with contextlib.suppress(FileNotFoundError):  # a plugin has removed it
            os.unlink(path)


def _is_deleted(entry: os.DirEntry[str], wipe: Wipe) -> bool:
    try:
        mode = entry.stat(follow_symlinks=False).st_mode
    except FileNotFoundError:  # a plugin has removed it
        return False
    if wipe is Wipe.SOCKETS:
        return stat.S_ISSOCK(mode)
    return not stat.S_ISDIR(mode) and entry.name != CHECKPOINT


def prepare_socket(socket: str) -> None:
    """Make the directory of a socket if it is missing, and delete the socket of an earlier kubelet."""
    os.makedirs(os.path.dirname(socket), mode=0o750, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(socket)


def write_checkpoint(directory: str, resources: Iterable[ResourceView]) -> None:
    """Replace the checkpoint by a temporary file: inotify events that watches of the directory must cope with."""
    views = tuple(resources)
    registered = {view.name: view.healthy for view in views}
    entries = [{"ResourceName": view.name, "DeviceIDs": {"-1": view.allocated}} for view in views if view.allocated]
    text = json.dumps({"Data": {"PodDeviceEntries": entries, "RegisteredDevices": registered}, "Checksum": 0})
    with contextlib.suppress(OSError):  # the directory is gone: a kubelet logs it and goes on
        number, temporary = tempfile.mkstemp(prefix=".", dir=directory)
        with os.fdopen(number, "w") as file:
            file.write(text)
        os.replace(temporary, os.path.join(directory, CHECKPOINT))
