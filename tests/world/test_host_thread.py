"""The host thread from one monitor to the next (in this process, on a made-up host)."""

import logging
import select
import threading
from queue import SimpleQueue
from typing import Any

import pytest

from tests.lab.host import FakeHost
from tests.lab.plugin import PATIENCE
from tests.lab.sticks import serial_adapter
from udev_device_plugin.host import host_thread, looking
from udev_device_plugin.host.host_thread import HostThread
from udev_device_plugin.host.interest import Interest
from udev_device_plugin.host.looks import HostLook, UnitLook
from udev_device_plugin.host.reader import look_at_unit
from udev_device_plugin.host.udev.monitor import UdevMonitor
from udev_device_plugin.telemetry.metrics import Metrics


def test_looks_that_end_while_there_is_no_monitor_are_taken_in_with_the_next_one(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_begun, may_end, looks = threading.Event(), threading.Event(), SimpleQueue[HostLook]()

    def look_held_up(*arguments: Any) -> UnitLook:
        has_begun.set()
        may_end.wait(PATIENCE)
        return look_at_unit(*arguments)

    class ThreadThatPausesUntilThen(HostThread):
        def _pause(self, seconds: float) -> None:
            super()._pause(seconds)
            if not may_end.is_set():
                may_end.set()
                select.select([self._wake_up], [], [], PATIENCE)

    monkeypatch.setattr(looking, "look_at_unit", look_held_up)
    host.plug(serial_adapter())  # all that there is on this host: nothing else is looked at, and wakes the thread
    observed = ThreadThatPausesUntilThen(Interest(frozenset(), number=1), looks.put, Metrics())
    thread = threading.Thread(target=observed.run)
    thread.start()
    try:
        assert has_begun.wait(PATIENCE)
        observed.look_at_everything()
        assert looks.get(timeout=PATIENCE).units
    finally:
        observed.stop()
        thread.join()


def test_a_udevd_that_is_back_just_before_its_socket_is_watched_is_waited_for(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    made, has_third, looks = list[UdevMonitor](), threading.Event(), SimpleQueue[HostLook]()

    def make_monitor() -> UdevMonitor:
        if len(made) == 1:  # made because udevd has gone
            host.show_udevd()
        made.append(UdevMonitor())
        if len(made) == 3:
            has_third.set()
        return made[-1]

    monkeypatch.setattr(host_thread, "UdevMonitor", make_monitor)
    observed = HostThread(Interest(frozenset(), number=1), looks.put, Metrics())
    thread = threading.Thread(target=observed.run)
    thread.start()
    try:
        assert looks.get(timeout=PATIENCE).complete_for == 1
        host.hide_udevd()
        assert has_third.wait(PATIENCE)
    finally:
        observed.stop()
        thread.join()
    assert caplog.messages[-1] == "udev: udevd is there now"
