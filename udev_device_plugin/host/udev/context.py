"""Each thread's libudev context."""

import threading

import pyudev

_of_this_thread = threading.local()


def context_of_thread() -> pyudev.Context:
    """The calling thread's context, made once: for each, pyudev runs a program to find libudev, and knows no other way.

    What libudev makes belongs to the thread that it was made on, so that threads cannot share one.

    Raises:
        OSError: libudev is not to be had. To look for it takes descriptors.
    """
    if not hasattr(_of_this_thread, "context"):
        try:
            _of_this_thread.context = pyudev.Context()
        except ImportError as error:
            raise OSError(str(error)) from error
    return _of_this_thread.context
