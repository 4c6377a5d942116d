"""``python -m udev_device_plugin``, and the command ``udev-device-plugin``."""

import signal
import sys

# Before the imports, which take a while: the kernel keeps from a container's first process what it has no handler for.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))

from udev_device_plugin.app.cli import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
