"""All settings of a run, validated; what the rest of the program reads.

Floor 1: values only; ``cli`` makes them from flags, environment and file.
"""

import logging
from dataclasses import dataclass, field
from enum import Enum

from udev_device_plugin.config.specs import ResourceSpec
from udev_device_plugin.errors import Fault


class LogLevel(Enum):
    """The origin's names of log levels, from the most to the least."""

    ALL = "all"
    DEBUG = "debug"
    INFO = "info"
    WARN = "warn"
    ERROR = "error"
    NONE = "none"

    @property
    def number(self) -> int:
        """The level as ``logging`` counts it; beyond its highest for none."""
        return _NUMBERS[self]


_NUMBERS = {
    LogLevel.ALL: 1,
    LogLevel.DEBUG: logging.DEBUG,
    LogLevel.INFO: logging.INFO,
    LogLevel.WARN: logging.WARNING,
    LogLevel.ERROR: logging.ERROR,
    LogLevel.NONE: logging.CRITICAL + 1,
}


class LogFormat(Enum):
    """How a log line looks."""

    JSON = "json"
    TEXT = "text"


class Task(Enum):
    """What the program is started for: to run, or the flag that asks for something else."""

    RUN = ""
    CHECK = "--check-config"
    LIST = "--list-devices"
    PRINT_SCHEMA = "--print-schema"


class OutputFormat(Enum):
    """How what is on the host is shown."""

    TABLE = "table"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """Where the web part listens: IP address ("" is every one, IPv6 and IPv4), TCP port (0: any free one)."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set. Durations are seconds; 0 turns off what they time.

    Attributes:
        config_file: the file that was read, if any.
        config_content: its bytes: what it reads like after that is news.
        warnings: what is legal in the configuration and probably not meant; for the log.
    """

    resources: tuple[ResourceSpec, ...]
    listen: ListenAddress | None = ListenAddress("", 8080)
    log_level: LogLevel = LogLevel.INFO
    log_format: LogFormat = LogFormat.JSON
    plugin_directory: str = "/var/lib/kubelet/device-plugins/"
    pod_resources_socket: str = "/var/lib/kubelet/pod-resources/kubelet.sock"
    removal_grace_period: float = 300.0
    rescan_interval: float = 300.0
    config_file: str | None = None
    config_content: bytes = field(default=b"", repr=False, compare=False)
    warnings: tuple[Fault, ...] = ()
