"""The command: precedence of sources, one line for each fault, and exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from udev_device_plugin import __version__
from udev_device_plugin.app.cli import main
from udev_device_plugin.config.command_line import OPTIONS
from udev_device_plugin.config.loader import load
from udev_device_plugin.config.options import SETTINGS, Option
from udev_device_plugin.config.settings import LogFormat, LogLevel, Settings
from udev_device_plugin.errors import ConfigError, StartError

A = '{"type": "a", "paths": ["/dev/a", "/dev/aa"]}'
B = '{"type": "b", "paths": ["/dev/b"]}'
C = '{"type": "c", "paths": ["/dev/c"]}'


def load_only(*argv: str, **environ: str) -> Settings:
    variables = {f"UDEV_DEVICE_PLUGIN_{name}": text for name, text in environ.items()}
    return load(argv, variables, default_files=())


def names(result: Settings) -> list[str]:
    return [resource.resource.removeprefix("squat.ai/") for resource in result.resources]


def faults(*argv: str, **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_only(*argv, **environ)
    return [str(fault) for fault in caught.value]


VALUES = [
    ("domain", "flag.io", "env.io", "file.io"),
    ("listen", ":1", ":2", ":3"),
    ("status", "any", "off", "any"),
    ("log-level", "debug", "warn", "error"),
    ("log-format", "text", "json", "text"),
    ("plugin-directory", "/flag/", "/env/", "/file/"),
    ("pod-resources-socket", "/flag", "/env", "/file"),
    ("removal-grace-period", "1s", "2s", "3s"),
    ("rescan-interval", "1m", "2m", "3m"),
]


@pytest.mark.parametrize("values", VALUES, ids=[name for name, *_ in VALUES])
@pytest.mark.parametrize("sources", range(8))
def test_a_flag_goes_before_a_variable_before_the_file_before_the_default(
    values: tuple[str, str, str, str], sources: int, tmp_path: Path
) -> None:
    name, flag, variable, in_file = values
    option = next(option for option in SETTINGS if option.name == name)
    config = tmp_path / "config.yaml"
    config.write_text(f"{name}: '{in_file}'\n" if sources & 1 else "")
    environ = {option.variable: variable} if sources & 2 else {}
    argv = [f"--{name}", flag] if sources & 4 else []
    expected = flag if sources & 4 else variable if sources & 2 else in_file if sources & 1 else option.default
    result = load([*argv, "--device", A], environ, default_files=[str(config)])
    assert value_of(result, option) == option.parse(expected)


def value_of(result: Settings, option: Option[Any]) -> object:
    if option.name == "domain":
        return result.resources[0].resource.partition("/")[0]
    return getattr(result, option.name.replace("-", "_"))


def test_every_setting_is_in_the_matrix() -> None:
    assert [name for name, *_ in VALUES] == [option.name for option in SETTINGS]


def test_devices_of_the_first_source_count_and_are_not_merged(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(f"devices: [{C}]")
    environ = {"UDEV_DEVICE_PLUGIN_DEVICE": B}
    files = [str(config)]
    assert names(load(["--device", A], environ, default_files=files)) == ["a"]
    assert names(load([], environ, default_files=files)) == ["b"]
    assert names(load([], {}, default_files=files)) == ["c"]


def test_the_device_flag_may_be_repeated() -> None:
    assert names(load_only("--device", A, f"--device={B}", "--device", f"[{C}]")) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (A, ["a"]),
        (f"[{A}]", ["a"]),
        (f"[{A}, {B}]", ["a", "b"]),
        (json.dumps([json.loads(A), json.loads(B)], indent="\t"), ["a", "b"]),
        (f"- {A}\n- {B}\n", ["a", "b"]),
        ("[{type: a, paths: [/dev/a, /dev/aa]}, {type: b, paths: [/dev/b]}]", ["a", "b"]),
        ("type: a\npaths:\n  - /dev/a\n", ["a"]),
    ],
)
def test_the_device_variable_holds_one_spec_or_a_list_and_its_commas_survive(text: str, expected: list[str]) -> None:
    assert names(load_only(DEVICE=text)) == expected


def test_a_value_may_begin_with_a_dash() -> None:
    assert names(load_only("--device", "- {type: a, paths: [/dev/a]}")) == ["a"]
    assert names(load_only("--device", "---\ntype: a\npaths: [/dev/a]\n")) == ["a"]
    assert faults("--device", A, "--listen", "-1") == [
        '--listen: "-1" is not an address; write :8080, 127.0.0.1:8080 or [::1]:8080'
    ]


def test_an_empty_listen_address_turns_listening_off_in_every_source() -> None:
    assert load_only("--device", A, "--listen", "").listen is None
    assert load_only("--device", A, "--listen=").listen is None
    assert load_only("--device", A, LISTEN="").listen is None


def test_the_last_of_a_repeated_flag_counts() -> None:
    assert load_only("--device", A, "--log-level", "debug", "--log-level=warn").log_level is LogLevel.WARN


@pytest.mark.parametrize("flag", ["--config", "--config-file"])
def test_the_file_is_named_by_either_flag_or_the_variable(flag: str, tmp_path: Path) -> None:
    config = tmp_path / "x.yaml"
    config.write_text(f"devices: [{A}]\nlog-format: text\n")
    for result in (load_only(flag, str(config)), load_only(CONFIG=str(config))):
        assert result.config_file == str(config)
        assert result.log_format is LogFormat.TEXT


def test_a_reload_insists_on_the_file_that_was_read_and_sees_it_anew(tmp_path: Path) -> None:
    config = tmp_path / "x.yaml"
    config.write_text(f"devices: [{A}]\n")
    assert names(load([], {}, config_file=str(config))) == ["a"]
    config.write_text(f"devices: [{B}]\n")
    assert names(load([], {}, config_file=str(config))) == ["b"]
    config.unlink()
    with pytest.raises(ConfigError, match="No such file or directory"):
        load([], {}, config_file=str(config))


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["--log-levle", "info"], "--log-levle: unknown flag; did you mean --log-level?"),
        (["--log_level=info"], "--log_level: unknown flag; did you mean --log-level?"),
        (["--log"], "--log: unknown flag; "),
        (["--colour"], "--colour: unknown flag; see --help"),
        (["-v"], "-v: unknown flag; see --help"),
        (["--"], "--: unknown flag; see --help"),
        (["serial"], '"serial" stands alone; every argument belongs to a flag, see --help'),
        (["--log-level"], "--log-level: it needs a value; write --log-level LEVEL"),
        (["--log-level", "--listen", ":1"], "--log-level: it needs a value"),
        (["--config-file"], "--config-file: it needs a value; write --config-file FILE"),
        (["--device", "--"], "--device: it needs a value; write --device SPEC"),
        (["--device=--"], "--device: it needs a value; write --device SPEC"),
        (["--domain=--"], "--domain: it needs a value; write --domain DOMAIN"),
        (["--check-config=yes"], "--check-config: it takes no value; leave out what follows the flag"),
        (["--version=1"], "--version: it takes no value"),
        (["--list-devices=json"], "--list-devices: it takes no value; leave out what follows the flag"),
        (["--list-devices", "--check-config"], "--list-devices: --check-config is given too; give one of them"),
        (["--list-devices", "--output=yaml"], '--output: "yaml" is not one of the choices; use table or json'),
        (["--log-level", "loud"], '--log-level: "loud" is not one of the choices; use all, debug, info, warn'),
        (["--domain="], '--domain: "" is not an RFC 1123 subdomain'),
        (["--removal-grace-period", "-5m"], '--removal-grace-period: "-5m" is negative'),
        (["--config", "/nowhere/x\ny"], r'--config: "/nowhere/x\ny" cannot be read: No such file or directory'),
        (["--domain", "\udc80"], r'--domain: "\udc80" is not an RFC 1123 subdomain'),
        (["--plugin-directory", "/\udc80"], r'--plugin-directory: "/\udc80" contains what no path'),
        (["--x\x1b[31m"], r"--x\x1b[31m: unknown flag"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_fault(argv: list[str], expected: str) -> None:
    (fault,) = faults("--device", A, *argv)
    assert fault.startswith(expected)
    assert fault.isprintable()


@pytest.mark.parametrize(
    ("variable", "text", "expected"),
    [
        ("LOG_LEVEL", "", 'UDEV_DEVICE_PLUGIN_LOG_LEVEL: "" is not one of the choices; use all, debug'),
        ("LOG_LEVEL", "[info]", 'UDEV_DEVICE_PLUGIN_LOG_LEVEL: "[info]" is not one of the choices'),
        ("RESCAN_INTERVAL", "5", 'UDEV_DEVICE_PLUGIN_RESCAN_INTERVAL: "5" lacks a unit; write it as "5s"'),
        ("DEVICE", "--", 'UDEV_DEVICE_PLUGIN_DEVICE: "--" is no value; write SPEC'),
        ("DOMAIN", "--", 'UDEV_DEVICE_PLUGIN_DOMAIN: "--" is no value; write DOMAIN'),
        ("CHECK_CONFIG", "maybe", 'UDEV_DEVICE_PLUGIN_CHECK_CONFIG: "maybe" is neither true nor false; use one'),
        ("LIST_DEVICES", "maybe", 'UDEV_DEVICE_PLUGIN_LIST_DEVICES: "maybe" is neither true nor false; use one'),
        ("OUTPUT", "yaml", 'UDEV_DEVICE_PLUGIN_OUTPUT: "yaml" is not one of the choices; use table or json'),
        ("CONFIG", "/nowhere", 'UDEV_DEVICE_PLUGIN_CONFIG: "/nowhere" cannot be read: No such file or directory'),
    ],
)
def test_a_mistake_in_the_environment_is_one_fault(variable: str, text: str, expected: str) -> None:
    (fault,) = faults("--device", A, **{variable: text})
    assert fault.startswith(expected)


def test_a_fault_in_a_device_says_which_flag_and_which_item_of_the_variable() -> None:
    assert faults("--device", A, "--device", "{type: b, paths: [x]}")[0].startswith("--device[1]: paths[0]: ")
    assert faults("--device", "{type: b, paths: [x]}")[0].startswith("--device: paths[0]: ")
    assert faults("--device", "\ntype: b\npaths: [x]\ncount: 1\n")[0].startswith("--device:3: paths[0]: ")
    assert faults(DEVICE=f"[{A}, {{type: b, paths: [x]}}]")[0].startswith("UDEV_DEVICE_PLUGIN_DEVICE: [1].paths[0]: ")
    assert faults(DEVICE="")[0].startswith("UDEV_DEVICE_PLUGIN_DEVICE: it is empty; a device spec is needed")


def test_all_faults_of_all_sources_are_told_at_once(tmp_path: Path) -> None:
    config = tmp_path / "c.yaml"
    config.write_text("log-format: xml\n")
    found = faults(
        "--bogus", "--listen", "--config", str(config), "--domain", "X", "--device", "{type: A, paths: [x]}",
        LOG_LEVEL="loud", CHECK_CONFIG="perhaps",
    )  # fmt: skip
    assert sorted(fault.removeprefix(str(tmp_path)).split(": ")[0] for fault in found) == [
        "--bogus",
        "--device",
        "--device",
        "--domain",
        "--listen",
        "/c.yaml:1",
        "UDEV_DEVICE_PLUGIN_CHECK_CONFIG",
        "UDEV_DEVICE_PLUGIN_LOG_LEVEL",
    ]


def test_variables_that_kubernetes_makes_of_a_service_do_no_harm() -> None:
    assert load_only("--device", A, PORT="tcp://10.0.0.1:80", SERVICE_HOST="10.0.0.1", SERVICE_PORT="80").resources


class Run:
    """Stands in for the agent."""

    def __init__(self, outcome: int | Exception = 0) -> None:
        self.settings: list[Settings] = []
        self.outcome = outcome

    def __call__(self, given: Settings) -> int:
        self.settings.append(given)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


def test_the_agent_gets_the_settings_and_gives_the_exit_code() -> None:
    run = Run(7)
    assert main(["--device", A], {}, run) == 7
    assert names(run.settings[0]) == ["a"]


def test_what_the_agent_cannot_start_with_is_one_line_and_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--device", A], {}, Run(StartError("port 8080 is taken;\nuse --listen"))) == 1
    assert capsys.readouterr().err == "port 8080 is taken;\\nuse --listen\n"


def test_a_bad_configuration_is_a_line_for_each_fault_and_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    run = Run()
    assert main(["--device", A, "--listen", "x\ny", "--domain", "-"], {}, run) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.partition(":")[0] for line in err.splitlines()] == ["--domain", "--listen"]
    assert run.settings == []


@pytest.mark.parametrize("environ", [{}, {"UDEV_DEVICE_PLUGIN_CHECK_CONFIG": "true"}])
def test_a_check_prints_a_line_for_each_resource_and_does_not_run(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run()
    argv = [] if environ else ["--check-config"]
    assert main([*argv, "--device", A, "--device", "{type: b, paths: [/dev/**]}"], environ, run) == 0
    out, err = capsys.readouterr()
    assert out == "squat.ai/a: /dev/a, /dev/aa\nsquat.ai/b: /dev/**\n"
    assert err.startswith('warning: --device[1]: paths[0]: "/dev/**": ** means the same as *')
    assert err.count("\n") == 1
    assert run.settings == []


def test_a_check_names_what_is_excluded(capsys: pytest.CaptureFixture[str]) -> None:
    spec = "{type: a, paths: [/dev/a*], exclude: [{path: /dev/ab}, {usb: {vendor: 403, product: 6001}}]}"
    assert main(["--check-config", "--device", spec], {}, Run()) == 0
    assert capsys.readouterr().out == "squat.ai/a: /dev/a*; but not /dev/ab, usb 0403:6001\n"


def test_a_check_of_a_bad_configuration_gives_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check-config"], {}, Run()) == 2
    assert capsys.readouterr().err.startswith("no device to offer; give --device")


RULES = """\
devices:
- name: a
  groups:
  - udev:
    - |
      # pasted together from a page and from a listing
      BUS=="usb", SYSFS{idVendor}=="10c4", ID=="1-2"
      KERNEL==“ttyUSB*”
      ENV{ACTION}=="add"
      ATTRS{remove}=="(write-only)", MODE="0666" # for all
    - 'SUBSYSTEM="tty", KERNEL=="tty[0-9"'
"""


def test_a_check_of_a_file_prints_a_line_for_each_fault_of_each_rule(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(RULES)
    assert main(["--check-config", "--config", str(config)], {}, Run()) == 2
    lines = [line.removeprefix(f"{config}:") for line in capsys.readouterr().err.splitlines()]
    assert [(int(line.partition(":")[0]), line.partition("▸")[2][:6]) for line in lines] == [
        (7, 'BUS=="'),
        (7, "SYSFS{"),
        (7, 'ID=="1'),
        (8, "“ttyUS"),
        (9, "ACTION"),
        (10, '"(writ'),
        (10, 'MODE="'),
        (10, "# for "),
        (11, '="tty"'),
        (11, '[0-9""'),
    ]
    for line, remedy in zip(lines, ["SUBSYSTEMS", "ATTRS{…}", "KERNELS", "straight", "leave it out"], strict=False):
        assert f"{remedy}" in line.rpartition("; ")[2], line


def test_the_help_tells_of_each_flag_its_default_and_its_variable(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    with pytest.raises(SystemExit) as caught:
        main(["--help"], {}, Run())
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert text.isascii()
    entries = text.split("options:")[1].split("\n  --")
    for option in OPTIONS:
        (entry,) = [entry for entry in entries if entry.startswith((f"{option.name} ", f"{option.name},"))]
        assert f"Environment: {option.variable}." in entry
        assert f"Default: {option.default}" in entry
    for flag in ("check-config", "list-devices", "print-schema"):
        (entry,) = [entry for entry in entries if entry.startswith(f"{flag} ")]
        assert f"Environment: UDEV_DEVICE_PLUGIN_{flag.upper().replace('-', '_')}." in entry


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"], {}, Run())
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"udev-device-plugin {__version__}\n"


def test_the_module_can_be_run_and_ends_with_the_exit_code() -> None:
    command = [sys.executable, "-m", "udev_device_plugin", "--check-config", "--device"]
    good = subprocess.run([*command, A], env=dict(os.environ), capture_output=True, text=True, check=False)
    assert (good.returncode, good.stdout, good.stderr) == (0, "squat.ai/a: /dev/a, /dev/aa\n", "")
    bad = subprocess.run([*command, "5"], env=dict(os.environ), capture_output=True, text=True, check=False)
    assert bad.returncode == 2
    assert bad.stderr.count("\n") == 1


def test_the_output_format_is_no_setting_of_the_file(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(f"devices: [{A}]\noutput: json\n")
    (fault,) = faults("--config", str(config))
    assert "output: unknown key" in fault


def test_a_check_needs_no_devices_and_tells_all_faults_of_all_places_at_once(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("devices:\n  - {type: A, paths: [x]}\n  - {name: b, groups: [{udev: ['KERNEL==']}]}\nlisten: y\n")
    command = [sys.executable, "-m", "udev_device_plugin", "--check-config", "--config", str(config)]
    outside = {"PATH": os.environ["PATH"], "HOME": "/nowhere"}
    bad = subprocess.run(command, env=outside, capture_output=True, text=True, check=False)
    assert (bad.returncode, bad.stdout) == (2, "")
    assert [line.removeprefix(f"{config}:").split(": ")[:2] for line in bad.stderr.splitlines()] == [
        ["2", "devices[0].type"],
        ["2", "devices[0].paths[0]"],
        ["3", "devices[1].groups[0].udev[0]"],
        ["4", "listen"],
    ]


words = st.one_of(
    st.sampled_from([option.flag for option in OPTIONS]),
    st.sampled_from(
        ["--", "-", "--check-config", "--x", "--device=", "--device=--", A, "[", "=", "--config=/", "--listen=:1", "@x"]
    ),
    st.text(st.characters(exclude_characters="\0"), max_size=6),
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(words, max_size=6),
    st.dictionaries(
        st.sampled_from([option.variable for option in OPTIONS]), st.just("--") | st.text(max_size=6), max_size=3
    ),
)
def test_whatever_the_arguments_there_is_a_line_for_each_fault_and_an_exit_code(
    argv: list[str], environ: dict[str, str]
) -> None:
    if "-h" in argv:
        return
    assert main(argv, environ, Run()) in (0, 2)


def test_a_process_that_is_told_to_end_before_it_has_begun_ends_with_0() -> None:
    program = """
import os, signal, sys
from udev_device_plugin.__main__ import main
from udev_device_plugin.config import loader

def settle(*_):
    os.kill(os.getpid(), signal.SIGTERM)
    raise RuntimeError("it went on")

loader.settle = settle
sys.exit(main())
"""
    outcome = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (0, "", "")
