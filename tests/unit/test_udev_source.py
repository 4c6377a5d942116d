"""The udev thread ends when it is told to, whatever it is about to do."""

import threading

import pytest

from udev_device_plugin.discovery.describing import Describer
from udev_device_plugin.discovery.udev import _Listener
from udev_device_plugin.interest import Interest
from udev_device_plugin.metrics import Metrics


def test_it_is_not_too_late_to_stop_it_when_a_session_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    listener = _Listener(lambda *_: None, lambda _: None, Describer(Interest.of(())), Metrics())
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
