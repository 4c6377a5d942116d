"""The host thread on a made-up host: what its parts can each do alone must also come together."""

import select
import threading

from tests.lab.following import PATIENCE, FollowingThread
from tests.lab.host import FakeHost
from tests.lab.sticks import serial_adapter
from udev_device_plugin.globs import Glob
from udev_device_plugin.host.udev.monitor import UdevMonitor
from udev_device_plugin.interest import Interest


class RenewedInTime(FollowingThread):
    """Its first monitor ends when all looks are over, and none of them has been taken in."""

    def __init__(self, interest: Interest) -> None:
        super().__init__(interest)
        self._woken = threading.Condition()
        self._is_first = True

    def _wake(self) -> None:
        super()._wake()
        with self._woken:
            self._woken.notify()

    def _wait(self, monitor: UdevMonitor, supervise_in: float | None) -> dict[int, int]:
        if not self._is_first:
            return super()._wait(monitor, supervise_in)
        with self._woken:
            assert self._woken.wait_for(lambda: len(self._pool._results) == self._pool.outstanding, PATIENCE)
        return {self._paths.fileno(): select.POLLIN}

    def _take_paths(self) -> bool:
        is_over, self._is_first = self._is_first, False
        return super()._take_paths() or is_over


def test_looks_that_are_over_when_another_monitor_begins_are_taken_in(host: FakeHost) -> None:
    stick = serial_adapter()
    host.plug(stick)
    with RenewedInTime(Interest(frozenset({Glob.of(stick.devnode)}))) as thread:
        known, _ = thread.rest()
    assert known["entries"].keys() == {stick.devnode}
