"""A plugin that is asked to end while events come, ends: without a traceback, and within a moment."""

import signal
from collections.abc import Iterable

import pytest

from tests.lab.host import FakeHost
from tests.lab.node import every, node
from tests.lab.sticks import serial_adapter


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_end_amid_events_is_quiet(number: signal.Signals, host: FakeHost, plugin_directory: str) -> None:
    stick = serial_adapter()
    host.plug(stick)
    async with node(plugin_directory, every("/dev/ttyUSB*")) as here:
        await here.wait_for(healthy=1)
        host.storm(stick.main, 2000)
        plug(host, range(1, 6))
        here.plugin.signal(number)
        host.storm(stick.main, 2000)
        plug(host, range(6, 12))
        assert await here.plugin.wait() == 0
        assert here.plugin.errors == []
        assert not [
            line for line in here.plugin.log if line.fields.get("level") == "error" or "exception" in line.fields
        ]


def plug(host: FakeHost, numbers: Iterable[int]) -> None:
    for number in numbers:
        host.plug(serial_adapter(f"ttyUSB{number}", f"S{number}", f"1-{number + 2}"))
