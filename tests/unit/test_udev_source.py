"""The udev thread ends when it is told to, and answers what no event has answered."""

import asyncio
import os
import threading

import pytest
import pyudev

from udev_device_plugin.device import DeviceNumber
from udev_device_plugin.discovery.describing import Describer
from udev_device_plugin.discovery.mailbox import Mailbox
from udev_device_plugin.discovery.udev import _Listener
from udev_device_plugin.globs import Glob
from udev_device_plugin.interest import Interest
from udev_device_plugin.metrics import Metrics
from udev_device_plugin.observations import DeviceObserved, Observation


def test_it_is_not_too_late_to_stop_it_when_a_session_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.new_event_loop()
    listener = _Listener(Mailbox(loop, lambda *_: None), lambda _: None, Describer(Interest.of(())), Metrics())
    drain = listener._drain_wake

    def stop_and_drain() -> None:
        listener.stop()
        drain()

    monkeypatch.setattr(listener, "_drain_wake", stop_and_drain)
    thread = threading.Thread(target=listener.listen, daemon=True)
    thread.start()
    thread.join(timeout=20)
    assert not thread.is_alive()
    listener.close()
    loop.close()


def test_a_question_that_an_event_has_answered_is_not_answered_again() -> None:
    told: list[Observation] = []
    loop = asyncio.new_event_loop()
    interest = Interest(frozenset({Glob.parse("/dev/null")}))
    listener = _Listener(
        Mailbox(loop, lambda observations, _: told.extend(observations)), lambda _: None, Describer(interest), Metrics()
    )
    context = pyudev.Context()
    null = pyudev.Devices.from_device_number(context, "char", os.makedev(1, 3))
    listener.identify({DeviceNumber("c", 1, 3), DeviceNumber("c", 1, 5)})
    observed = listener._observations(null, "change")
    assert [type(one) for one in observed] == [DeviceObserved]
    listener._answer(context)
    loop.run_until_complete(asyncio.sleep(0))
    assert [one.device.devnode for one in told if isinstance(one, DeviceObserved)] == ["/dev/zero"]
    listener.close()
    loop.close()
