"""The plugin, as ever, that gives udevd more than 3 s for a node: emulated on a busy machine, udevd may need them.

`python -m tests.vm.machine.patient`
"""

import sys

from udev_device_plugin.app.cli import main
from udev_device_plugin.host import memory

PATIENCE = 120.0  # seconds

if __name__ == "__main__":
    memory.HOLD_BACK = PATIENCE
    sys.exit(main())
