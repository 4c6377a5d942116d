"""Each thread's libudev context."""

import threading

import pyudev

_of_this_thread = threading.local()


def context_of_thread() -> pyudev.Context:
    """Return the calling thread's context; libudev's objects must not be used by another thread.

    It is created once, as pyudev runs a program to find libudev.

    Raises:
        OSError: libudev is not found; that takes descriptors.
    """
    if not hasattr(_of_this_thread, "context"):
        try:
            _of_this_thread.context = pyudev.Context()
        except ImportError as error:
            raise OSError(str(error)) from error
    return _of_this_thread.context
