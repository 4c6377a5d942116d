"""What is said of a configuration that cannot be used; tests/world/test_plugin_reload has the rest."""

import pytest

from udev_device_plugin.app.reload import MAX_FAULTS, Configuration
from udev_device_plugin.config.settings import Settings
from udev_device_plugin.config.specs import ResourceSpec
from udev_device_plugin.errors import ConfigError, Fault, StartError
from udev_device_plugin.telemetry.metrics import Metrics


@pytest.mark.parametrize("left_out", [0, 1, 50_000])
async def test_of_a_file_with_nothing_but_faults_a_bounded_number_is_said(
    left_out: int, caplog: pytest.LogCaptureFixture
) -> None:
    faults = [Fault(f"config.yaml:{line}", "not a device") for line in range(MAX_FAULTS + left_out)]

    def load() -> Settings:
        raise ConfigError(faults)

    configuration = Configuration(Settings(()), load, lambda _: None, Metrics())
    assert not await configuration.reload()
    assert configuration.faults[:MAX_FAULTS] == tuple(map(str, faults[:MAX_FAULTS]))
    rest = [f"and {left_out} more: udev-device-plugin --check-config tells all of them"] if left_out else []
    assert [*configuration.faults[MAX_FAULTS:]] == rest
    assert caplog.messages == [f"configuration not reloaded: {fault}" for fault in configuration.faults]


async def test_what_cannot_be_applied_now_is_not_in_force(caplog: pytest.LogCaptureFixture) -> None:
    before, now = Settings(()), Settings((ResourceSpec("squat.ai/serial", ()),))
    failures, applied = iter([StartError("no descriptors")]), list[Settings]()

    def apply(settings: Settings) -> None:
        if (failure := next(failures, None)) is not None:
            raise failure
        applied.append(settings)

    metrics = Metrics()
    configuration = Configuration(before, lambda: now, apply, metrics)
    with pytest.raises(StartError):
        await configuration.reload()
    assert configuration.settings == before
    assert metrics.registry.get_sample_value("udev_device_plugin_config_reloads_total", {"result": "success"}) in (
        0,
        None,
    )
    assert caplog.messages == []
    assert await configuration.reload()
    assert (applied, configuration.settings) == ([now], now)
