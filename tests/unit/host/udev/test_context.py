"""Libudev that is not to be had: a failure like others, to be tried again."""

import pytest
import pyudev

from udev_device_plugin.host.reader import Reader
from udev_device_plugin.host.udev.context import new_context
from udev_device_plugin.host.udev.monitor import UdevMonitor


@pytest.mark.parametrize("make", [new_context, Reader, UdevMonitor])
def test_a_libudev_that_is_not_found_is_an_error_of_the_system(make: type, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ImportError("No library named udev")

    monkeypatch.setattr(pyudev, "Context", fail)
    with pytest.raises(OSError, match="No library named udev"):
        make()
