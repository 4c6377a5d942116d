"""Makes libudev's contexts, one for each thread."""

import pyudev


def new_context() -> pyudev.Context:
    """A context of the calling thread.

    Raises:
        OSError: libudev is not to be had. Pyudev looks for it anew each time, which takes descriptors.
    """
    try:
        return pyudev.Context()
    except ImportError as error:
        raise OSError(str(error)) from error
