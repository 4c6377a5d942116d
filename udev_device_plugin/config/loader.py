"""Settings from the command line, the environment and the configuration file.

A setting's first source counts: flag, environment, file, default. The file is checked even where another source
counts: it must still be valid when that source is removed.
"""

from collections.abc import Iterable, Mapping, Sequence

from udev_device_plugin.config.command_line import read_command_line
from udev_device_plugin.config.config_file import ConfigFile, read_config_file
from udev_device_plugin.config.faults import Faults, Place
from udev_device_plugin.config.options import CONFIG, DEFAULT_FILES, DEVICE, DOMAIN, SETTINGS, Given
from udev_device_plugin.config.settings import OutputFormat, Settings, Task
from udev_device_plugin.config.spec_parser import read_resources
from udev_device_plugin.config.specs import ResourceSpec
from udev_device_plugin.config.yaml_document import read_document
from udev_device_plugin.config.yaml_nodes import Node


def read(argv: Sequence[str], environ: Mapping[str, str]) -> tuple[Task, Settings, OutputFormat]:
    """Return what to do, the settings, and the format of a listing; ``argv`` is without the program's name.

    Raises:
        ConfigError: with all the faults.
        StartError: the file cannot be read for want of descriptors or memory.
    """
    faults = Faults()
    given, task, output = read_command_line(argv, environ, faults)
    if task is Task.PRINT_SCHEMA:  # needs no configuration
        faults.raise_all()
        return task, Settings(()), output
    return task, settle(given, faults), output


def load(
    argv: Sequence[str],
    environ: Mapping[str, str],
    config_file: str | None = None,
    default_files: Sequence[str] = DEFAULT_FILES,
) -> Settings:
    """Return the settings as ``read`` does, from ``config_file`` alone if one is named, as at a reload."""
    faults = Faults()
    given, _, _ = read_command_line(argv, environ, faults)
    if config_file is not None:
        given = (Given(CONFIG.name, Place(CONFIG.flag), config_file), *given)
    return settle(given, faults, default_files)


def settle(given: Iterable[Given], faults: Faults, default_files: Sequence[str] = DEFAULT_FILES) -> Settings:
    """Read the file, choose each setting's value, check everything.

    Args:
        given: from command line and environment, first what takes precedence; ``device`` may be repeated.
        faults: those found so far; others are added.
        default_files: read if ``given`` names no file.

    Raises:
        ConfigError: with all the faults.
        StartError: the file cannot be read for want of descriptors or memory.
    """
    given = tuple(given)
    before = len(faults.found)
    named = next((one for one in given if one.name == CONFIG.name), None)
    file = read_config_file(named, default_files, faults)
    documents = _documents(given, faults)
    all_read = len(faults.found) == before
    given = (*given, *file.settings)
    domain = DOMAIN.choose(given, faults)
    before = len(faults.found)
    resources = _resources(documents, file, domain, faults)
    if not resources and all_read and len(faults.found) == before:
        faults.add("", f"no device to offer; give {DEVICE.flag}, {DEVICE.variable}, or devices: in a file")
    others = {
        option.name.replace("-", "_"): option.choose(given, faults) for option in SETTINGS if option is not DOMAIN
    }
    faults.raise_all()
    return Settings(
        resources=resources,
        config_file=file.path,
        config_content=file.content,
        warnings=tuple(faults.warnings),
        **others,
    )


def _documents(given: Iterable[Given], faults: Faults) -> list[Node]:
    devices = (one for one in given if one.name == DEVICE.name)
    documents = (read_document(device.text, device.place, faults) for device in devices)
    return [document for document in documents if document is not None]


def _resources(documents: Sequence[Node], file: ConfigFile, domain: str, faults: Faults) -> tuple[ResourceSpec, ...]:
    """Return the specs of the first source that has any; those of two sources are not merged."""
    of_file = read_resources([] if file.devices is None else [file.devices], domain, faults)
    if not documents:
        return of_file
    if file.devices is not None:
        problem = f"not used: {documents[0].place.source} is given, and devices of two sources are not merged"
        faults.warn(file.devices.place, problem)
    return read_resources(documents, domain, faults)
