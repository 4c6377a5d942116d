"""True hotplug without hardware, beside a real udevd: nodes come and go, and rules give them links.

* `MacvtapSticks`: macvtap devices have a character node, /dev/tap<index>; rules make adapters of them.
* `LoopDevices`: block nodes.
* `announce`: the kernel announces a device that stays where it is, such as the tty of a virtual console.

The numbers must agree with tests/udevd/rules.d. /dev is the machine's: other numbers belong to others.
"""

import fcntl
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

FIRST_TAP = 4200
TWINS = range(50, 60)
WANDERER = range(60, 70)
FIRST_LOOP, LOOPS = 1420, 10
LOOP_CTL_ADD, LOOP_CTL_REMOVE = 0x4C80, 0x4C81  # linux/loop.h
TTY = "/sys/class/tty/tty62"


@dataclass(frozen=True, slots=True)
class RealStick:
    """What a plug yields, and what the rules are to make of it."""

    number: int
    devnode: str
    by_id: str
    by_path: str


class MacvtapSticks:
    """Sticks 0 to 49 have serial numbers; 50 to 59 are twins, without one and with the same by-id link.

    60 to 69 are one and the same stick, which is plugged in another port, and gets another node, each time.
    """

    def __init__(self) -> None:
        self._plugged: dict[int, str] = {}
        _ip("link add lab0 type veth peer name lab1")
        _ip("link set lab1 up")

    def close(self) -> None:
        """Unplugs what is plugged."""
        self.clear()
        _ip("link del lab0")

    def clear(self) -> None:
        """Unplugs what is plugged."""
        for number in sorted(self._plugged):
            self.unplug(number)

    def plug(self, number: int) -> RealStick:
        """Plugs a stick; the node is there, udevd is still at work."""
        stick = describe(number)
        name = self._plugged[number] = f"mvt{FIRST_TAP + number}"
        _ip(f"link add link lab1 name {name} index {FIRST_TAP + number} type macvtap mode bridge")
        return stick

    def move(self, number: int) -> None:
        """Renames what a stick hangs on: the kernel tells of that, and not that the stick's own place moves with it."""
        name = f"{self._plugged[number]}m"
        _ip(f"link set {self._plugged[number]} name {name}")
        self._plugged[number] = name

    def unplug(self, number: int) -> None:
        """Unplugs a stick; the node is gone, udevd is still at work."""
        _ip(f"link del {self._plugged.pop(number)}")


class LoopDevices:
    """Block devices without anything in them, numbered from 0 here and from 1420 in /dev."""

    def __init__(self) -> None:
        self._added: set[int] = set()

    def clear(self) -> None:
        """Removes what was added."""
        for number in sorted(self._added):
            self.remove(number)

    def add(self, number: int) -> str:
        """Adds one; the path of its node."""
        assert number in range(LOOPS), f"loop device {number}: there are only {LOOPS} for tests"
        _loop_control(LOOP_CTL_ADD, FIRST_LOOP + number)
        self._added.add(number)
        return f"/dev/loop{FIRST_LOOP + number}"

    def remove(self, number: int) -> None:
        """Removes one."""
        _loop_control(LOOP_CTL_REMOVE, FIRST_LOOP + number)
        self._added.remove(number)


def describe(number: int) -> RealStick:
    """What plugging this stick would yield."""
    index = FIRST_TAP + number
    serial = "WANDERER" if number in WANDERER else f"A1B2C3{index}"
    by_id = "usb-1a86_USB_Serial" if number in TWINS else f"usb-FTDI_FT232R_USB_UART_{serial}"
    return RealStick(
        number=number,
        devnode=f"/dev/tap{index}",
        by_id=f"/dev/serial/by-id/{by_id}-if00-port0",
        by_path=f"/dev/serial/by-path/pci-0000:00:14.0-usb-0:{index}:1.0-port0",
    )


def announce(action: str, sys_path: str = TTY, properties: Mapping[str, str] | None = None) -> None:
    """A synthetic uevent: truly the kernel's, though nothing happened."""
    identity = " 00000000-0000-0000-0000-000000000000" if properties else ""
    arguments = "".join(f" {key}={value}" for key, value in (properties or {}).items())
    with open(f"{sys_path}/uevent", "w") as file:
        file.write(f"{action}{identity}{arguments}")


def _ip(arguments: str) -> None:
    subprocess.run(["ip", *arguments.split()], check=True)


def _loop_control(operation: int, number: int) -> None:
    descriptor = os.open("/dev/loop-control", os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.ioctl(descriptor, operation, number)
    finally:
        os.close(descriptor)
