"""The table of settings: name, meaning, default and parser of each.

Pure. Flags, environment variables, keys of the file and the help text all come from here.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from udev_device_plugin.config.faults import Faults, Place, listed
from udev_device_plugin.config.scalars import (
    ScalarError,
    parse_choice,
    parse_domain,
    parse_duration,
    parse_listen,
    parse_socket_directory,
    parse_socket_path,
)
from udev_device_plugin.config.settings import LogFormat, LogLevel, OutputFormat, StatusAccess, Task

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Given:
    """The text of the option ``name`` in one source."""

    name: str
    place: Place
    text: str


@dataclass(frozen=True, slots=True)
class Option(Generic[T]):
    """A setting with one value.

    Attributes:
        name: the flag without its dashes, and the key in the file.
        metavar: the value's name in the help text.
        default: as a user would write it.
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
        """The flag of the command line."""
        return f"--{self.name}"

    @property
    def variable(self) -> str:
        """The environment variable."""
        return variable_of(self.flag)

    def choose(self, given: Iterable[Given], faults: Faults) -> T:
        """Return the first value in ``given``, else the default; the other values are checked too."""
        values: list[T] = []
        for one in given:
            if one.name == self.name:
                try:
                    values.append(self.parse(one.text))
                except ScalarError as error:
                    faults.add(one.place, str(error))
        return values[0] if values else self.parse(self.default)


def variable_of(flag: str) -> str:
    """Return the environment variable that does the same as ``flag``."""
    return "UDEV_DEVICE_PLUGIN_" + flag.removeprefix("--").upper().replace("-", "_")


DOMAIN: Option[str] = Option(
    name="domain",
    metavar="DOMAIN",
    default="squat.ai",
    parse=parse_domain,
    meaning="Prefix of the resources' names, as in squat.ai/serial: an RFC 1123 subdomain.",
)

SETTINGS: tuple[Option[Any], ...] = (
    DOMAIN,
    Option(
        name="listen",
        metavar="ADDRESS",
        default=":8080",
        parse=parse_listen,
        meaning="Address of health, metrics and status: HOST:PORT or :PORT, IPv6 in brackets; empty: none.",
    ),
    Option(
        name="status",
        metavar="WHOM",
        default="local",
        parse=partial(parse_choice, choices=StatusAccess),
        meaning="Whom to show / and /devices: local (this machine, and kubectl port-forward), any, off (nobody).",
    ),
    Option(
        name="log-level",
        metavar="LEVEL",
        default="info",
        parse=partial(parse_choice, choices=LogLevel),
        meaning=f"How much to log: {listed(level.value for level in LogLevel)}.",
    ),
    Option(
        name="log-format",
        metavar="FORMAT",
        default="json",
        parse=partial(parse_choice, choices=LogFormat),
        meaning="How a log line looks: json (one object a line) or text (for a person).",
    ),
    Option(
        name="plugin-directory",
        metavar="DIRECTORY",
        default="/var/lib/kubelet/device-plugins/",
        parse=parse_socket_directory,
        meaning="The kubelet's directory of device plugin sockets; mounted under its host's own path.",
    ),
    Option(
        name="pod-resources-socket",
        metavar="SOCKET",
        default="/var/lib/kubelet/pod-resources/kubelet.sock",
        parse=parse_socket_path,
        meaning="The kubelet's socket that tells which devices pods hold; done without where it is missing.",
    ),
    Option(
        name="removal-grace-period",
        metavar="DURATION",
        default="5m",
        parse=parse_duration,
        meaning="How long an unplugged device that no pod holds stays listed as Unhealthy; 0 forgets it at once.",
    ),
    Option(
        name="rescan-interval",
        metavar="DURATION",
        default="5m",
        parse=parse_duration,
        meaning="Time between full looks at the host, a safety net beside its events; 0 turns them off.",
    ),
)
"""What can be set in every source; each has a field of ``Settings``, but the domain."""

DEFAULT_FILES = ("/etc/udev-device-plugin/config.yaml", "/etc/generic-device-plugin/config.yaml")
"""If no file is named, the first of these that exists is read."""

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

_INSTEAD = {
    Task.CHECK: "Print the configuration's resources or faults, and exit.",
    Task.LIST: "Show what the configuration means on this host now, and why what almost matches does not, and exit.",
    Task.PRINT_SCHEMA: "Print a JSON Schema of the configuration file, for editors, and exit.",
}
INSTEAD = {task.value: meaning for task, meaning in _INSTEAD.items()}
"""The flags of the tasks other than to run, and their meanings."""
