"""``python -m udev_device_plugin``: the same as the command ``udev-device-plugin``.

Floor 6, main thread; nothing but the call.
"""

import sys

from udev_device_plugin.app.cli import main

if __name__ == "__main__":
    sys.exit(main())
