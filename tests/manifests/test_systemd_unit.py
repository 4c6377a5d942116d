"""The unit, as far as systemd can judge it without running it; `hack/test systemd` runs it."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.kustomize import MANIFESTS, read
from udev_device_plugin.config.loader import load

UNIT = "udev-device-plugin.service"
PROGRAM = "/opt/udev-device-plugin/bin/udev-device-plugin"
CONFIG = "/etc/udev-device-plugin/config.yaml"
WORST_EXPOSURE = "21"  # tenths, as systemd 252 counts; it is 2.0


def _analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["systemd-analyze", "--no-pager", *arguments]
    return subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)


@pytest.fixture
def unit(tmp_path: Path) -> str:
    """The unit, with a program that exists on this machine."""
    path = tmp_path / UNIT
    path.write_text(read("systemd", UNIT).replace(PROGRAM, sys.executable))
    return str(path)


def _complaints(said: str) -> list[str]:
    """What systemd says of our unit; the machine's others are none of our business."""
    return [line for line in said.splitlines() if UNIT in line]


def test_systemd_understands_every_line(unit: str) -> None:
    assert _complaints(_analyze("verify", "--man=no", unit).stdout) == []


def test_systemd_would_complain_of_a_line_that_it_does_not_know(unit: str) -> None:
    text = Path(unit).read_text().replace("[Service]", "[Service]\nNoSuchSetting=yes")
    Path(unit).write_text(text)
    assert any("NoSuchSetting" in line for line in _complaints(_analyze("verify", "--man=no", unit).stdout))


def test_it_is_exposed_as_little_as_possible(unit: str) -> None:
    done = _analyze("security", "--offline=true", f"--threshold={WORST_EXPOSURE}", unit)
    assert done.returncode == 0, done.stdout


def _setting(name: str) -> str:
    (value,) = (line.partition("=")[2] for line in read("systemd", UNIT).splitlines() if line.startswith(f"{name}="))
    return value


def test_the_program_understands_its_arguments_and_the_example_configuration() -> None:
    program, *arguments = shlex.split(_setting("ExecStart"))
    assert program == PROGRAM
    example = f"{MANIFESTS}/components/own-configuration/config.yaml"
    settings = load([argument.replace(CONFIG, example) for argument in arguments], {}, default_files=())
    assert settings.warnings == ()
    assert _setting("ReadWritePaths") == "-" + settings.plugin_directory.rstrip("/")


def test_the_example_environment_sets_nothing_and_is_right_once_it_does() -> None:
    lines = [line for line in read("systemd", "environment").splitlines() if not line.startswith("# ")]
    assert all(line.startswith("#UDEV_DEVICE_PLUGIN_") for line in lines)
    pairs = dict(line.removeprefix("#").split("=", 1) for line in lines)
    specs = ["--device", "{type: serial, paths: [/dev/ttyUSB*]}"]
    settings = load(specs, pairs, default_files=())
    assert [resource.resource for resource in settings.resources] == ["example.com/serial"]


@pytest.mark.parametrize("hidden", ["PrivateDevices", "PrivateNetwork", "PrivateUsers"])
def test_it_sees_the_hosts_devices_and_events(hidden: str) -> None:
    assert not any(line.startswith(f"{hidden}=") for line in read("systemd", UNIT).splitlines())
