"""Our rules against the machine's udevd: the same rules, the same USB devices, the same verdicts."""

import glob
import os

from pyudev import Context

from tests.lab.rules_table import ROWS, compare, rules_file
from tests.vm.machine.models import Camera, ch340, cp2102, ftdi
from tests.vm.machine.node import PATIENCE, run, settle, write
from tests.vm.machine.stories import Stage
from tests.vm.machine.usbip import Model, Port

RULES = "/run/udev/rules.d/99-table.rules"
USB_ROWS = [row for row in ROWS if row.needs_usb]
LINKS = (
    "/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_TABLE1-if00-port0",
    "/dev/serial/by-id/usb-Silicon_Labs_CP2102_USB_to_UART_Bridge_Controller_TABLE2-if00-port0",
    "/dev/serial/by-id/usb-1a86_USB_Serial-if00-port0",
    "/dev/v4l/by-id/usb-046d_HD_Webcam_TABLE3-video-index0",
    "/dev/v4l/by-id/usb-046d_HD_Webcam_TABLE3-video-index1",
)


async def every_rule_about_usb_matches_what_it_matches_in_udevd(stage: Stage) -> None:
    ports = stage.ports(4)
    models: tuple[Model, ...] = (ftdi("TABLE1"), cp2102("TABLE2"), ch340(), Camera("TABLE3"))
    for port, model in zip(ports, models, strict=True):
        port.plug(model)
    await run("udevadm", "wait", f"--timeout={PATIENCE:.0f}", *LINKS)
    await settle()

    os.makedirs(os.path.dirname(RULES), exist_ok=True)
    write(RULES, rules_file(USB_ROWS))
    await run("udevadm", "control", "--reload")
    devices = [f"--parent-match={_device(port)}" for port in ports]
    await run("udevadm", "trigger", "--action=change", "--settle", *devices)
    # Others plug devices meanwhile, which udevd marks before their drivers have them.
    compared = compare(Context(), USB_ROWS, meant=lambda path: any(port.place.holds(path) for port in ports))
    os.unlink(RULES)

    assert compared.differences == [], "\n".join(compared.differences)
    kinds = {"usb": 9, "usb-serial": 3, "tty": 3, "video4linux": 2}
    assert len(compared.devices) >= sum(kinds.values()), compared.devices
    assert len(compared.matched_rows) >= 40, compared.matched_rows


def _device(port: Port) -> str:
    paths = port.place.among(glob.glob("/sys/bus/usb/devices/*-*[0-9]"))
    (found,) = (path for path in paths if ":" not in os.path.basename(path))
    return found
