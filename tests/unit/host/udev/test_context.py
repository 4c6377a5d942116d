"""Libudev is looked for once by each thread; one that is not to be had is a failure like others, to be tried again."""

import threading
from collections.abc import Callable

import pytest
import pyudev

from udev_device_plugin.host.model import DeviceNumber
from udev_device_plugin.host.udev import context
from udev_device_plugin.host.udev.context import context_of_thread
from udev_device_plugin.host.udev.device import read_device
from udev_device_plugin.host.udev.monitor import UdevMonitor


def read_null() -> None:
    read_device(DeviceNumber("c", 1, 3))


@pytest.fixture(autouse=True)
def made(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The contexts that are made; this thread has none yet."""
    contexts: list[object] = []
    really_make = pyudev.Context

    def make() -> pyudev.Context:
        contexts.append(really_make())
        return contexts[-1]

    monkeypatch.setattr(context, "_of_this_thread", threading.local())
    monkeypatch.setattr(pyudev, "Context", make)
    return contexts


def test_a_threads_monitors_and_looks_have_one_context(made: list[object]) -> None:
    for _ in range(2):
        UdevMonitor()
        read_null()
    assert len(made) == 1


def test_each_thread_has_its_own_context(made: list[object]) -> None:
    context_of_thread()
    thread = threading.Thread(target=context_of_thread)
    thread.start()
    thread.join()
    assert len(made) == 2


@pytest.mark.parametrize("make", [context_of_thread, read_null, UdevMonitor])
def test_a_libudev_that_is_not_found_is_an_error_of_the_system(
    make: Callable[[], object], made: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise ImportError("No library named udev")

    with monkeypatch.context() as broken:
        broken.setattr(pyudev, "Context", fail)
        with pytest.raises(OSError, match="No library named udev"):
            make()
    make()
    assert len(made) == 1, "it is looked for again"
