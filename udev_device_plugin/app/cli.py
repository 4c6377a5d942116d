"""The command ``udev-device-plugin``: runs the task that is configured; errors become lines and exit codes.

Main thread.
"""

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from udev_device_plugin import config
from udev_device_plugin.app.run import run as run_agent
from udev_device_plugin.config import loader
from udev_device_plugin.config.faults import printable
from udev_device_plugin.config.settings import LogFormat, OutputFormat, Settings, Task
from udev_device_plugin.errors import ConfigError, StartError, UdevDevicePluginError
from udev_device_plugin.reporting.list_devices import scan
from udev_device_plugin.reporting.list_devices.output import show
from udev_device_plugin.telemetry import log_format

SCHEMA = os.path.join(os.path.dirname(config.__file__), "schema.json")


def main(
    argv: Sequence[str] | None = None,
    environ: Mapping[str, str] | None = None,
    run: Callable[[Settings], int] | None = None,
) -> int:
    """Do what the command line says, by default this process's; return the exit code."""
    argv, environ = sys.argv[1:] if argv is None else argv, os.environ if environ is None else environ
    try:
        task, settings, output = loader.read(argv, environ)
    except ConfigError as error:
        _print_to_stderr(map(str, error))
        return 2
    except StartError as error:
        _print_to_stderr([str(error)])
        return 1
    try:
        if task is Task.RUN:
            load = partial(loader.load, argv, environ, settings.config_file)
            return run(settings) if run else _run_agent(settings, load)
        if task is Task.PRINT_SCHEMA:
            with open(SCHEMA, encoding="ascii") as file:
                print(file.read(), end="")
        elif task is Task.CHECK:
            _print_resources(settings)
        else:
            _list_devices(settings, output)
    except UdevDevicePluginError as error:
        _print_to_stderr([str(error)])
        return 1
    return 0


def _print_to_stderr(lines: Iterable[str]) -> None:
    for line in lines:
        print(printable(line), file=sys.stderr)


def _print_resources(settings: Settings) -> None:
    _print_to_stderr(f"warning: {warning}" for warning in settings.warnings)
    for resource in settings.resources:
        selectors = (str(path.selector) for group in resource.groups for path in group.paths)
        excluded = f"; but not {', '.join(map(str, resource.exclude))}" if resource.exclude else ""
        print(printable(f"{resource.resource}: {', '.join(selectors)}{excluded}"))


def _list_devices(settings: Settings, output: OutputFormat) -> None:
    log_format.configure_for_person(settings.log_level.number)
    listing = scan.look(settings)
    _print_to_stderr(f"warning: {warning}" for warning in listing.warnings)
    show(listing, output)


def _run_agent(settings: Settings, load: Callable[[], Settings]) -> int:
    log_format.configure(settings.log_level.number, is_json=settings.log_format is LogFormat.JSON)
    return run_agent(settings, load)
