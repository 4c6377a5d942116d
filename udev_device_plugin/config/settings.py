"""All settings of a run, validated. Pure."""

import logging
from dataclasses import dataclass, field
from enum import Enum

from udev_device_plugin.config.specs import ResourceSpec
from udev_device_plugin.errors import Fault


class LogLevel(Enum):
    """Log levels by the origin's names, the most verbose first."""

    ALL = "all"
    DEBUG = "debug"
    INFO = "info"
    WARN = "warn"
    ERROR = "error"
    NONE = "none"

    @property
    def number(self) -> int:
        """The level's number in ``logging``; above its highest for NONE."""
        return {"ALL": 1, "NONE": logging.CRITICAL + 1, **logging.getLevelNamesMapping()}[self.name]


class LogFormat(Enum):
    """The format of log lines."""

    JSON = "json"
    TEXT = "text"


class Task(Enum):
    """What the program is started for: to run, or the flag of another task."""

    RUN = ""
    CHECK = "--check-config"
    LIST = "--list-devices"
    PRINT_SCHEMA = "--print-schema"


class OutputFormat(Enum):
    """The format of a listing."""

    TABLE = "table"
    JSON = "json"


class StatusAccess(Enum):
    """Who may see the status page and its data: the machine itself, everybody, nobody."""

    LOCAL = "local"
    ANY = "any"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """Address of the HTTP server: IP address ("" is every one, IPv6 and IPv4), TCP port (0: any free one)."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set. Durations are seconds; 0 turns off what they time.

    Attributes:
        config_file: the file that was read, if any.
        config_content: its bytes, for the comparison with what it contains later.
        warnings: what is legal in the configuration and probably not meant; for the log.
    """

    resources: tuple[ResourceSpec, ...]
    listen: ListenAddress | None = ListenAddress("", 8080)
    status: StatusAccess = StatusAccess.LOCAL
    log_level: LogLevel = LogLevel.INFO
    log_format: LogFormat = LogFormat.JSON
    plugin_directory: str = "/var/lib/kubelet/device-plugins/"
    pod_resources_socket: str = "/var/lib/kubelet/pod-resources/kubelet.sock"
    removal_grace_period: float = 300.0
    rescan_interval: float = 300.0
    config_file: str | None = None
    config_content: bytes = field(default=b"", repr=False, compare=False)
    warnings: tuple[Fault, ...] = ()
