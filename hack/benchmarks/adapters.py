"""Serial adapters to plug and unplug, by number: real devices to kernel and udevd, or USB adapters of a made-up host.

With `count` resources, adapter `n` is for resource `n % count`: its link and its ID say `R<resource>N<number>`.
"""

import contextlib
import subprocess
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from tests.lab.host import FakeHost
from tests.lab.records import FakeDevice, FakeNode, Stick
from tests.lab.sticks import serial_adapter

FIRST = 4000
"""The number of the first real adapter; rules.d knows 1000 of them."""

_MAJOR = 240  # for local use


class RealAdapters:
    """Macvtap devices, which our rules take for serial adapters: real to kernel and udevd. For one resource.

    One `ip` waits for orders all the time: a process for each plug would take the CPU from those that are measured.
    """

    subsystem, prefix, count = "macvtap", "tap", 1

    def __enter__(self) -> Self:
        self._ip = subprocess.Popen(["ip", "-batch", "-"], stdin=subprocess.PIPE, text=True)
        self._parents = 0
        self._make_parent()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with contextlib.suppress(BrokenPipeError):  # it has ended by a fault of its own, as its code says
            self._order([f"link del par{self._parents}"])
        self._ip.communicate()
        if self._ip.returncode and error is None:
            raise RuntimeError(f"ip: ended with {self._ip.returncode}; what it said is above")

    def plug(self, *numbers: int) -> None:
        """Returns at once, the kernel and udevd are at it by then."""
        self._order(
            f"link add link par{self._parents} name mvt{number} index {number} type macvtap mode bridge"
            for number in numbers
        )

    def unplug(self, number: int) -> None:
        self._order([f"link del mvt{number}"])

    def unplug_all(self) -> None:
        """With the device that they hang on: one by one the kernel takes 20 ms for each."""
        self._order([f"link del par{self._parents}"])
        self._make_parent()

    def _make_parent(self) -> None:
        self._parents += 1  # another name for each: `ip` caches names, and would search for the removed one
        name = f"par{self._parents}"
        self._order([f"link add {name} type veth peer name {name}p", f"link set {name} up"])

    def _order(self, lines: Iterable[str]) -> None:
        assert self._ip.stdin is not None
        self._ip.stdin.write("".join(f"{line}\n" for line in lines))
        self._ip.stdin.flush()


class MadeUpAdapters:
    """USB adapters of a made-up host: real nodes, links and messages to libudev, of a udevd that is played."""

    subsystem, prefix = "tty", "ttyUSB"

    def __init__(self, host: FakeHost, count: int = 1) -> None:
        self._host = host
        self.count = count

    def plug(self, number: int) -> None:
        self._host.plug(self._adapter(number))

    def unplug(self, number: int) -> None:
        self._host.unplug(self._adapter(number))

    def _adapter(self, number: int) -> Stick:
        port = ".".join(str(number // 7**digit % 7 + 1) for digit in (2, 1, 0))  # a chain of hubs with 7 ports each
        return serial_adapter(f"{self.prefix}{number}", f"R{number % self.count}N{number}", f"1-{port}")


Adapters = RealAdapters | MadeUpAdapters


def add_unrelated_nodes(host: FakeHost, count: int) -> None:
    """Have so many other nodes on the host, each with a link, without an event."""
    for number in range(count):
        device = FakeDevice(
            f"/devices/virtual/other/other{number}",
            "other",
            node=FakeNode(f"other{number}", _MAJOR, number),
            properties={"ID_SERIAL_SHORT": f"OTHER{number}"},
            links=(f"other/by-id/other-{number}",),
        )
        host.plug(device, silent=True)
