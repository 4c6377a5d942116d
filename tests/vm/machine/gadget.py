"""A gadget of the kernel's, on its own software controller (dummy_hcd): an Arduino, whose driver is cdc_acm.

The gadget's side has a tty too, /dev/ttyGS0, which is none of the host's. See
Documentation/usb/gadget_configfs.rst.
"""

import os
import subprocess

from tests.vm.machine.places import Place

GADGETS = "/sys/kernel/config/usb_gadget"
CONTROLLERS = ("dummy_udc.0", "dummy_udc.1")


class Arduino:
    """An Arduino Uno: its by-id link is `usb-Arduino_Arduino_Uno_<serial>-if00`."""

    def __init__(self, serial: str) -> None:
        _load()
        self._path = f"{GADGETS}/{serial}"
        texts = {"manufacturer": "Arduino", "product": "Arduino Uno", "serialnumber": serial}
        os.makedirs(f"{self._path}/strings/0x409")
        os.makedirs(f"{self._path}/configs/c.1")
        os.makedirs(f"{self._path}/functions/acm.0")
        for name, value in {"idVendor": "0x2341", "idProduct": "0x0043"}.items():
            _write(f"{self._path}/{name}", value)
        for name, value in texts.items():
            _write(f"{self._path}/strings/0x409/{name}", value)
        os.symlink(f"{self._path}/functions/acm.0", f"{self._path}/configs/c.1/acm.0")
        self.places = tuple(Place(rf"/dummy_hcd\.{port}/usb\d+/\d+-1") for port in range(len(CONTROLLERS)))
        self._is_plugged = False

    def plug(self, port: int) -> None:
        """Plugs it in one of two ports, each of which is a bus of its own."""
        _write(f"{self._path}/UDC", CONTROLLERS[port])
        self._is_plugged = True

    def unplug(self) -> None:
        """Unplugs it."""
        if self._is_plugged:
            _write(f"{self._path}/UDC", "\n")
            self._is_plugged = False


def _load() -> None:
    subprocess.run(["modprobe", "libcomposite"], check=True)
    subprocess.run(["modprobe", "dummy_hcd", "num=2", "is_super_speed=0"], check=True)
    if not os.path.isdir(GADGETS):
        subprocess.run(["mount", "-t", "configfs", "none", "/sys/kernel/config"], check=True)


def _write(path: str, value: str) -> None:
    with open(path, "w") as file:
        file.write(value)
