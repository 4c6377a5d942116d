"""Reads small files of sysfs and of udev's database, and directories.

Any thread. Plain system calls: at each plug some are read, most do not exist, and ``open`` takes three times as long.
"""

import os


def beginning(path: str, size: int) -> bytes:
    """Return the first ``size`` bytes of a file; none if it does not exist or cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(descriptor, size)
    except OSError:  # sysfs has attributes that cannot be read at all times
        return b""
    finally:
        os.close(descriptor)


def names_in(directory: str) -> list[str]:
    """Return the names in a directory; none if it does not exist or cannot be read."""
    try:
        return os.listdir(directory)
    except OSError:
        return []
