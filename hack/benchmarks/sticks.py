"""Sticks to plug: macvtap devices, which our rules take for serial adapters. Real ones to kernel and udevd.

One `ip` waits for orders all the time: a process for each plug would take the CPU from those that are measured, and
would be too slow for a burst.
"""

import contextlib
import subprocess
from collections.abc import Iterable
from types import TracebackType
from typing import Self

SUBSYSTEM = "macvtap"
FIRST = 4000
COUNT = 1000  # as many as hack/benchmarks/rules.d knows


class Sticks:
    """Plugs and pulls sticks by number, from 0 on; returns at once, the kernel and udevd are at it by then."""

    def __enter__(self) -> Self:
        self._ip = subprocess.Popen(["ip", "-batch", "-"], stdin=subprocess.PIPE, text=True)
        self._hubs = 0
        self._new_hub()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with contextlib.suppress(BrokenPipeError):  # it has ended by a fault of its own, as its code says
            self._pull_hub()
        self._ip.communicate()
        if self._ip.returncode and error is None:
            raise RuntimeError(f"ip: ended with {self._ip.returncode}; what it said is above")

    def sys_name(self, number: int) -> str:
        """What the kernel, and so udev, calls one."""
        return sys_name(number)

    def id_prefix(self, number: int) -> str:
        """How the kubelet's ID of one begins."""
        return id_prefix(number)

    def plug(self, *numbers: int) -> None:
        """Plug these, as fast as the kernel makes them."""
        self._order(
            f"link add link {self._hub} name {_name(number)} index {FIRST + number} type macvtap mode bridge"
            for number in numbers
        )

    def unplug(self, number: int) -> None:
        """Pull one."""
        self._order([f"link del {_name(number)}"])

    def unplug_all(self) -> None:
        """Pull all at once, by the hub that they hang on: one by one the kernel takes 20 ms for each."""
        self._pull_hub()
        self._new_hub()

    @property
    def _hub(self) -> str:
        # Another name for each: `ip` remembers names, and would look for the hub that is gone.
        return f"hub{self._hubs}"

    def _new_hub(self) -> None:
        self._hubs += 1
        self._order([f"link add {self._hub} type veth peer name {self._hub}-peer", f"link set {self._hub} up"])

    def _pull_hub(self) -> None:
        self._order([f"link del {self._hub}"])

    def _order(self, lines: Iterable[str]) -> None:
        assert self._ip.stdin is not None
        self._ip.stdin.write("".join(f"{line}\n" for line in lines))
        self._ip.stdin.flush()


def sys_name(number: int) -> str:
    """What the kernel, and so udev, calls it."""
    return f"tap{FIRST + number}"


def id_prefix(number: int) -> str:
    """How the kubelet's ID of it begins: the slug of the link that our rules give it."""
    return f"usb-bench-{FIRST + number}-"


def _name(number: int) -> str:
    assert number in range(COUNT), f"stick {number}: the rules know {COUNT}"
    return f"mvt{FIRST + number}"
