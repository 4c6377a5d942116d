"""The front door: flags, environment and file become settings; faults become lines and exit codes.

Floor 6, main thread. It decides nothing itself: ``config`` judges what was given, ``agent`` does the work.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from udev_device_plugin import spared
from udev_device_plugin.config.findings import Findings, Place, printable
from udev_device_plugin.config.loading import DEFAULT_FILES, settle
from udev_device_plugin.config.options import CHECK, CONFIG, LIST, SCHEMA, Given
from udev_device_plugin.config.settings import OutputFormat, Settings
from udev_device_plugin.errors import ConfigError, UdevDevicePluginError


def main(
    argv: Sequence[str] | None = None,
    environ: Mapping[str, str] | None = None,
    run: Callable[[Settings], int] | None = None,
) -> int:
    """Do what the command line says, by default this process's, and give the exit code."""
    if argv is None:  # the kernel keeps from a container's first process what it has no handler for
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    findings = Findings()
    argv, environ = sys.argv[1:] if argv is None else argv, os.environ if environ is None else environ
    try:
        given, instead, output = _read(argv, environ, findings)
        if instead == SCHEMA:
            findings.raise_faults()
            return _print_schema()
        settings = settle(given, findings)
    except ConfigError as error:
        _say(map(str, error))
        return 2
    if instead == CHECK:
        return _report(settings)
    try:
        if instead == LIST:
            return _list_devices(settings, output)
        anew = partial(load, argv, environ, settings.config_file)
        return run(settings) if run else _run_agent(settings, anew)
    except UdevDevicePluginError as error:
        _say([str(error)])
        return 1


def load(
    argv: Sequence[str],
    environ: Mapping[str, str],
    config_file: str | None = None,
    default_files: Sequence[str] = DEFAULT_FILES,
) -> Settings:
    """The settings that command line, environment and file make, as the file reads now.

    Args:
        argv: the arguments, without the program's name.
        environ: the environment.
        config_file: insist on this file, as a reload does; without it, the one that is named or found.
        default_files: where to look for a file if none is named.

    Raises:
        ConfigError: with all the faults.
    """
    findings = Findings()
    given, _, _ = _read(argv, environ, findings)
    if config_file is not None:
        given = (Given(CONFIG.name, Place(CONFIG.flag), config_file), *given)
    return settle(given, findings, default_files)


def _read(
    argv: Sequence[str], environ: Mapping[str, str], findings: Findings
) -> tuple[tuple[Given, ...], str | None, OutputFormat]:
    """What was given, what is asked for instead of running, and how to show it."""
    from udev_device_plugin.command_line import read_command_line  # noqa: PLC0415  let go when it has done its work

    line = read_command_line(argv, environ, findings)
    return line.given, line.instead, line.output


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        print(printable(line), file=sys.stderr)


def _report(settings: Settings) -> int:
    """What ``--check-config`` prints of a configuration without faults."""
    _say(f"warning: {warning}" for warning in settings.warnings)
    for resource in settings.resources:
        selectors = (str(path.selector) for group in resource.groups for path in group.paths)
        print(printable(f"{resource.resource}: {', '.join(selectors)}"))
    return 0


def _list_devices(settings: Settings, output: OutputFormat) -> int:
    spared.keep_out()
    from udev_device_plugin import logs, looking  # noqa: PLC0415  heavy, as below
    from udev_device_plugin.listing import showing  # noqa: PLC0415

    logs.configure_for_person(settings.log_level)
    listing = looking.look(settings)
    _say(f"warning: {warning}" for warning in listing.warnings)
    showing.show(listing, output)
    return 0


def _print_schema() -> int:
    with open(os.path.join(os.path.dirname(__file__), "config", "schema.json"), encoding="ascii") as file:
        print(file.read(), end="")
    return 0


def _run_agent(settings: Settings, load: Callable[[], Settings]) -> int:
    spared.let_go("udev_device_plugin.command_line", "configargparse", "configparser", "argparse", "gettext", "csv")
    spared.keep_out()  # before anybody imports them in full
    from udev_device_plugin import agent, logs  # noqa: PLC0415  heavy, and neither help nor faults need them

    logs.configure(settings.log_level, settings.log_format)
    return agent.run(settings, load)
