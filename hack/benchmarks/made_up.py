"""Sticks on a made-up host, as many as wanted: real nodes, links and events to libudev, of a udevd that is played.

Only in `hack/lib/in-world`. A crowd is what else a host has: nodes of its own, each with a link.
"""

from tests.lab.host import FakeHost
from tests.lab.records import FakeDevice, FakeNode

SUBSYSTEM = "tty"
LINKS = "/dev/serial/by-id"
CROWD_LINKS = "/dev/crowd/by-id"

_STICKS, _CROWD = 188, 240  # major numbers


class MadeUpSticks:
    """Sticks by number; each has a link that names the resource it is for."""

    def __init__(self, host: FakeHost, resources: int = 1, links: str = LINKS) -> None:
        self._host = host
        self._resources = resources
        self._links = links.removeprefix("/dev/")

    def plug(self, number: int) -> None:
        self._host.plug(self._stick(number))

    def unplug(self, number: int) -> None:
        self._host.unplug(self._stick(number))

    def flap(self, number: int) -> None:
        """Pull one, and plug it again, as fast as can be."""
        self.unplug(number)
        self.plug(number)

    def sys_name(self, number: int) -> str:
        return f"ttyUSB{number}"

    def id_prefix(self, number: int) -> str:
        return f"usb-bench-{number % self._resources}-{number}-"

    def _stick(self, number: int) -> FakeDevice:
        name, place = self.sys_name(number), f"1-{number % 9 + 1}"
        return FakeDevice(
            f"/devices/pci0000:00/0000:00:14.0/usb1/{place}/{place}:1.0/{name}/tty/{name}",
            SUBSYSTEM,
            node=FakeNode(name, _STICKS, number),
            properties={"ID_BUS": "usb", "ID_SERIAL_SHORT": f"BENCH{number}", "ID_VENDOR_ID": "0403"},
            links=(f"{self._links}/usb-bench_{number % self._resources}_{number}-if00-port0",),
        )


def gather_crowd(host: FakeHost, count: int) -> None:
    """Have so many other nodes on the host, without an event."""
    for number in range(count):
        name = f"crowd{number}"
        device = FakeDevice(
            f"/devices/virtual/crowd/{name}",
            "crowd",
            node=FakeNode(name, _CROWD, number),
            properties={"ID_SERIAL_SHORT": f"CROWD{number}"},
            links=(f"crowd/by-id/crowd-{number}",),
        )
        host.plug(device, silent=True)


def glob_of(resource: int) -> str:
    """What means the sticks of one resource among several."""
    return f"{LINKS}/usb-bench_{resource}_*"
