"""Reads small files of sysfs and of udev's database, others of bounded size, and directories.

Any thread. Plain system calls: at each plug some are read, most do not exist, and ``open`` takes three times as long.
"""

import errno
import os
import stat

EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})
"""The errors that say nothing of what was to be read, but that descriptors or memory are used up now."""


def raise_if_exhausted(error: OSError) -> None:
    """Raise an error that says nothing of what was to be read."""
    if error.errno in EXHAUSTED:
        raise error


def beginning(path: str, size: int) -> bytes:
    """Return the first ``size`` bytes of a file; none if it does not exist or cannot be read.

    Raises:
        OSError: descriptors or memory are used up.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise_if_exhausted(error)
        return b""
    try:
        return os.read(descriptor, size)
    except OSError as error:  # sysfs has attributes that cannot be read at all times
        raise_if_exhausted(error)
        return b""
    finally:
        os.close(descriptor)


def read_regular(path: str, size: int, *, directory: int | None = None, flags: int = 0) -> bytes:
    """Return the content of a regular file of at most ``size`` bytes; waits for nothing.

    Args:
        path: relative to the open ``directory``, if there is one.
        size: in bytes; that which ``stat`` says is not relied on.
        directory: a descriptor.
        flags: further ones of ``open``, ``O_NOFOLLOW`` to refuse a symbolic link.

    Raises:
        OSError: it is something else, larger, or cannot be read.
    """
    # First without opening it: opening a FIFO, a terminal or a watchdog has effects.
    _require_regular(os.stat(path, dir_fd=directory, follow_symlinks=not flags & os.O_NOFOLLOW), path)
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY | flags, dir_fd=directory)
    with open(descriptor, "rb") as file:
        _require_regular(os.fstat(descriptor), path)
        content = file.read(size + 1)
    if len(content) > size:
        raise OSError(errno.EFBIG, f"it has more than {size} bytes; make it smaller", path)
    return content


def _require_regular(status: os.stat_result, path: str) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file", path)


def names_in(directory: str) -> list[str]:
    """Return the names in a directory; none if it does not exist or cannot be read.

    Raises:
        OSError: descriptors or memory are used up.
    """
    try:
        return os.listdir(directory)
    except OSError as error:
        raise_if_exhausted(error)
        return []
