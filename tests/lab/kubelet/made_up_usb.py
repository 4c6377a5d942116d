"""The plugin where /sys has two made-up USB devices: `python -m tests.lab.kubelet.made_up_usb ARGUMENT…`.

They are on a bus that no machine has, and no driver has the numbers of their nodes, which `nodes` makes. No udevd
speaks of them.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab import sysfs
from tests.lab.kubelet.processes import refuse_outside
from tests.lab.plugin import PLUGIN
from tests.lab.records import FakeDevice
from tests.lab.sticks import Product, serial_adapter

RADIO = Product("0bda", "2838", "Realtek", "RTL2838UHIDIR", "usb")
COMMAND = (
    *("unshare", "--mount", "--propagation", "private", "env", "SYSTEMD_DEVICE_VERIFY_SYSFS=0"),
    *(sys.executable, "-m", "tests.lab.kubelet.made_up_usb"),
)
BUS = "/dev/bus"


def radios() -> Iterator[FakeDevice]:
    """Two sticks without a driver, by their raw nodes: /dev/bus/usb/201/002 and /dev/bus/usb/201/003."""
    for number in (1, 2):
        yield serial_adapter("ttyUSB0", f"RADIO{number}", f"201-{number}", product=RADIO).devices[0]


@contextmanager
def nodes() -> Iterator[None]:
    """The lab has a /dev/bus of its own, with their nodes."""
    refuse_outside()
    is_new = not os.path.isdir(BUS)
    os.makedirs(BUS, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "none", BUS], check=True)
    try:
        for radio in radios():
            assert radio.node
            sysfs.make_node(radio.node)
        yield
    finally:
        subprocess.run(["umount", "--lazy", BUS], check=True)
        if is_new:
            os.rmdir(BUS)


def main() -> None:
    """Make /sys up for this process alone, and become the plugin."""
    refuse_outside()
    for folder in ("/sys", "/run/udev"):
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "none", folder], check=True)
    sysfs.make_bare()
    for radio in radios():
        sysfs.add(radio)
    os.execv(PLUGIN[0], [*PLUGIN, *sys.argv[1:]])


if __name__ == "__main__":
    main()
