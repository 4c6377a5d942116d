"""The configuration file is replaced by what no configuration can be, or often: the plugin neither hangs nor grows."""

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab.chaos.subject import PLUGIN
from tests.lab.config_attack import attack, good
from tests.lab.node import metric
from tests.lab.odd_files import a_fifo, something_endless, something_huge
from tests.lab.plugin import PATIENCE, PluginProcess
from udev_device_plugin.testing.kubelet import Kubelet

pytestmark = pytest.mark.usefixtures("host")

REFUSED = "configuration not reloaded: "
LITTLE = 32 << 20


@pytest.mark.parametrize("make", [a_fifo, something_endless, something_huge])
@pytest.mark.parametrize("way", ["by itself", "by a signal"])
async def test_a_configuration_that_is_none_is_refused_and_stops_nothing(
    make: Callable[[Path], None], way: str, plugin_directory: str, tmp_path: Path
) -> None:
    file, new = tmp_path / "config.yaml", tmp_path / "new"
    file.write_bytes(good("first"))
    options = ("--plugin-directory", plugin_directory, "--listen", "127.0.0.1:0", "--config", str(file))
    async with Kubelet(plugin_directory) as kubelet, PluginProcess(*options, command=PLUGIN) as plugin:
        await kubelet.wait_for_devices("squat.ai/first", healthy=1)
        before = plugin.cost().rss_bytes
        make(new)
        new.rename(file)
        if way == "by a signal":
            plugin.signal(signal.SIGHUP)
        line = await plugin.wait_for_log(lambda line: line.message.startswith(REFUSED))
        assert line.fields["level"] == "error"
        assert (await plugin.get("/healthz"))[0] == 200
        assert plugin.cost().rss_bytes - before < LITTLE
        seen = len(plugin.log)
        new.write_bytes(good("second"))
        new.rename(file)
        await plugin.wait_for_message("configuration reloaded", after=seen)
        await kubelet.wait_for_devices("squat.ai/second", healthy=1)
        make(new)
        new.rename(file)
        assert await plugin.terminate() == 0
        assert not plugin.errors


@pytest.mark.parametrize("make", [a_fifo, something_endless, something_huge])
async def test_a_start_with_a_configuration_that_is_none_is_refused(
    make: Callable[[Path], None], tmp_path: Path
) -> None:
    make(tmp_path / "config.yaml")
    async with PluginProcess("--config", str(tmp_path / "config.yaml"), command=PLUGIN) as plugin:
        assert await plugin.wait() == 2
        assert len(plugin.errors) == 1


async def test_a_thousand_signals_are_a_few_reloads(plugin_directory: str, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_bytes(good("first"))
    options = ("--plugin-directory", plugin_directory, "--listen", "127.0.0.1:0", "--config", str(file))
    async with Kubelet(plugin_directory) as kubelet, PluginProcess(*options, command=PLUGIN) as plugin:
        await kubelet.wait_for_devices("squat.ai/first", healthy=1)
        with plugin.suspended():
            file.write_bytes(good("second"))
        for _ in range(1000):
            plugin.signal(signal.SIGHUP)
        async with asyncio.timeout(PATIENCE):
            await kubelet.wait_for_devices("squat.ai/second", healthy=1)
        reloads = await metric(plugin, "udev_device_plugin_config_reloads_total", result="success")
        assert 1 <= reloads < 100
        assert await plugin.terminate() == 0


async def test_a_short_attack_is_survived() -> None:
    seen = await attack(40)
    assert seen.exit_code == 0
    assert seen.most_memory < 3 * LITTLE
