"""What is said of a configuration that cannot be used; tests/world/test_plugin_reload has the rest."""

import pytest

from udev_device_plugin.app.reload import MAX_FAULTS, Configuration
from udev_device_plugin.config.settings import Settings
from udev_device_plugin.errors import ConfigError, Fault
from udev_device_plugin.telemetry.metrics import Metrics


@pytest.mark.parametrize("left_out", [0, 1, 50_000])
async def test_of_a_file_with_nothing_but_faults_a_bounded_number_is_said(
    left_out: int, caplog: pytest.LogCaptureFixture
) -> None:
    faults = [Fault(f"config.yaml:{line}", "not a device") for line in range(MAX_FAULTS + left_out)]

    def load() -> Settings:
        raise ConfigError(faults)

    configuration = Configuration(Settings(()), load, Metrics())
    assert not await configuration.reload()
    assert configuration.faults[:MAX_FAULTS] == tuple(map(str, faults[:MAX_FAULTS]))
    rest = [f"and {left_out} more: udev-device-plugin --check-config tells all of them"] if left_out else []
    assert [*configuration.faults[MAX_FAULTS:]] == rest
    assert caplog.messages == [f"configuration not reloaded: {fault}" for fault in configuration.faults]
