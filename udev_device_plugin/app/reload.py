"""The settings in force, and their reload: all of a new configuration or nothing of it.

Event loop only. An invalid configuration changes nothing; it is reported in the log, in a metric and, until a valid
one is read, in ``faults``.
"""

import logging
from collections.abc import Callable
from dataclasses import replace

from udev_device_plugin.app.off_loop import run_off_loop
from udev_device_plugin.config.settings import LogFormat, Settings
from udev_device_plugin.errors import ConfigError, StartError
from udev_device_plugin.kubelet.device_plugin.server import socket_name
from udev_device_plugin.telemetry import log_format as logs
from udev_device_plugin.telemetry.metrics import Metrics

logger = logging.getLogger(__name__)

MAX_FAULTS = 100
"""Faults that are logged, and shown, of one configuration; each is a line, and a file can have tens of thousands."""

FIXED = ("listen", "status", "log_format", "plugin_directory", "pod_resources_socket")
"""Settings that take effect only at a start."""


class Configuration:
    """The settings of a run.

    Args:
        settings: those at the start.
        load: reads them again; raises ``ConfigError``.
        apply: passes other resources, or another grace period, to all components; raises ``StartError`` if it cannot
            now, and has changed nothing then.
        metrics: counts reloads.

    Attributes:
        settings: in force now.
        faults: of the latest reload, the first ``MAX_FAULTS``; empty if it succeeded.
    """

    def __init__(
        self, settings: Settings, load: Callable[[], Settings], apply: Callable[[Settings], None], metrics: Metrics
    ) -> None:
        self._load = load
        self._apply = apply
        self._metrics = metrics
        self.settings = settings
        self.faults: tuple[str, ...] = ()

    async def reload(self) -> bool:
        """Read the configuration again, which may take long, off the event loop; return whether it could be used.

        Raises:
            StartError: it cannot be read or applied now; the settings are those before.
        """
        try:
            settings = await run_off_loop(self._load)
        except ConfigError as error:
            self._refuse(error)
            return False
        try:
            for spec in settings.resources:
                socket_name(self.settings.plugin_directory, spec.resource)  # raises if the path is too long
        except StartError as error:
            self._refuse(error)
            return False
        before = self.settings
        # Also for the next comparison, settings that take effect only at a start keep their values.
        now = replace(settings, **{name: getattr(before, name) for name in FIXED})
        if (before.resources, before.removal_grace_period) != (now.resources, now.removal_grace_period):
            self._apply(now)
        self.settings = now
        self.faults = ()
        self._metrics.reloads.labels("success").inc()
        self._log_changes(before, settings)
        logs.configure(settings.log_level.number, is_json=before.log_format is LogFormat.JSON)
        return True

    def _refuse(self, error: ConfigError | StartError) -> None:
        faults = error.faults if isinstance(error, ConfigError) else (error,)
        more = len(faults) - MAX_FAULTS
        also = [f"and {more} more: udev-device-plugin --check-config tells all of them"] if more > 0 else []
        self.faults = (*map(str, faults[:MAX_FAULTS]), *also)
        self._metrics.reloads.labels("failure").inc()
        for fault in self.faults:
            logger.error("configuration not reloaded: %s", fault)

    @staticmethod
    def _log_changes(before: Settings, now: Settings) -> None:
        specs = {spec.resource: spec for spec in before.resources}
        logger.info(
            "configuration reloaded",
            extra={
                "added": [spec.resource for spec in now.resources if spec.resource not in specs],
                "changed": [spec.resource for spec in now.resources if specs.get(spec.resource, spec) != spec],
                "removed": sorted(specs.keys() - {spec.resource for spec in now.resources}),
            },
        )
        for warning in now.warnings:
            logger.warning("%s", warning)
        for name in FIXED:
            if getattr(now, name) != getattr(before, name):
                flag = name.replace("_", "-")
                logger.warning("--%s: it has changed, and takes effect only after a restart: restart the plugin", flag)
