"""Settings from what command line, environment and configuration file say.

A setting's first source counts: flag, environment,
file, default. What the file says is checked even where another source wins: it is one document, and whoever
takes the other source away must not find it broken.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from udev_device_plugin.config.command_line import read_command_line
from udev_device_plugin.config.config_file import ConfigFile, read_default_file, read_named_file
from udev_device_plugin.config.faults import Faults, Place
from udev_device_plugin.config.options import (
    CONFIG,
    DEFAULT_FILES,
    DEVICE,
    DOMAIN,
    LISTEN,
    LOG_FORMAT,
    LOG_LEVEL,
    PLUGIN_DIRECTORY,
    POD_RESOURCES_SOCKET,
    REMOVAL_GRACE_PERIOD,
    RESCAN_INTERVAL,
    Given,
    Option,
)
from udev_device_plugin.config.scalars import ScalarError
from udev_device_plugin.config.settings import OutputFormat, Settings, Task
from udev_device_plugin.config.spec_parser import read_resources
from udev_device_plugin.config.specs import ResourceSpec
from udev_device_plugin.config.yaml_document import read_document
from udev_device_plugin.config.yaml_nodes import Node

T = TypeVar("T")


def read(argv: Sequence[str], environ: Mapping[str, str]) -> tuple[Task, Settings, OutputFormat]:
    """What to do, with which settings, and the form of a listing.

    Args:
        argv: the arguments, without the program's name.
        environ: the environment.

    Raises:
        ConfigError: with all the faults.
    """
    faults = Faults()
    line = read_command_line(argv, environ, faults)
    task = Task(line.instead or "")
    if task is Task.PRINT_SCHEMA:  # needs no configuration
        faults.raise_all()
        return task, Settings(()), line.output
    return task, settle(line.given, faults), line.output


def load(
    argv: Sequence[str],
    environ: Mapping[str, str],
    config_file: str | None = None,
    default_files: Sequence[str] = DEFAULT_FILES,
) -> Settings:
    """The settings that command line, environment and file make, as the file reads now.

    Args:
        argv: as for ``read``.
        environ: as for ``read``.
        config_file: insist on this file, as a reload does; without it, the one that is named or found.
        default_files: where to look for a file if none is named.

    Raises:
        ConfigError: with all the faults.
    """
    faults = Faults()
    given = read_command_line(argv, environ, faults).given
    if config_file is not None:
        given = (Given(CONFIG.name, Place(CONFIG.flag), config_file), *given)
    return settle(given, faults, default_files)


def settle(given: Iterable[Given], faults: Faults, default_files: Sequence[str] = DEFAULT_FILES) -> Settings:
    """Read the file, let the sources take precedence, check everything; ``ConfigError`` has all the faults.

    Args:
        given: from command line and environment, first what takes precedence; ``device`` may be repeated.
        faults: what was found on the way here; more is added.
        default_files: looked for if ``given`` names no file.
    """
    given = tuple(given)
    before = len(faults.found)
    named = next((one for one in given if one.name == CONFIG.name), None)
    file = read_named_file(named, faults) if named else read_default_file(default_files, faults)
    documents = _documents(given, faults)
    all_read = len(faults.found) == before
    chooser = _Chooser((*given, *file.settings), faults)
    domain = chooser.choose(DOMAIN)
    noted = len(faults.found)
    resources = _resources(documents, file, domain, faults)
    if not resources and all_read and len(faults.found) == noted:
        faults.add("", f"no device to offer; give {DEVICE.flag}, {DEVICE.variable}, or devices: in a file")
    settings = Settings(
        resources=resources,
        listen=chooser.choose(LISTEN),
        log_level=chooser.choose(LOG_LEVEL),
        log_format=chooser.choose(LOG_FORMAT),
        plugin_directory=chooser.choose(PLUGIN_DIRECTORY),
        pod_resources_socket=chooser.choose(POD_RESOURCES_SOCKET),
        removal_grace_period=chooser.choose(REMOVAL_GRACE_PERIOD),
        rescan_interval=chooser.choose(RESCAN_INTERVAL),
        config_file=file.path,
        config_content=file.content,
        warnings=tuple(faults.warnings),
    )
    faults.raise_all()
    return settings


@dataclass(frozen=True, slots=True)
class _Chooser:
    """Picks each setting's value from its first source, and checks the others."""

    given: tuple[Given, ...]
    faults: Faults

    def choose(self, option: Option[T]) -> T:
        values: list[T] = []
        for given in (given for given in self.given if given.name == option.name):
            try:
                values.append(option.parse(given.text))
            except ScalarError as error:
                self.faults.add(given.place, str(error))
        return values[0] if values else option.parse(option.default)


def _documents(given: Iterable[Given], faults: Faults) -> list[Node]:
    devices = (one for one in given if one.name == DEVICE.name)
    documents = (read_document(device.text, device.place, faults) for device in devices)
    return [document for document in documents if document is not None]


def _resources(documents: Sequence[Node], file: ConfigFile, domain: str, faults: Faults) -> tuple[ResourceSpec, ...]:
    """The specs of the first source that has any; they are not merged across sources."""
    of_file = read_resources([] if file.devices is None else [file.devices], domain, faults)
    if not documents:
        return of_file
    if file.devices is not None:
        problem = f"not used: {documents[0].place.source} is given, and devices of two sources are not merged"
        faults.warn(file.devices.place, problem)
    return read_resources(documents, domain, faults)
