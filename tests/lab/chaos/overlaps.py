"""Two plugins of a rolling update at once, of which one goes, in each order and way: the other one is heard again."""

import itertools
import shutil
import signal
import tempfile
from collections.abc import Callable
from typing import Literal

from tests.lab.host import FakeHost
from tests.lab.node import SERIAL, every, node, until_dropped, wait_for_metric
from tests.lab.plugin import PluginProcess
from tests.lab.sticks import serial_adapter

Which = Literal["the older", "the newer"]
WAYS: tuple[tuple[Which, signal.Signals], ...] = (
    ("the older", signal.SIGTERM),
    ("the older", signal.SIGKILL),
    ("the newer", signal.SIGTERM),
    ("the newer", signal.SIGKILL),
)

TTYS = every("/dev/ttyUSB*")


async def overlap(host: FakeHost, directory: str, goes: Which, ended_by: signal.Signals) -> None:
    """Have one of two go, and see that the kubelet hears what the other one has to say."""
    host.plug(serial_adapter("ttyUSB0", "A", "1-1"))
    async with node(directory, TTYS) as here:
        before = await here.offers()
        async with PluginProcess.serving(TTYS, directory=directory) as newer:
            newer.is_quiet = here.plugin.is_quiet = True
            await wait_for_metric(newer, "udev_device_plugin_kubelet_connected", 1)
            going, staying = (here.plugin, newer) if goes == "the older" else (newer, here.plugin)
            async with until_dropped(here.kubelet, SERIAL):  # whoever of the two has gone
                going.signal(ended_by)
                await going.wait()
            await wait_for_metric(staying, "generic_device_plugin_restarts_total", 1, resource=SERIAL)
            await here.wait_for(healthy=1)
            assert await here.offers() == before
            host.plug(serial_adapter("ttyUSB1", "B", "1-2"))
            await here.wait_for(healthy=2)
            assert staying.errors == [], staying.said()


async def overlap_again_and_again(count: int, tell: Callable[[str], None]) -> None:
    """So many times each way."""
    for number, (goes, ended_by) in itertools.product(range(1, count + 1), WAYS):
        host, directory = FakeHost(), tempfile.mkdtemp(prefix="p-", dir="/run")
        try:
            await overlap(host, directory, goes, ended_by)
        finally:
            host.close()
            shutil.rmtree(directory)
        tell(f"{number} of {count}: {goes} of two plugins ended by {ended_by.name}: the other one is heard")
