"""``python -m udev_device_plugin``, and the command ``udev-device-plugin``."""

import signal
import sys

# Before the imports, which take a while: a container's first process gets only signals that it has a handler for.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))

from udev_device_plugin.app.cli import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
