"""The command line and the environment, parsed: what was asked for, with all mistakes; ``loader`` checks values."""

import re
from argparse import Action, Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from typing import Any, NoReturn

import configargparse

from udev_device_plugin import __version__
from udev_device_plugin.config.faults import Faults, Place, listed, quoted
from udev_device_plugin.config.options import CONFIG, DEFAULT_FILES, DEVICE, INSTEAD, OUTPUT, SETTINGS, Given, Option
from udev_device_plugin.config.scalars import ScalarError
from udev_device_plugin.config.settings import OutputFormat
from udev_device_plugin.errors import ConfigError

OPTIONS: tuple[Option[Any], ...] = (DEVICE, CONFIG, *SETTINGS, OUTPUT)
CONFIG_ALIAS = "--config-file"
"""The name in the origin's later releases."""

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
  {"name": "lidar", "groups": [{"udev": [
      'SUBSYSTEM=="tty", ATTRS{idVendor}=="10c4", ATTRS{idProduct}=="ea60"']}]}
      Each node that the match part of a udev rule selects is one device.
  Globs are those of Go's path.Match: *, ?, [a-z], [^a-z], and \\ escapes; ** is *,
  and braces are ordinary characters.

A flag goes before its environment variable, that before the file, that before the
default; devices of different sources are not merged. Durations are those of Go:
500ms, 30s, 5m, 1h30m. Exit codes: 0 after SIGTERM or SIGINT, 2 for a configuration
that cannot be used, 1 otherwise."""


@dataclass(frozen=True, slots=True)
class CommandLine:
    """What was asked for on the command line and in the environment.

    Attributes:
        given: settings, not judged yet.
        instead: one of ``INSTEAD``; None to run.
        output: how to show what is on the host.
    """

    given: tuple[Given, ...]
    instead: str | None
    output: OutputFormat


def read_command_line(argv: Sequence[str], environ: Mapping[str, str], faults: Faults) -> CommandLine:
    """Take the command line and the environment apart; where both set something, the command line counts."""
    parser = _parser(faults)
    words = list(_joined(argv, faults))
    namespace, rest = parser.parse_known_args(words, env_vars=_readable(environ, faults))
    if rest:
        _note_unknown(rest, faults)
    variables = parser.get_source_to_settings_dict().get("environment_variables", {})
    by_option = (_given(option, namespace, in_variable=option.variable in variables) for option in OPTIONS)
    given = tuple(one for several in by_option for one in several)
    return CommandLine(given, _instead(namespace, faults), _output(given, faults))


def _instead(namespace: Namespace, faults: Faults) -> str | None:
    """What is asked for instead of running; only one thing can be."""
    asked = [flag for flag in INSTEAD if getattr(namespace, _attribute(flag))]
    for flag in asked[1:]:
        faults.add(flag, f"{asked[0]} is given too; give one of them")
    return asked[0] if asked else None


def _output(given: Iterable[Given], faults: Faults) -> OutputFormat:
    for one in given:
        if one.name == OUTPUT.name:
            try:
                return OUTPUT.parse(one.text)
            except ScalarError as error:
                faults.add(one.place, str(error))
    return OUTPUT.parse(OUTPUT.default)


class _Collect(Action):
    """Gathers a repeatable flag's texts; with ``append``, configargparse would split a variable's list."""

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
        parser.add_argument(
            *_flags(option),
            metavar=option.metavar,
            action=_Collect if option is DEVICE else "store",
            env_var=option.variable,
            help=f"{option.meaning} Default: {_default(option)}. Environment: {option.variable}.",
        )
    for flag, meaning in INSTEAD.items():
        variable = _variable(flag)
        parser.add_argument(flag, action="store_true", env_var=variable, help=f"{meaning} Environment: {variable}.")
    parser.add_argument(
        "--version", action="version", version=f"%(prog)s {__version__}", help="Print the version and exit."
    )
    parser.error = partial(_refuse, faults)
    return parser


def _flags(option: Option[Any]) -> tuple[str, ...]:
    return (option.flag, CONFIG_ALIAS) if option is CONFIG else (option.flag,)


def _attribute(flag: str) -> str:
    return flag.removeprefix("--").replace("-", "_")


def _variable(flag: str) -> str:
    return "UDEV_DEVICE_PLUGIN_" + _attribute(flag).upper()


def _default(option: Option[Any]) -> str:
    if option is CONFIG:
        return f"{listed(DEFAULT_FILES)}, if present"
    return option.default or "none"


def _refuse(faults: Faults, message: str) -> NoReturn:
    """In place of argparse's way out, which prints its usage and exits."""
    faults.add("", message)
    raise ConfigError(faults.found)


def _joined(argv: Sequence[str], faults: Faults) -> Iterator[str]:
    """Each flag and its value in one word: so a value may begin with a dash, and none is taken for a flag."""
    valued = {flag for option in OPTIONS for flag in _flags(option)}
    pending = None
    for word in argv:
        if pending and word != "--" and not re.match("--[a-z]", word):  # argparse eats a value of --
            yield f"{pending}={word}"
            pending = None
            continue
        if pending:
            _note_missing(pending, faults)
            if word == "--":  # it was meant as the value; argparse would eat it
                pending = None
                continue
        pending = word if word in valued else None
        if word.startswith((*(f"{flag}=" for flag in INSTEAD), "--help=", "--version=")):
            faults.add(word.partition("=")[0], "it takes no value; leave out what follows the flag")
        elif not pending:
            yield word
    if pending:
        _note_missing(pending, faults)


def _note_missing(flag: str, faults: Faults) -> None:
    metavar = next(option.metavar for option in OPTIONS if flag in _flags(option))
    faults.add(flag, f"it needs a value; write {flag} {metavar}")


def _readable(environ: Mapping[str, str], faults: Faults) -> Mapping[str, str]:
    """The environment without what configargparse would end the reading at."""
    unreadable = set()
    for variable in map(_variable, INSTEAD):
        value = environ.get(variable, "false")
        if value.lower() not in ("true", "yes", "on", "1", "false", "no", "off", "0"):
            faults.add(variable, f"{quoted(value)} is neither true nor false; use one of them")
            unreadable.add(variable)
    return {name: text for name, text in environ.items() if name not in unreadable}


def _note_unknown(rest: Sequence[str], faults: Faults) -> None:
    known = [*INSTEAD, "--version", "--help", *(flag for option in OPTIONS for flag in _flags(option))]
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
    value = getattr(namespace, _attribute(option.flag))
    texts = value if isinstance(value, list) else [] if value is None else [value]
    for index, text in enumerate(texts):
        source = option.variable if in_variable else f"{option.flag}[{index}]" if len(texts) > 1 else option.flag
        has_lines = option is DEVICE and "\n" in text.strip()
        yield Given(option.name, Place(source, line=int(has_lines)), text)
