"""The configuration in force, and how another one comes to be: all of it or nothing.

Event loop only. A configuration that cannot be used changes nothing; it is told of in the log, in a
metric and, until a good one comes, in ``faults``. What is made of a new one is ``agent``'s business.
"""

import logging
from collections.abc import Callable
from dataclasses import replace

from udev_device_plugin.config.settings import LogFormat, Settings
from udev_device_plugin.errors import ConfigError, StartError
from udev_device_plugin.kubelet.device_plugin.server import socket_name
from udev_device_plugin.telemetry import log_format as logs
from udev_device_plugin.telemetry.metrics import Metrics

logger = logging.getLogger(__name__)

FIXED = ("listen", "log_format", "plugin_directory", "pod_resources_socket")
"""What takes effect at a start only."""


class Configuration:
    """The settings of a run.

    Args:
        settings: what the run begins with.
        load: reads them anew; ``ConfigError`` if they cannot be used.
        metrics: counts the attempts.

    Attributes:
        settings: in force now.
        faults: why the latest attempt failed; empty if it did not.
    """

    def __init__(self, settings: Settings, load: Callable[[], Settings], metrics: Metrics) -> None:
        self._load = load
        self._metrics = metrics
        self.settings = settings
        self.faults: tuple[str, ...] = ()

    def reload(self) -> bool:
        """Read the configuration anew; tells whether another one is in force now, or the same again."""
        try:
            settings = self._load()
            for spec in settings.resources:
                socket_name(self.settings.plugin_directory, spec.resource)  # too long a path is known at once
        except (ConfigError, StartError) as error:
            self._refuse(error)
            return False
        self.faults = ()
        self._metrics.reloads.labels("success").inc()
        before = self.settings
        # What takes effect at a start only is what it was, also for the next comparison.
        self.settings = replace(settings, **{name: getattr(before, name) for name in FIXED})
        self._say_what_changed(before, settings)
        logs.configure(settings.log_level.number, is_json=before.log_format is LogFormat.JSON)
        return True

    def _refuse(self, error: ConfigError | StartError) -> None:
        self.faults = tuple(map(str, error.faults if isinstance(error, ConfigError) else (error,)))
        self._metrics.reloads.labels("failure").inc()
        for fault in self.faults:
            logger.error("configuration not reloaded: %s", fault)

    @staticmethod
    def _say_what_changed(before: Settings, now: Settings) -> None:
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
