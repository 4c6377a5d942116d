"""Sources become settings: what takes precedence, what the file may hold, and how files can be unusable."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from udev_device_plugin.config.faults import Faults, Place
from udev_device_plugin.config.loader import settle
from udev_device_plugin.config.options import CONFIG, DEVICE, SETTINGS, Given, Option
from udev_device_plugin.config.settings import ListenAddress, LogFormat, LogLevel, Settings, StatusAccess
from udev_device_plugin.errors import ConfigError

DEVICES = "devices: [{type: a, paths: [/dev/a]}]\n"


def from_flag(option: Option[Any], text: str) -> Given:
    return Given(option.name, Place(option.flag), text)


A_DEVICE = Given("device", Place("--device"), "{type: a, paths: [/dev/a]}")


def settled(*given: Given, files: Iterable[Path | str] = ()) -> Settings:
    return settle(given, Faults(), [str(file) for file in files])


def faults(*given: Given, files: Iterable[Path | str] = ()) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        settled(*given, files=files)
    return [str(fault) for fault in caught.value]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.yaml"


def faults_in(file: Path, text: str) -> list[str]:
    file.write_text(text)
    return [fault.removeprefix(f"{file}:") for fault in faults(files=[file])]


def test_the_defaults_are_those_of_the_settings_record() -> None:
    result = settled(A_DEVICE)
    assert result == Settings(resources=result.resources)
    assert [resource.resource for resource in result.resources] == ["squat.ai/a"]


def test_the_file_may_hold_every_setting_by_the_name_of_its_flag(file: Path) -> None:
    file.write_text(
        """
        domain: example.com
        listen: 127.0.0.1:80
        status: off
        log-level: debug
        log-format: text
        plugin-directory: /plugins
        pod-resources-socket: /pods.sock
        removal-grace-period: 1h30m
        rescan-interval: 0
        devices:
          - {type: a, paths: [/dev/a]}
          - {name: b, groups: [{paths: [/dev/b]}]}
        """
    )
    result = settled(files=[file])
    assert result == Settings(
        resources=result.resources,
        listen=ListenAddress("127.0.0.1", 80),
        status=StatusAccess.OFF,
        log_level=LogLevel.DEBUG,
        log_format=LogFormat.TEXT,
        plugin_directory="/plugins/",
        pod_resources_socket="/pods.sock",
        removal_grace_period=5400,
        rescan_interval=0,
        config_file=str(file),
    )
    assert [resource.resource for resource in result.resources] == ["example.com/a", "example.com/b"]


def test_a_setting_that_is_null_in_the_file_is_not_set(file: Path) -> None:
    file.write_text(DEVICES + "listen:\nlog-level: null\n")
    assert settled(files=[file]).listen == ListenAddress("", 8080)


def test_a_listen_address_that_is_empty_in_the_file_turns_listening_off(file: Path) -> None:
    file.write_text(DEVICES + "listen: ''\n")
    assert settled(files=[file]).listen is None


@pytest.mark.parametrize("text", ["device: [{type: a, paths: [/dev/a]}]", "devices: {type: a, paths: [/dev/a]}"])
def test_device_is_another_name_of_devices_and_one_spec_needs_no_list(file: Path, text: str) -> None:
    file.write_text(text)
    assert settled(files=[file]).resources == settled(A_DEVICE).resources


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "null", "{}", "devices: []", "devices:\n"])
def test_a_file_without_settings_is_a_fine_file(file: Path, text: str) -> None:
    file.write_text(text)
    assert settled(A_DEVICE, files=[file]).config_file == str(file)


def test_the_first_default_file_that_is_there_is_read(tmp_path: Path) -> None:
    absent, first, second = tmp_path / "absent" / "x", tmp_path / "first", tmp_path / "second"
    first.write_text(DEVICES + "log-level: debug\n")
    second.write_text("not: read")
    assert settled(files=[absent, first / "x", first, second]).log_level is LogLevel.DEBUG


def test_a_named_file_is_read_instead_of_the_default_one(file: Path, tmp_path: Path) -> None:
    file.write_text("not: read")
    named = tmp_path / "named.yaml"
    named.write_text(DEVICES)
    assert settled(from_flag(CONFIG, str(named)), files=[file]).config_file == str(named)


def test_a_file_that_is_bad_is_refused_even_where_other_sources_win(file: Path) -> None:
    file.write_text("log-level: loud\ndevices: [5]\n")
    flags = [Given("log-level", Place("--log-level"), "debug"), A_DEVICE]
    level, devices = sorted(faults(*flags, files=[file]))
    assert level.startswith(f'{file}:1: log-level: "loud" is not one of the choices; use all, debug')
    assert devices.startswith(f'{file}:2: devices[0]: "5" is a number; a device spec is needed')


def test_devices_of_two_sources_are_not_merged_and_a_warning_says_so(file: Path) -> None:
    file.write_text("devices: [{type: b, paths: [/dev/b]}]\n")
    result = settled(A_DEVICE, files=[file])
    assert [resource.resource for resource in result.resources] == ["squat.ai/a"]
    assert [str(warning) for warning in result.warnings] == [
        f"{file}:1: devices: not used: --device is given, and devices of two sources are not merged"
    ]


def test_warnings_of_globs_are_in_the_settings(file: Path) -> None:
    file.write_text("devices:\n  - type: a\n    paths:\n      - /dev/**\n")
    (warning,) = settled(files=[file]).warnings
    assert str(warning).startswith(f'{file}:4: devices[0].paths[0]: "/dev/**": ** means the same as *')


@pytest.mark.parametrize("given", [[], [Given("device", Place("--device"), "[]")]])
def test_no_device_at_all_is_a_fault(given: list[Given]) -> None:
    assert faults(*given) == ["no device to offer; give --device, UDEV_DEVICE_PLUGIN_DEVICE, or devices: in a file"]


def test_no_device_is_not_told_on_top_of_devices_that_cannot_be_read(file: Path) -> None:
    assert len(faults(Given("device", Place("--device"), "{"))) == 1
    assert len(faults(Given("device", Place("--device"), "5"))) == 1
    assert len(faults_in(file, "devcies: []")) == 1


def test_no_device_is_told_beside_faults_of_other_settings() -> None:
    assert len(faults(from_flag(SETTINGS[0], "-"))) == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- type: a", "1: it is a list; write settings by name, and specs as a list at devices:"),
        ("serial", '1: "serial" is a text; write settings by name'),
        ("a: [", "1: not YAML: "),
        ("\tdevices: []", "1: not YAML: found character '\\t' that cannot start any token"),
        (DEVICES + "log_level: info", "2: log_level: unknown key; did you mean log-level?"),
        (DEVICES + "colour: red", "2: colour: unknown key; use devices, device, domain,"),
        (DEVICES + "config: x", "2: config: unknown key; a file cannot name another; use --config"),
        ("type: a", "1: type: unknown key; a device spec goes into the list at devices:"),
        (DEVICES + "log-level: [info]", "2: log-level: it is a list; a single value is needed"),
        (DEVICES + "log-level: {a: b}", "2: log-level: it is a mapping; a single value is needed"),
        (DEVICES + "log-level: Info", '2: log-level: "Info" is not one of the choices; use all, debug'),
        (DEVICES + "log-format: xml", '2: log-format: "xml" is not one of the choices; use json or text'),
        (DEVICES + "listen: 8080", '2: listen: "8080" is not an address; write :8080'),
        (DEVICES + "domain: kubernetes.io", '2: domain: "kubernetes.io" is reserved for Kubernetes'),
        (DEVICES + "removal-grace-period: 300", '2: removal-grace-period: "300" lacks a unit; write it as "300s"'),
        (DEVICES + "rescan-interval: 1:30", '2: rescan-interval: "1:30" has the unknown unit ":"'),
        (DEVICES + "plugin-directory: plugins", '2: plugin-directory: "plugins" is not an absolute path'),
        (DEVICES + "pod-resources-socket: ''", '2: pod-resources-socket: "" is not an absolute path'),
        (DEVICES + DEVICES, "2: devices: the key is given twice, on line 1 first; keep one of them"),
        (DEVICES + "device: []", "2: device: device is another name of devices, and both are given; join the lists"),
        ("devices: /dev/a", '1: devices: "/dev/a" is a text; a device spec is needed'),
        (DEVICES + "---\nlisten: ''", "3: a second document begins here; join both into one"),
        ('{"a\x7f": 1}', "1: not YAML: it contains the character U+007F; leave it out"),
    ],
)
def test_what_is_wrong_in_a_file_is_told_with_its_line(file: Path, text: str, expected: str) -> None:
    (fault,) = faults_in(file, text)
    assert fault.startswith(expected)
    assert fault.isprintable()


def test_a_place_in_a_file_is_its_line_and_the_way_into_it(file: Path) -> None:
    text = (
        "devices:\n- {type: a, paths: [/dev/a]}\n- name: b\n  groups:\n  - paths:\n"
        "    - /dev/b\n    - path: /dev/c\n      permissions: rwx\n"
    )
    (fault,) = faults_in(file, text)
    assert fault.startswith('8: devices[1].groups[0].paths[1].permissions: "rwx" is not made of m, r and w')


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\x7fELF\x02\x01\x01\x00", ":1: not YAML: it contains the character U+007F; leave it out"),
        (b"a: 1\nb: \xff\n", ":2: the byte 0xff is not UTF-8; write the file as UTF-8 text"),
        ("devices: []".encode("utf-16"), ":1: the byte 0xff is not UTF-8"),
        (b"#" * (1 << 20) + b"#", ": it has more than 1048576 bytes; make it smaller"),
    ],
)
def test_a_file_that_is_no_text_is_one_fault(file: Path, data: bytes, expected: str) -> None:
    file.write_bytes(data)
    (fault,) = faults(files=[file])
    assert fault.startswith(f"{file}{expected}")


def test_a_byte_order_mark_does_no_harm(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + DEVICES.encode())
    assert settled(files=[file]).resources


def test_a_named_file_that_cannot_be_read_is_a_fault_at_who_named_it(tmp_path: Path) -> None:
    def refusal(path: Path | str) -> str:
        (fault,) = faults(from_flag(CONFIG, str(path)), A_DEVICE)
        return fault

    missing = tmp_path / "missing.yaml"
    assert refusal(missing) == (
        f'--config: "{str(missing)[:60]}{"…" if len(str(missing)) > 60 else ""}" cannot be read: '
        "No such file or directory; name a YAML file that can be"
    )
    assert "cannot be read: Is a directory" in refusal(tmp_path)
    assert '"" cannot be read: No such file or directory' in refusal("")
    assert r'"a\x00b" cannot be read: embedded null byte' in refusal("a\0b")
    assert r'"\ud800" cannot be read' in refusal("\ud800")
    assert "cannot be read: File name too long" in refusal("x" * 5000)


def test_a_default_file_that_is_there_and_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    assert faults(A_DEVICE, files=[tmp_path])[0].endswith(
        "cannot be read: Is a directory; name a YAML file that can be"
    )


def test_a_config_map_is_read_through_its_links(tmp_path: Path) -> None:
    (tmp_path / "..data_1").mkdir()
    (tmp_path / "..data_1" / "config.yaml").write_text(DEVICES)
    os.symlink("..data_1", tmp_path / "..data")
    os.symlink("..data/config.yaml", tmp_path / "config.yaml")
    assert settled(files=[tmp_path / "config.yaml"]).resources


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.one_of(st.binary(max_size=60), st.text("{}[]:,-&*!\"'\n\t devicslogw", max_size=40).map(str.encode)),
    flags=st.lists(st.tuples(st.sampled_from([DEVICE, CONFIG, *SETTINGS]), st.text(max_size=12)), max_size=3),
)
def test_whatever_is_given_nothing_but_a_config_error_comes_out(
    file: Path, data: bytes, flags: list[tuple[Option[Any], str]]
) -> None:
    file.write_bytes(data)
    result = outcome([from_flag(option, text) for option, text in flags], file)
    if isinstance(result, ConfigError):
        assert result.faults
        assert all(str(fault).isprintable() for fault in result)
    else:
        assert result.resources


def outcome(several: list[Given], file: Path) -> Settings | ConfigError:
    try:
        return settled(*several, files=[file])
    except ConfigError as error:
        return error
