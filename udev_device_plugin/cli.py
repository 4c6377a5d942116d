"""The front door: flags, environment and file become settings; faults become lines and exit codes.

Floor 6, main thread. It decides nothing itself: ``config`` judges what was given, ``agent`` does the work.
"""

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from udev_device_plugin import __version__, spared
from udev_device_plugin.config.findings import Findings, Place, listed, printable, quoted
from udev_device_plugin.config.loading import DEFAULT_FILES, settle
from udev_device_plugin.config.options import CONFIG, DEVICE, SETTINGS, Given, Option
from udev_device_plugin.config.settings import Settings
from udev_device_plugin.errors import ConfigError, UdevDevicePluginError

if TYPE_CHECKING:
    from argparse import Namespace

OPTIONS: tuple[Option[Any], ...] = (DEVICE, CONFIG, *SETTINGS)
CONFIG_ALIAS = "--config-file"
"""The name in the origin's later releases."""
CHECK = "--check-config"
CHECK_VARIABLE = "UDEV_DEVICE_PLUGIN_CHECK_CONFIG"

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
  Globs are those of Go's path.Match: *, ?, [a-z], [^a-z], and \\ escapes; ** is *,
  and braces are ordinary characters.

A flag goes before its environment variable, that before the file, that before the
default; devices of different sources are not merged. Durations are those of Go:
500ms, 30s, 5m, 1h30m. Exit codes: 0 after SIGTERM or SIGINT, 2 for a configuration
that cannot be used, 1 otherwise."""


@dataclass(frozen=True, slots=True)
class CommandLine:
    """What was asked for on the command line and in the environment, not judged yet."""

    given: tuple[Given, ...]
    check_only: bool


def main(
    argv: Sequence[str] | None = None,
    environ: Mapping[str, str] | None = None,
    run: Callable[[Settings], int] | None = None,
) -> int:
    """Do what the command line says, by default this process's, and give the exit code."""
    findings = Findings()
    argv, environ = sys.argv[1:] if argv is None else argv, os.environ if environ is None else environ
    try:
        line = read_command_line(argv, environ, findings)
        settings = settle(line.given, findings)
    except ConfigError as error:
        _say(map(str, error))
        return 2
    if line.check_only:
        return _report(settings)
    try:
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
    given = read_command_line(argv, environ, findings).given
    if config_file is not None:
        given = (Given(CONFIG.name, Place(CONFIG.flag), config_file), *given)
    return settle(given, findings, default_files)


def read_command_line(argv: Sequence[str], environ: Mapping[str, str], findings: Findings) -> CommandLine:
    """Take the command line and the environment apart; where both set something, the command line counts."""
    parser = _parser(findings)
    words = list(_joined(argv, findings))
    namespace, rest = parser.parse_known_args(words, env_vars=_readable(environ, findings))
    _note_unknown(rest, findings)
    variables = parser.get_source_to_settings_dict().get("environment_variables", {})
    given = (_given(option, namespace, in_variable=option.variable in variables) for option in OPTIONS)
    return CommandLine(tuple(one for several in given for one in several), bool(namespace.check_config))


def _parser(findings: Findings) -> Any:  # configargparse has no types
    import argparse  # noqa: PLC0415 - let go once the command line is read, see _run_agent

    import configargparse  # noqa: PLC0415

    class Collect(argparse.Action):
        """Gathers a repeatable flag's texts; with ``append``, configargparse would split a variable's list."""

        def __call__(self, _: object, namespace: "Namespace", values: object, _flag: str | None = None) -> None:
            setattr(namespace, self.dest, [*(getattr(namespace, self.dest) or ()), values])

    parser = configargparse.ArgumentParser(
        prog="udev-device-plugin",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        add_config_file_help=False,
        add_env_var_help=False,
    )
    for option in OPTIONS:
        parser.add_argument(
            *_flags(option),
            metavar=option.metavar,
            action=Collect if option is DEVICE else "store",
            env_var=option.variable,
            help=f"{option.meaning} Default: {_default(option)}. Environment: {option.variable}.",
        )
    check_help = f"Print the configuration's resources or faults, and exit. Environment: {CHECK_VARIABLE}."
    parser.add_argument(CHECK, action="store_true", env_var=CHECK_VARIABLE, help=check_help)
    parser.add_argument(
        "--version", action="version", version=f"%(prog)s {__version__}", help="Print the version and exit."
    )
    parser.error = partial(_refuse, findings)
    return parser


def _flags(option: Option[Any]) -> tuple[str, ...]:
    return (option.flag, CONFIG_ALIAS) if option is CONFIG else (option.flag,)


def _default(option: Option[Any]) -> str:
    if option is CONFIG:
        return f"{listed(DEFAULT_FILES)}, if present"
    return option.default or "none"


def _refuse(findings: Findings, message: str) -> NoReturn:
    """In place of argparse's way out, which prints its usage and exits."""
    findings.fault("", message)
    raise ConfigError(findings.faults)


def _joined(argv: Sequence[str], findings: Findings) -> Iterator[str]:
    """Each flag and its value in one word: so a value may begin with a dash, and none is taken for a flag."""
    valued = {flag for option in OPTIONS for flag in _flags(option)}
    pending = None
    for word in argv:
        if pending and word != "--" and not re.match("--[a-z]", word):  # argparse eats a value of --
            yield f"{pending}={word}"
            pending = None
            continue
        if pending:
            _note_missing(pending, findings)
            if word == "--":  # it was meant as the value; argparse would eat it
                pending = None
                continue
        pending = word if word in valued else None
        if word.startswith((f"{CHECK}=", "--help=", "--version=")):
            findings.fault(word.partition("=")[0], "it takes no value; leave out what follows the flag")
        elif not pending:
            yield word
    if pending:
        _note_missing(pending, findings)


def _note_missing(flag: str, findings: Findings) -> None:
    metavar = next(option.metavar for option in OPTIONS if flag in _flags(option))
    findings.fault(flag, f"it needs a value; write {flag} {metavar}")


def _readable(environ: Mapping[str, str], findings: Findings) -> Mapping[str, str]:
    """The environment without what configargparse would end the reading at."""
    value = environ.get(CHECK_VARIABLE, "false")
    if value.lower() in ("true", "yes", "on", "1", "false", "no", "off", "0"):
        return environ
    findings.fault(CHECK_VARIABLE, f"{quoted(value)} is neither true nor false; use one of them")
    return {name: text for name, text in environ.items() if name != CHECK_VARIABLE}


def _note_unknown(rest: Sequence[str], findings: Findings) -> None:
    from difflib import get_close_matches  # noqa: PLC0415  memory that only mistakes need

    known = [CHECK, "--version", "--help", *(flag for option in OPTIONS for flag in _flags(option))]
    after_flag = False
    for word in rest:
        if word.startswith("-"):
            flag = word.partition("=")[0]
            nearest = get_close_matches(flag[:60], known, n=1)
            findings.fault(flag, f"unknown flag; {f'did you mean {nearest[0]}?' if nearest else 'see --help'}")
            after_flag = True
        elif not after_flag:  # otherwise it is probably the unknown flag's value
            findings.fault("", f"{quoted(word)} stands alone; every argument belongs to a flag, see --help")


def _given(option: Option[Any], namespace: "Namespace", *, in_variable: bool) -> Iterator[Given]:
    value = getattr(namespace, option.name.replace("-", "_"))
    texts = value if isinstance(value, list) else [] if value is None else [value]
    for index, text in enumerate(texts):
        source = option.variable if in_variable else f"{option.flag}[{index}]" if len(texts) > 1 else option.flag
        has_lines = option is DEVICE and "\n" in text.strip()
        yield Given(option.name, Place(source, line=int(has_lines)), text)


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


def _run_agent(settings: Settings, load: Callable[[], Settings]) -> int:
    spared.let_go("configargparse", "configparser", "argparse", "gettext", "csv")
    spared.keep_out()  # before anybody imports them in full
    from udev_device_plugin import agent, logs  # noqa: PLC0415  heavy, and neither help nor faults need them

    logs.configure(settings.log_level, settings.log_format)
    return agent.run(settings, load)
