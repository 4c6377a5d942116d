"""The front door: flags, environment and file become settings; faults become lines and exit codes.

Floor 6, main thread. It decides nothing itself: ``reading`` judges what was given, ``agent`` does the work. Both are
imported when they are needed: neither help nor faults need an agent, and an agent that runs needs no YAML.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from udev_device_plugin import spared
from udev_device_plugin.config.settings import OutputFormat, Settings, Task
from udev_device_plugin.errors import ConfigError, UdevDevicePluginError

_FOR_READING = (
    "udev_device_plugin.config.reading",
    "udev_device_plugin.config.command_line",
    *(
        f"udev_device_plugin.config.{name}"
        for name in (
            "loader",
            "file",
            "spec_parser",
            "selector_parser",
            "yaml_document",
            "yaml_nodes",
            "scalars",
            "options",
            "faults",
        )
    ),
    *("yaml", "configargparse", "configparser", "argparse", "gettext", "csv"),
)
"""What only who reads a configuration needs."""


def main(
    argv: Sequence[str] | None = None,
    environ: Mapping[str, str] | None = None,
    run: Callable[[Settings], int] | None = None,
) -> int:
    """Do what the command line says, by default this process's, and give the exit code."""
    if argv is None:  # the kernel keeps from a container's first process what it has no handler for
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        spared.collect_nothing()
        spared.keep_out_of_reading()
    argv, environ = sys.argv[1:] if argv is None else argv, os.environ if environ is None else environ
    try:
        task, settings, output = _read(argv, environ)
    except ConfigError as error:
        _say(map(str, error))
        return 2
    try:
        if task is Task.PRINT_SCHEMA:
            return _print_schema()
        if task is Task.CHECK:
            return _report(settings)
        if task is Task.LIST:
            return _list_devices(settings, output)
        return run(settings) if run else _run_agent(settings, partial(_load, argv, environ, settings.config_file))
    except UdevDevicePluginError as error:
        _say([str(error)])
        return 1


def _read(argv: Sequence[str], environ: Mapping[str, str]) -> tuple[Task, Settings, OutputFormat]:
    """What to do, and with which settings; nothing of who read them is kept."""
    from udev_device_plugin.config import reading  # noqa: PLC0415

    return reading.read(argv, environ)


def _load(argv: Sequence[str], environ: Mapping[str, str], config_file: str | None) -> Settings:
    """The settings as they read now; ``ConfigError`` with all the faults."""
    spared.keep_out_of_reading()
    try:
        return _read_anew(argv, environ, config_file)
    finally:
        spared.let_go(*_FOR_READING)


def _read_anew(argv: Sequence[str], environ: Mapping[str, str], config_file: str | None) -> Settings:
    from udev_device_plugin.config import reading  # noqa: PLC0415

    return reading.load(argv, environ, config_file)


def _say(lines: Iterable[str]) -> None:
    from udev_device_plugin.config.faults import printable  # noqa: PLC0415

    for line in lines:
        print(printable(line), file=sys.stderr)


def _report(settings: Settings) -> int:
    """What ``--check-config`` prints of a configuration without faults."""
    from udev_device_plugin.config.faults import printable  # noqa: PLC0415

    _say(f"warning: {warning}" for warning in settings.warnings)
    for resource in settings.resources:
        selectors = (str(path.selector) for group in resource.groups for path in group.paths)
        print(printable(f"{resource.resource}: {', '.join(selectors)}"))
    return 0


def _list_devices(settings: Settings, output: OutputFormat) -> int:
    spared.keep_out()
    from udev_device_plugin.reporting.list_devices import output as showing, scan as looking  # noqa: PLC0415
    from udev_device_plugin.telemetry import log_format as logs  # noqa: PLC0415

    logs.configure_for_person(settings.log_level)
    listing = looking.look(settings)
    _say(f"warning: {warning}" for warning in listing.warnings)
    showing.show(listing, output)
    return 0


def _print_schema() -> int:
    with open(
        os.path.join(os.path.dirname(os.path.dirname(__file__)), "config", "schema.json"), encoding="ascii"
    ) as file:
        print(file.read(), end="")
    return 0


def _run_agent(settings: Settings, load: Callable[[], Settings]) -> int:
    spared.let_go(*_FOR_READING)
    spared.keep_out()  # before anybody imports them in full
    from udev_device_plugin.app import agent  # noqa: PLC0415
    from udev_device_plugin.telemetry import log_format as logs  # noqa: PLC0415

    logs.configure(settings.log_level, settings.log_format)
    return agent.run(settings, load)
