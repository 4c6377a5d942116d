"""What command line, environment and file say, read into settings.

Floor 5, main thread. All that it takes to read a configuration hangs on this module, YAML included: 2 MiB that are let
go when it is read (see ``cli``), and imported once more for a reload.
"""

from collections.abc import Mapping, Sequence

from udev_device_plugin.config.command_line import read_command_line
from udev_device_plugin.config.faults import Findings, Place
from udev_device_plugin.config.loader import DEFAULT_FILES, settle
from udev_device_plugin.config.options import CONFIG, Given
from udev_device_plugin.config.settings import OutputFormat, Settings, Task


def read(argv: Sequence[str], environ: Mapping[str, str]) -> tuple[Task, Settings, OutputFormat]:
    """What to do, with which settings, and the form of a listing.

    Args:
        argv: the arguments, without the program's name.
        environ: the environment.

    Raises:
        ConfigError: with all the faults.
    """
    findings = Findings()
    line = read_command_line(argv, environ, findings)
    task = Task(line.instead or "")
    if task is Task.PRINT_SCHEMA:  # needs no configuration
        findings.raise_faults()
        return task, Settings(()), line.output
    return task, settle(line.given, findings), line.output


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
    findings = Findings()
    given = read_command_line(argv, environ, findings).given
    if config_file is not None:
        given = (Given(CONFIG.name, Place(CONFIG.flag), config_file), *given)
    return settle(given, findings, default_files)
