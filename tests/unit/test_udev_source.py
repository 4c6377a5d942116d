"""The udev thread ends when it is told to, whatever it is about to do."""

import asyncio
import threading

import pytest

from udev_device_plugin.discovery.describing import Describer
from udev_device_plugin.discovery.mailbox import Mailbox
from udev_device_plugin.discovery.udev import _Listener
from udev_device_plugin.interest import Interest
from udev_device_plugin.metrics import Metrics


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
