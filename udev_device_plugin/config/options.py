"""The single settings: each one's name, meaning, default and reading, in one table.

Flags, environment variables, keys of the file and the help text all come from here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from udev_device_plugin.config.faults import Place, listed
from udev_device_plugin.config.scalars import (
    parse_choice,
    parse_domain,
    parse_duration,
    parse_listen,
    parse_socket_directory,
    parse_socket_path,
)
from udev_device_plugin.config.settings import ListenAddress, LogFormat, LogLevel, OutputFormat, Task

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Option(Generic[T]):
    """A setting with one value.

    Attributes:
        name: the flag without its dashes, and the key in the file.
        metavar: what stands for the value in the help text.
        default: as a person would write it.
        parse: text to value; raises ``ScalarError``.
        meaning: for the help text, with the unit.
    """

    name: str
    metavar: str
    default: str
    parse: Callable[[str], T]
    meaning: str

    @property
    def flag(self) -> str:
        """On the command line."""
        return f"--{self.name}"

    @property
    def variable(self) -> str:
        """In the environment."""
        return "UDEV_DEVICE_PLUGIN_" + self.name.upper().replace("-", "_")


@dataclass(frozen=True, slots=True)
class Given:
    """An option's text as one source gave it; ``name`` is the option's."""

    name: str
    place: Place
    text: str


DOMAIN: Option[str] = Option(
    name="domain",
    metavar="DOMAIN",
    default="squat.ai",
    parse=parse_domain,
    meaning="Prefix of the resources' names, as in squat.ai/serial: an RFC 1123 subdomain.",
)
LISTEN: Option[ListenAddress | None] = Option(
    name="listen",
    metavar="ADDRESS",
    default=":8080",
    parse=parse_listen,
    meaning="Address of health, metrics and status: HOST:PORT or :PORT, IPv6 in brackets; empty: none.",
)
LOG_LEVEL: Option[LogLevel] = Option(
    name="log-level",
    metavar="LEVEL",
    default="info",
    parse=partial(parse_choice, choices=LogLevel),
    meaning=f"How much to log: {listed(level.value for level in LogLevel)}.",
)
LOG_FORMAT: Option[LogFormat] = Option(
    name="log-format",
    metavar="FORMAT",
    default="json",
    parse=partial(parse_choice, choices=LogFormat),
    meaning="How a log line looks: json (one object a line) or text (for a person).",
)
PLUGIN_DIRECTORY: Option[str] = Option(
    name="plugin-directory",
    metavar="DIRECTORY",
    default="/var/lib/kubelet/device-plugins/",
    parse=parse_socket_directory,
    meaning="The kubelet's directory of device plugin sockets; mounted under its host's own path.",
)
POD_RESOURCES_SOCKET: Option[str] = Option(
    name="pod-resources-socket",
    metavar="SOCKET",
    default="/var/lib/kubelet/pod-resources/kubelet.sock",
    parse=parse_socket_path,
    meaning="The kubelet's socket that tells which devices pods hold; done without where it is missing.",
)
REMOVAL_GRACE_PERIOD: Option[float] = Option(
    name="removal-grace-period",
    metavar="DURATION",
    default="5m",
    parse=parse_duration,
    meaning="How long an unplugged device that no pod holds stays listed as Unhealthy; 0 forgets it at once.",
)
RESCAN_INTERVAL: Option[float] = Option(
    name="rescan-interval",
    metavar="DURATION",
    default="5m",
    parse=parse_duration,
    meaning="Time between full looks at the host, a safety net beside its events; 0 turns them off.",
)
DEFAULT_FILES = ("/etc/udev-device-plugin/config.yaml", "/etc/generic-device-plugin/config.yaml")
"""The first of them that is there is read, if no file is named."""

CONFIG: Option[str] = Option(
    name="config",
    metavar="FILE",
    default="",
    parse=str,
    meaning="YAML file with the same settings, by flag name without dashes; devices: is a list of specs.",
)
DEVICE: Option[str] = Option(
    name="device",
    metavar="SPEC",
    default="",
    parse=str,
    meaning="What to expose, as YAML or JSON, see below; repeatable. The variable holds one spec or a list.",
)

OUTPUT: Option[OutputFormat] = Option(
    name="output",
    metavar="FORMAT",
    default="table",
    parse=partial(parse_choice, choices=OutputFormat),
    meaning="How --list-devices shows it: table (for a person) or json.",
)

SETTINGS: tuple[Option[Any], ...] = (
    DOMAIN,
    LISTEN,
    LOG_LEVEL,
    LOG_FORMAT,
    PLUGIN_DIRECTORY,
    POD_RESOURCES_SOCKET,
    REMOVAL_GRACE_PERIOD,
    RESCAN_INTERVAL,
)
"""What can be set in every source."""

_INSTEAD = {
    Task.CHECK: "Print the configuration's resources or faults, and exit.",
    Task.LIST: "Show what the configuration means on this host now, and why what almost matches does not, and exit.",
    Task.PRINT_SCHEMA: "Print a JSON Schema of the configuration file, for editors, and exit.",
}
INSTEAD = {task.value: meaning for task, meaning in _INSTEAD.items()}
"""What is done instead of running."""
