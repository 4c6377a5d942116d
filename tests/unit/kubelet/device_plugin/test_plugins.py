"""The plugins of all resources: what comes and goes while they run. How one runs: test_resource_plugin."""

import asyncio
import contextlib
from pathlib import Path

from udev_device_plugin.devices.store import DeviceStore
from udev_device_plugin.kubelet.device_plugin.plugins import Plugins
from udev_device_plugin.kubelet.plugin_directory import PluginDirectory
from udev_device_plugin.telemetry.event_log import EventLog
from udev_device_plugin.telemetry.metrics import Metrics


async def test_a_resource_that_comes_while_the_program_stops_ends_nothing(tmp_path: Path) -> None:
    store = DeviceStore(["squat.ai/first", "squat.ai/late"])
    plugins = Plugins(store, PluginDirectory(str(tmp_path)), Metrics(), EventLog(), ["squat.ai/first"])
    running = asyncio.create_task(plugins.run())
    await asyncio.sleep(0)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    plugins.add("squat.ai/late")  # by a reload
    assert [*plugins.plugins] == ["squat.ai/first", "squat.ai/late"]
