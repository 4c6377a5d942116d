"""Parsing of the command line and the environment, with all faults. Pure; the values are checked by ``loader``."""

import re
from argparse import Action, Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from typing import Any, NoReturn

import configargparse

from udev_device_plugin import __version__
from udev_device_plugin.config.faults import Faults, Place, listed, quoted
from udev_device_plugin.config.options import (
    CONFIG,
    DEFAULT_FILES,
    DEVICE,
    INSTEAD,
    OUTPUT,
    SETTINGS,
    Given,
    Option,
    variable_of,
)
from udev_device_plugin.config.settings import OutputFormat, Task
from udev_device_plugin.errors import ConfigError

OPTIONS: tuple[Option[Any], ...] = (DEVICE, CONFIG, *SETTINGS, OUTPUT)
CONFIG_ALIAS = "--config-file"
"""The name in the origin's later releases."""

_METAVARS = {**{option.flag: option.metavar for option in OPTIONS}, CONFIG_ALIAS: CONFIG.metavar}
"""The flags that have a value, and its name in the help text."""

_DESCRIPTION = "Offer this host's devices to Kubernetes, and keep the offer true as they come and go."
_EPILOG = """\
device specs:
  {"type": "serial", "count": 2, "paths": ["/dev/ttyUSB*", "/dev/ttyACM*"]}
      Each node that matches is one device of squat.ai/serial, offered count times.
  {"name": "capture", "groups": [{"count": 1, "paths": [
      {"path": "/dev/snd/controlC0", "mountPath": "/dev/snd/", "permissions": "rw"},
      {"path": "/etc/asound.conf", "type": "Mount", "readOnly": true,
       "optional": true}]}]}
      The paths of a group go together into one device. A path also takes a limit:
      how many devices may share one match.
  {"name": "modem", "groups": [{"usb": [
      {"vendor": "2c7c", "product": "0125", "nodes": {"tty": 4, "usbmisc": 1}}]}]}
      Each such stick is one device, offered when all of these nodes are there.
  {"name": "scanner", "groups": [{"hid": [
      {"vendor": "05e0", "product": "1200", "usagePage": "8c"}]}]}
      Each such HID interface is one device: its hidraw node.
  {"name": "lidar", "groups": [{"udev": [
      'SUBSYSTEM=="tty", ATTRS{idVendor}=="10c4", ATTRS{idProduct}=="ea60"']}]}
      Each node that the match part of a udev rule selects is one device.
  Globs are those of Go's path.Match: *, ?, [a-z], [^a-z], and \\ escapes; ** is *,
  and braces are ordinary characters.

A flag goes before its environment variable, that before the file, that before the
default; devices of different sources are not merged. Durations are those of Go:
500ms, 30s, 5m, 1h30m. Exit codes: 0 after SIGTERM or SIGINT, 2 for a configuration
that cannot be used, 1 otherwise."""


def read_command_line(
    argv: Sequence[str], environ: Mapping[str, str], faults: Faults
) -> tuple[tuple[Given, ...], Task, OutputFormat]:
    """Return the settings, which are not checked yet, and what to do; a flag counts more than its variable."""
    parser = _parser(faults)
    words = list(_joined(argv, faults))
    namespace, rest = parser.parse_known_args(words, env_vars=_readable(environ, faults))
    _add_unknown(rest, faults)
    variables = parser.get_source_to_settings_dict().get("environment_variables", {})
    by_option = (_given(option, namespace, in_variable=option.variable in variables) for option in OPTIONS)
    given = tuple(one for several in by_option for one in several)
    tasks = [flag for flag in INSTEAD if getattr(namespace, flag)] or [Task.RUN.value]
    for flag in tasks[1:]:
        faults.add(flag, f"{tasks[0]} is given too; give one of them")
    return given, Task(tasks[0]), OUTPUT.choose(given, faults)


class _Collect(Action):
    """Collects the values of a repeatable flag; with ``append``, configargparse would split a variable's list."""

    def __call__(self, _parser: object, namespace: Namespace, values: object, _flag: str | None = None) -> None:
        setattr(namespace, self.dest, [*(getattr(namespace, self.dest) or ()), values])


def _parser(faults: Faults) -> Any:  # configargparse has no types
    parser = configargparse.ArgumentParser(
        prog="udev-device-plugin",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
        add_config_file_help=False,
        add_env_var_help=False,
    )
    for option in OPTIONS:
        default = f"{listed(DEFAULT_FILES)}, if present" if option is CONFIG else option.default or "none"
        parser.add_argument(
            *((option.flag, CONFIG_ALIAS) if option is CONFIG else (option.flag,)),
            dest=option.flag,
            metavar=option.metavar,
            action=_Collect if option is DEVICE else "store",
            env_var=option.variable,
            help=f"{option.meaning} Default: {default}. Environment: {option.variable}.",
        )
    for flag, meaning in INSTEAD.items():
        text = f"{meaning} Environment: {variable_of(flag)}."
        parser.add_argument(flag, dest=flag, action="store_true", env_var=variable_of(flag), help=text)
    parser.add_argument(
        "--version", action="version", version=f"%(prog)s {__version__}", help="Print the version and exit."
    )
    parser.error = partial(_refuse, faults)
    return parser


def _refuse(faults: Faults, message: str) -> NoReturn:
    """Raise the faults, where argparse would print its usage and exit."""
    faults.add("", message)
    raise ConfigError(faults.found)


def _joined(argv: Sequence[str], faults: Faults) -> Iterator[str]:
    """Join each flag with its value: then a value may begin with a dash, and none is taken for a flag."""
    pending = None
    for word in argv:
        if pending and word != "--" and not re.match("--[a-z]", word):  # argparse eats a value of --
            yield f"{pending}={word}"
            pending = None
            continue
        if pending:
            _add_missing(pending, faults)
            if word == "--":  # it was meant as the value; argparse would eat it
                pending = None
                continue
        pending = word if word in _METAVARS else None
        if word.endswith("=--") and word[:-3] in _METAVARS:
            _add_missing(word[:-3], faults)
        elif word.startswith((*(f"{flag}=" for flag in INSTEAD), "--help=", "--version=")):
            faults.add(word.partition("=")[0], "it takes no value; leave out what follows the flag")
        elif not pending:
            yield word
    if pending:
        _add_missing(pending, faults)


def _add_missing(flag: str, faults: Faults) -> None:
    faults.add(flag, f"it needs a value; write {flag} {_METAVARS[flag]}")


def _readable(environ: Mapping[str, str], faults: Faults) -> Mapping[str, str]:
    """Return the environment without the values at which configargparse would end the parsing."""
    unreadable = set()
    for variable in map(variable_of, INSTEAD):
        value = environ.get(variable, "false")
        if value.lower() not in ("true", "yes", "on", "1", "false", "no", "off", "0"):
            faults.add(variable, f"{quoted(value)} is neither true nor false; use one of them")
            unreadable.add(variable)
    for option in OPTIONS:
        if environ.get(option.variable) == "--":  # argparse would eat it
            faults.add(option.variable, f'"--" is no value; write {option.metavar}')
            unreadable.add(option.variable)
    return {name: text for name, text in environ.items() if name not in unreadable}


def _add_unknown(rest: Sequence[str], faults: Faults) -> None:
    known = [*INSTEAD, "--version", "--help", *_METAVARS]
    after_flag = False
    for word in rest:
        if word.startswith("-"):
            flag = word.partition("=")[0]
            nearest = get_close_matches(flag[:60], known, n=1)
            faults.add(flag, f"unknown flag; {f'did you mean {nearest[0]}?' if nearest else 'see --help'}")
            after_flag = True
        elif not after_flag:  # otherwise it is probably the unknown flag's value
            faults.add("", f"{quoted(word)} stands alone; every argument belongs to a flag, see --help")


def _given(option: Option[Any], namespace: Namespace, *, in_variable: bool) -> Iterator[Given]:
    value = getattr(namespace, option.flag)
    texts = value if isinstance(value, list) else [] if value is None else [value]
    for index, text in enumerate(texts):
        source = option.variable if in_variable else f"{option.flag}[{index}]" if len(texts) > 1 else option.flag
        has_lines = option is DEVICE and "\n" in text.strip()
        yield Given(option.name, Place(source, line=int(has_lines)), text)
