"""What a real udevd writes late, about a stick that has gone, while another one has its number."""

import fcntl
import os
import select
from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab.following import FollowingThread
from tests.lab.hotplug import FIRST_TAP, MacvtapSticks
from tests.lab.udevd import PATIENCE, Udevd
from udev_device_plugin.host.interest import Interest
from udev_device_plugin.host.model import DeviceNumber, Node, NodeState
from udev_device_plugin.selectors.paths.glob import Glob
from udev_device_plugin.selectors.paths.selector import PathSelector

RULES = "/run/udev/rules.d/99-lab-of-this-test.rules"
INTEREST = Interest(frozenset({PathSelector(Glob.parse("/dev/tap42*"))}))


class Gate:
    """Where a program of a rule waits; it tells when it has come there."""

    def __init__(self, path: str) -> None:
        self._path, self._arrivals_path = path, f"{path}-arrivals"
        os.mkfifo(self._arrivals_path)
        self._arrivals = os.open(self._arrivals_path, os.O_RDWR)
        self._gate = os.open(path, os.O_CREAT | os.O_RDWR)
        fcntl.flock(self._gate, fcntl.LOCK_EX)
        self.program = f"/bin/sh -c 'echo >{self._arrivals_path}; flock --shared {path} true'"

    def wait(self) -> None:
        """Until the program is there."""
        assert select.select([self._arrivals], [], [], PATIENCE)[0], "the rule was not heard of"

    def open(self) -> None:
        """Let it go on."""
        fcntl.flock(self._gate, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let it go on, and leave nothing behind."""
        for descriptor, path in ((self._gate, self._path), (self._arrivals, self._arrivals_path)):
            os.close(descriptor)
            os.unlink(path)


@pytest.fixture
def gates(udevd: Udevd, sticks: MacvtapSticks) -> Iterator[tuple[Gate, Gate]]:
    """Where udevd is held that works on stick 0: before it writes the entry, and after that."""
    before, after = Gate("/run/lab-before"), Gate("/run/lab-after")
    with open(RULES, "w") as rules:
        keys = f'PROGRAM="{before.program}", RUN+="{after.program}"'
        rules.write(f'SUBSYSTEM=="macvtap", ACTION=="add", KERNEL=="tap{FIRST_TAP}", {keys}\n')
    udevd.udevadm("control", "--reload")
    yield before, after
    os.unlink(RULES)
    before.close()
    after.close()
    udevd.udevadm("control", "--reload")
    sticks.clear()


def node_of(following: FollowingThread, number: DeviceNumber) -> Node:
    known: Any = following.rest()[0]
    node: Node = known["_by_number"][number]
    return node


@pytest.mark.timeout(60)
def test_it_is_not_taken_for_what_it_says_of_the_next_one(
    udevd: Udevd, sticks: MacvtapSticks, gates: tuple[Gate, Gate]
) -> None:
    before, after = gates
    with FollowingThread(INTEREST) as following:
        gone = sticks.plug(0)
        device = os.stat(gone.devnode).st_rdev
        number = DeviceNumber("c", os.major(device), os.minor(device))
        before.wait()
        assert node_of(following, number).devnode == gone.devnode
        sticks.unplug(0)
        there = sticks.plug(1)
        assert os.stat(there.devnode).st_rdev == device, "it has another number"
        before.open()
        after.wait()
        with open(f"/run/udev/data/{number}") as entry:
            assert gone.by_id.removeprefix("/dev/") in entry.read()
        now = node_of(following, number)
        assert (now.devnode, now.state) == (there.devnode, NodeState.OVERDUE)
        assert now.description is not None
        assert now.description.devlinks == ()
        after.open()
        udevd.settle()
        now = node_of(following, number)
        assert now.state is NodeState.FINISHED
        assert now.description is not None
        assert there.by_id in now.description.devlinks
