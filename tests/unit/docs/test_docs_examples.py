"""What the documents show as an example is right: the program itself reads it."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lab.documents import FOR_USERS, ROOT, Block, blocks, rows
from tests.lab.help import comparable, embedded, help_text
from udev_device_plugin.app.cli import main
from udev_device_plugin.config.loader import load
from udev_device_plugin.config.settings import Settings
from udev_device_plugin.errors import ConfigError


def _is_of_kubernetes(content: Any) -> bool:
    return isinstance(content, dict) and bool({"apiVersion", "resources", "spec"} & content.keys())


BLOCKS = [block for document in FOR_USERS for block in blocks(document)]
YAML = [block for block in BLOCKS if block.kind == "yaml"]
OF_KUBERNETES = [block for block in YAML if _is_of_kubernetes(yaml.safe_load(block.text))]
EXAMPLES = [block for block in YAML if block not in OF_KUBERNETES]
REFUSED = [block for block in BLOCKS if block.kind == "yaml refused"]
COMMANDS = [
    line
    for block in BLOCKS
    if block.kind == "sh"
    for line in block.text.replace("\\\n", " ").splitlines()
    if line.startswith("udev-device-plugin ")
]


def _load(block: Block, folder: Path) -> Settings:
    """As a spec, or a list of them, or a file."""
    content = yaml.safe_load(block.text)
    if isinstance(content, list) or {"groups", "paths"} & content.keys():
        return load(["--device", block.text], {}, default_files=())
    file = folder / "config.yaml"
    file.write_text(block.text)
    return load(["--config", str(file)], {}, default_files=())


@pytest.mark.parametrize("block", EXAMPLES, ids=map(str, EXAMPLES))
def test_an_example_is_a_configuration_without_faults_or_warnings(block: Block, tmp_path: Path) -> None:
    settings = _load(block, tmp_path)
    assert settings.resources
    assert settings.warnings == ()


def test_an_example_of_a_pod_asks_for_a_resource_and_names_its_variable() -> None:
    (block,) = OF_KUBERNETES
    ((resource, number),) = yaml.safe_load(block.text)["resources"]["limits"].items()
    assert (resource, number) == ("squat.ai/serial", 1)
    assert "$UDEV_RESOURCE_SQUAT_AI_SERIAL" in block.text


@pytest.mark.parametrize("block", REFUSED, ids=map(str, REFUSED))
def test_what_is_refused_is_refused_in_these_words(block: Block, tmp_path: Path) -> None:
    said = BLOCKS[BLOCKS.index(block) + 1]
    assert said.kind == "text"
    with pytest.raises(ConfigError) as caught:
        _load(block, tmp_path)
    assert [str(fault).replace(f"{tmp_path}/", "") for fault in caught.value] == said.text.splitlines()


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_does_what_it_is_shown_for(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.yaml").write_text("devices: [{type: a, paths: [/dev/a]}]\n")
    monkeypatch.chdir(tmp_path)
    assert main(shlex.split(line, comments=True)[1:], {}, run=lambda _: 0) == 0


SPECS_OF_THE_ORIGIN = [
    (spec, here)
    for cell, here in rows(ROOT / "docs/migrating.md", "the origin's")
    for spec in re.findall(r"`([^`]+)`", cell)
    if spec.startswith(("{", "serial,"))
]


@pytest.mark.parametrize(("spec", "here"), SPECS_OF_THE_ORIGIN)
def test_what_is_said_of_the_origins_specs_is_so(spec: str, here: str) -> None:
    if not here.startswith("refused"):
        assert load(["--device", spec], {}, default_files=()).resources
        return
    with pytest.raises(ConfigError):
        load(["--device", spec], {}, default_files=())
    (instead,) = re.findall(r"`([^`]+)`", here)
    assert load(["--device", instead], {}, default_files=()).resources


@pytest.mark.parametrize(
    ("path", "said"),
    [('{"path": " /dev/fuse"}', "it is not an absolute path"), ('{"mountpath": "/dev/x"}', "did you mean mountPath?")],
    ids=["spaces", "another case"],
)
def test_what_the_origin_would_let_pass_is_refused(path: str, said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        load(["--device", f'{{"name": "fuse", "groups": [{{"paths": [{path}]}}]}}'], {}, default_files=())


def test_the_readme_has_the_help_of_this_program() -> None:
    assert comparable(embedded()) == comparable(help_text()), "run: .venv/bin/python -m hack.embed_help"


def test_the_specs_in_the_help_are_right() -> None:
    specs = re.findall(r"^  (\{.*?\})\n      [A-Z]", help_text(), re.MULTILINE | re.DOTALL)
    assert [load(["--device", spec], {}, default_files=()).resources[0].resource for spec in specs] == [
        "squat.ai/serial",
        "squat.ai/capture",
        "squat.ai/modem",
        "squat.ai/scanner",
        "squat.ai/lidar",
    ]
