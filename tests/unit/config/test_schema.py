"""The configuration's JSON Schema: what the program takes, it takes; and what it can express, it refuses."""

import datetime
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.lab.fuzzing import TARGETS, inputs
from udev_device_plugin.app.cli import main
from udev_device_plugin.config.faults import Faults, Place
from udev_device_plugin.config.loader import settle
from udev_device_plugin.config.options import CONFIG, SETTINGS, Given
from udev_device_plugin.config.spec_parser import SPEC_KEYS
from udev_device_plugin.errors import ConfigError

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = json.loads((ROOT / "udev_device_plugin/config/schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA)

OTHER = "{type: other, paths: [/dev/null]}"


def program_takes(text: str, tmp_path: Path) -> bool:
    """Whether the program can use such a file; without devices, beside those of another source."""
    file = tmp_path / "config.yaml"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    given = [Given(CONFIG.name, Place(CONFIG.flag), str(file))]
    try:
        settle(given, Faults())
    except ConfigError as error:
        return all(fault.problem.startswith("no device to offer") for fault in error)
    return True


def schema_takes(value: object) -> bool:
    return bool(VALIDATOR.is_valid(value))


def as_json(value: Any) -> Any:
    """As an editor sees it: a date is a text."""
    if isinstance(value, dict):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_json(item) for item in value]
    return str(value) if isinstance(value, (datetime.date, bytes)) else value


def test_the_committed_schema_is_what_the_model_makes() -> None:
    command = [sys.executable, str(ROOT / "hack/generate_schema.py"), "--check"]
    outcome = subprocess.run(command, check=False, capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_the_charts_schema_and_tables_are_what_the_model_and_its_values_make() -> None:
    command = [sys.executable, "-m", "hack.generate_chart", "--check"]
    outcome = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_the_charts_tests_set_every_setting_to_another_value_than_its_default() -> None:
    chart = ROOT / "manifests/helm/udev-device-plugin"
    tried = yaml.safe_load((chart / "ci/all-values.yaml").read_text())["settings"]
    known = json.loads((chart / "values.schema.json").read_text())["properties"]["settings"]["properties"]
    assert tried.keys() == known.keys()
    assert not [name for name, value in tried.items() if value == known[name].get("default")]


def test_the_program_prints_it_whatever_is_configured(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--print-schema", "--listen", "nonsense"], {}) == 0
    assert json.loads(capsys.readouterr().out) == SCHEMA
    assert main([], {"UDEV_DEVICE_PLUGIN_PRINT_SCHEMA": "true"}) == 0
    assert json.loads(capsys.readouterr().out) == SCHEMA


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_every_setting_is_in_it_with_its_meaning() -> None:
    described = {name: value["description"] for name, value in SCHEMA["properties"].items()}
    assert {option.name: option.meaning for option in SETTINGS}.items() <= described.items()
    assert described.keys() == {"devices", "device", *(option.name for option in SETTINGS)}


def parts(schema: Any) -> Iterator[dict[str, Any]]:
    """All mappings in a schema."""
    if isinstance(schema, dict):
        yield schema
    for value in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from parts(value)


def patterns(schema: Any) -> Iterator[str]:
    """All regular expressions in a schema."""
    for part in parts(schema):
        if isinstance(pattern := part.get("pattern"), str):
            yield pattern
        yield from part.get("patternProperties", ())


@pytest.mark.parametrize(
    "path", ["udev_device_plugin/config/schema.json", "manifests/helm/udev-device-plugin/values.schema.json"]
)
def test_its_patterns_are_such_that_every_language_knows(path: str) -> None:
    """Go's regular expressions look neither ahead nor back, and remember nothing; Helm refuses such a schema."""
    found = {*patterns(json.loads((ROOT / path).read_text()))}
    assert len(found) >= 5
    assert [pattern for pattern in found if re.search(r"\(\?(?!:)|\\[1-9kpPZzAGbB]", pattern)] == []


def test_the_chart_takes_nothing_that_helm_may_have_read_as_another_text() -> None:
    """Helm parses before the program does: `0403` is 259 by then, `off` is false. Of numbers 0 alone has one text."""
    schema = json.loads((ROOT / "manifests/helm/udev-device-plugin/values.schema.json").read_text())
    texts = [part for part in parts(schema) if "string" in part.get("type", ())]
    assert len(texts) > 20
    assert not [part for part in texts if {"number", "boolean"} & {*part["type"]}]
    assert not [part for part in texts if "integer" in part["type"] and (part["minimum"], part["maximum"]) != (0, 0)]
    choices = [
        part["enum"] for part in parts(schema) if any(isinstance(choice, str) for choice in part.get("enum", ()))
    ]
    assert choices
    assert not [choice for choice in choices if any(isinstance(value, bool) for value in choice)]


def documented() -> Iterator[Any]:
    """The specs and files that the documentation shows."""
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for block in re.findall(r"^```yaml\n(.*?)^```", page.read_text(), flags=re.MULTILINE | re.DOTALL):
            for value in yaml.safe_load_all(block):
                if isinstance(value, dict) and value.keys() <= {*SPEC_KEYS}:
                    yield {"devices": [value]}
                elif isinstance(value, dict) and value.keys() & {"devices", "device"}:
                    yield value


def test_what_the_documentation_shows_is_taken() -> None:
    examples = list(documented())
    assert len(examples) >= 4
    assert [example for example in examples if not schema_takes(example)] == []


@pytest.mark.parametrize("seed", sorted((ROOT / "tests/seeds/config").iterdir()), ids=lambda seed: str(seed.name))
def test_the_seeds_that_the_program_takes_are_taken(seed: Path, tmp_path: Path) -> None:
    text = seed.read_bytes().decode("utf-8", "surrogateescape")
    if program_takes(text, tmp_path):
        assert schema_takes(as_json(yaml.safe_load(text)))


VALID = {
    "the origin's spelling": 'devices: [{"type": "serial", "count": 2, "paths": ["/dev/ttyUSB*", "/dev/ttyACM*"]}]',
    "its other name": "device: {type: serial, paths: [/dev/x]}",
    "groups": """
        devices:
          - name: capture
            groups:
              - count: 1
                paths:
                  - {path: /dev/snd/controlC0, mountPath: /dev/snd/, permissions: mrw, limit: 1, optional: false}
                  - {path: /etc/asound.conf, type: Mount, readOnly: true}
                  - /dev/video*
              - usb: [{vendor: "1a86", product: "7523", serial: "0001"}]
              - udev: ['KERNEL=="a"', {match: 'KERNEL=="b"', mountPath: /dev/b, limit: 2, optional: true}]
        """,
    "ids without quotes": "devices: {name: a, groups: [{usb: [{vendor: 0451, product: 1e10}]}]}",
    "nodes by number": "devices: {name: a, groups: [{usb: [{vendor: '1', product: 0x2, nodes: {tty: 4, net: 0}}]}]}",
    "nodes by name": "devices: {name: a, groups: [{usb: [{vendor: a, product: b, nodes: [tty], mountPath: /dev/x/}]}]}",
    "a HID interface": "devices: {name: a, groups: [{hid: [{vendor: 5e0, product: 1, usagePage: 8, mountPath: /x}]}]}",
    "exclude beside paths": "device: {type: a, paths: [/dev/x], exclude: [{path: /a}, {usb: {vendor: 1, product: b}}]}",
    "exclude beside groups": """
        device:
          name: a
          groups: [{paths: [/dev/x]}]
          exclude: [{udev: 'TAG=="a"', path: null}, {hid: {vendor: 51d, product: 2, usagePage: 84}}]
        """,
    "aliases": "device: {name: a, groups: [{usb: [{vendor: a, product: 1, aliases: [{vendor: 1, product: c}]}]}]}",
    "null is missing": "{devices: [{name: a, type: null, groups: [{count: , paths: [/dev/x], usb: }]}], domain: }",
    "settings of any kind": "{log-level: none, status: off, rescan-interval: 0, listen: '', domain: a.io, device: []}",
    "nothing": "",
}


@pytest.mark.parametrize("text", VALID.values(), ids=VALID)
def test_valid_configurations_are_taken(text: str, tmp_path: Path) -> None:
    assert program_takes(text, tmp_path)
    VALIDATOR.validate(yaml.safe_load(text))


FAULTY = {
    "unknown setting": "{loglevel: info, device: %s}",
    "unknown key of a spec": "{devices: [{type: a, paths: [/dev/x], mount: /x}]}",
    "unknown key of a group": "{devices: [{name: a, groups: [{path: [/dev/x]}]}]}",
    "unknown key of a path": "{devices: [{name: a, groups: [{paths: [{path: /dev/x, mode: r}]}]}]}",
    "unknown key of a stick": "{devices: [{name: a, groups: [{usb: [{vendor: a, product: b, port: c}]}]}]}",
    "unknown key of a rule": "{devices: [{name: a, groups: [{udev: [{match: 'KERNEL==\"a\"', type: Mount}]}]}]}",
    "no such choice": "{log-level: loud, device: %s}",
    "on is not off": "{status: on, device: %s}",
    "both names of devices": "{devices: [], device: []}",
    "no spec": "{devices: [5]}",
    "no name": "{devices: [{groups: [{paths: [/dev/x]}]}]}",
    "no paths": "{devices: [{type: a}]}",
    "type with groups": "{devices: [{type: a, groups: [{paths: [/dev/x]}]}]}",
    "name with paths": "{devices: [{name: a, paths: [/dev/x]}]}",
    "both spellings": "{devices: [{name: a, type: a, paths: [/dev/x]}]}",
    "count beside groups": "{devices: [{name: a, count: 2, groups: [{paths: [/dev/x]}]}]}",
    "bad name": "{devices: [{type: A_b, paths: [/dev/x]}]}",
    "long name": "{devices: [{type: %s, paths: [/dev/x]}]}" % ("a" * 64),
    "relative path": "{devices: [{type: a, paths: [dev/x]}]}",
    "path that leads back up": "{devices: [{type: a, paths: [/dev/../x]}]}",
    "mapping in the origin's spelling": "{devices: [{type: a, paths: [{path: /dev/x}]}]}",
    "empty list": "{devices: [{type: a, paths: []}]}",
    "no list": "{devices: [{type: a, paths: /dev/x}]}",
    "count as text": "{devices: [{type: a, count: '2', paths: [/dev/x]}]}",
    "count below 0": "{devices: [{type: a, count: -1, paths: [/dev/x]}]}",
    "count beyond use": "{devices: [{type: a, count: 10001, paths: [/dev/x]}]}",
    "count with a fraction": "{devices: [{type: a, count: 1.5, paths: [/dev/x]}]}",
    "two kinds in a group": "{devices: [{name: a, groups: [{paths: [/dev/x], udev: ['KERNEL==\"a\"']}]}]}",
    "no kind in a group": "{devices: [{name: a, groups: [{count: 1}]}]}",
    "path without path": "{devices: [{name: a, groups: [{paths: [{mountPath: /x}]}]}]}",
    "no such type": "{devices: [{name: a, groups: [{paths: [{path: /dev/x, type: Socket}]}]}]}",
    "bad permissions": "{devices: [{name: a, groups: [{paths: [{path: /dev/x, permissions: rwx}]}]}]}",
    "permissions twice": "{devices: [{name: a, groups: [{paths: [{path: /dev/x, permissions: rr}]}]}]}",
    "no permissions": "{devices: [{name: a, groups: [{paths: [{path: /dev/x, permissions: ''}]}]}]}",
    "permissions of a mount": "{devices: [{name: a, groups: [{paths: [{path: /x, type: Mount, permissions: r}]}]}]}",
    "a read-only device": "{devices: [{name: a, groups: [{paths: [{path: /dev/x, readOnly: true}]}]}]}",
    "truth as text": "{devices: [{name: a, groups: [{paths: [{path: /dev/x, optional: 'true'}]}]}]}",
    "relative mountPath": "{devices: [{name: a, groups: [{paths: [{path: /dev/x, mountPath: x}]}]}]}",
    "no vendor": "{devices: [{name: a, groups: [{usb: [{product: b}]}]}]}",
    "bad vendor": "{devices: [{name: a, groups: [{usb: [{vendor: ftdi, product: b}]}]}]}",
    "long product": "{devices: [{name: a, groups: [{usb: [{vendor: a, product: abcde}]}]}]}",
    "empty serial": "{devices: [{name: a, groups: [{usb: [{vendor: a, product: b, serial: ''}]}]}]}",
    "no nodes": "{devices: [{name: a, groups: [{usb: [{vendor: a, product: b, nodes: []}]}]}]}",
    "bad subsystem": "{devices: [{name: a, groups: [{usb: [{vendor: a, product: b, nodes: [TTY]}]}]}]}",
    "nodes as text": "{devices: [{name: a, groups: [{usb: [{vendor: a, product: b, nodes: tty}]}]}]}",
    "too many nodes": "{devices: [{name: a, groups: [{usb: [{vendor: a, product: b, nodes: {tty: 257}}]}]}]}",
    "stick at a file": "{devices: [{name: a, groups: [{usb: [{vendor: a, product: b, mountPath: /dev/x}]}]}]}",
    "bad usage page": "{devices: [{name: a, groups: [{hid: [{vendor: a, product: b, usagePage: scanner}]}]}]}",
    "nodes of a HID interface": "{devices: [{name: a, groups: [{hid: [{vendor: a, product: b, nodes: [tty]}]}]}]}",
    "exclude is no list": "{devices: [{type: a, paths: [/dev/x], exclude: {path: /dev/y}}]}",
    "nothing is excluded": "{devices: [{type: a, paths: [/dev/x], exclude: [{}]}]}",
    "two kinds in an exclusion": "{devices: [{type: a, paths: [/dev/x], exclude: [{path: /a, udev: 'TAG==\"a\"'}]}]}",
    "nodes of an exclusion": "{device: {type: a, paths: [/x], exclude: [{usb: {vendor: a, product: b, nodes: [c]}}]}}",
    "aliases and a serial number": (
        "{device: {name: a, groups: [{usb: [{vendor: a, product: b, serial: c, aliases: [{vendor: c, product: d}]}]}]}}"
    ),
    "an alias without product": "device: {name: a, groups: [{usb: [{vendor: a, product: b, aliases: [{vendor: c}]}]}]}",
    "no alias": "{device: {name: a, groups: [{usb: [{vendor: a, product: b, aliases: []}]}]}}",
    "no match": "{devices: [{name: a, groups: [{udev: [{mountPath: /x}]}]}]}",
    "empty match": "{devices: [{name: a, groups: [{udev: ['']}]}]}",
    "a list": "[]",
}


@pytest.mark.parametrize("text", FAULTY.values(), ids=FAULTY)
def test_faults_that_a_schema_can_express_are_refused(text: str, tmp_path: Path) -> None:
    text = text.replace("%s", OTHER)
    assert not program_takes(text, tmp_path)
    assert not schema_takes(yaml.safe_load(text))


def test_whatever_odd_input_the_program_takes_the_schema_takes(tmp_path: Path) -> None:
    taken = 0
    for seed in range(1500):
        text = inputs(TARGETS["config"], seed)[0].decode("utf-8", "surrogateescape")
        if not program_takes(text, tmp_path):
            continue
        try:
            value = as_json(yaml.safe_load(text))
        except ValueError:  # a tag that its value does not fit, !!int "1a86": for an editor this is no YAML
            continue
        taken += 1
        assert schema_takes(value), f"{text!r}: {next(VALIDATOR.iter_errors(value)).message}"
    assert taken >= 50
