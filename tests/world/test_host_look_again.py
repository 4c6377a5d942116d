"""What one look says of more than the node that it was about (in this process, without any hint)."""

import threading
from collections.abc import Iterator

import pytest

from tests.lab import sysfs
from tests.lab.host import FakeHost
from tests.lab.plugin import PATIENCE
from tests.lab.records import FakeDevice, Stick
from tests.lab.sticks import serial_adapter
from udev_device_plugin.host.dev_paths import DevPaths
from udev_device_plugin.host.interest import Interest
from udev_device_plugin.host.looking import Looking
from udev_device_plugin.host.model import DeviceNumber, Unit
from udev_device_plugin.host.pool import Pool
from udev_device_plugin.host.udev.delivery_check import DeliveryCheck
from udev_device_plugin.selectors.paths.glob import Glob
from udev_device_plugin.selectors.paths.selector import PathSelector


class Observer:
    """Looks at what it is told to look at, and knows by itself of nothing."""

    def __init__(self) -> None:
        self._has_results = threading.Event()
        self._paths = DevPaths(())
        self._pool = Pool(self._has_results.set)
        self._now = 0.0
        self.looking = Looking(self._paths, self._pool, DeliveryCheck())
        self.looking.begin(Interest(frozenset({PathSelector(Glob.parse("/dev/ttyUSB0"))})), self._now, has_udevd=True)

    def close(self) -> None:
        self._pool.close()
        self._paths.close()

    def next_look(self) -> dict[Unit, int]:
        """How many nodes each unit has that is another than before, by the first look that tells something."""
        while (look := self.looking.take_look()) is None:
            self._now += self.looking.next_due(self._now) or 0.0
            self.looking.work(self._now)
            assert self._has_results.wait(PATIENCE)
            self._has_results.clear()
            for result in self._pool.take_results():
                self.looking.take_result(result, self._now)
        return {unit: len(nodes) for unit, nodes in look.units.items()}

    def hint(self, device: FakeDevice) -> None:
        assert device.node
        self.looking.hint(DeviceNumber(device.node.kind, device.node.major, device.node.minor), self._now)


def unit(stick: Stick) -> str:
    return stick.devices[0].sys_path


@pytest.fixture
def gone(host: FakeHost) -> Stick:
    stick = serial_adapter("ttyUSB1", "0001", "1-1")
    host.plug(stick)
    return stick


@pytest.fixture
def observed(gone: Stick) -> Iterator[Observer]:
    """Observes a host on which `gone` is plugged."""
    assert gone.devices
    observed = Observer()
    yield observed
    observed.close()


def test_a_clone_that_went_unseen_is_told_of_as_gone_in_the_look_at_another_one_with_its_link(
    host: FakeHost, gone: Stick, observed: Observer
) -> None:
    assert observed.next_look() == {unit(gone): 2}
    for device in reversed(gone.devices):
        host.vanish(device)
    there = serial_adapter("ttyUSB0", "0001", "1-2")
    host.plug(there)
    observed.hint(there.main)
    assert observed.next_look() == {unit(there): 2, unit(gone): 0}


def test_one_that_went_before_it_had_nodes_is_told_of_as_gone_as_well(host: FakeHost) -> None:
    gone, there = serial_adapter("ttyUSB1", "0001", "1-1"), serial_adapter("ttyUSB0", "0001", "1-2")
    host.plug(gone)
    for device in reversed(gone.devices):
        host.vanish(device)
    for device in gone:
        sysfs.add(device)  # what the database has of the one before is all that there is to be read of it
    observed = Observer()
    try:
        assert observed.next_look() == {unit(gone): 2}
        for device in reversed(gone.devices):
            sysfs.remove(device)
        host.plug(there)
        observed.hint(there.main)
        assert observed.next_look() == {unit(there): 2, unit(gone): 0}
    finally:
        observed.close()
