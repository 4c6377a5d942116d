"""The archive of a release: Helm takes it, and it is of the release's version."""

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.lab.documents import ROOT
from tests.lab.helm import RELEASE, helm, rendered


def archive(version: str, folder: Path) -> Path:
    """What `hack/chart-archive` makes."""
    folder.mkdir()
    command = [str(ROOT / "hack/chart-archive"), version, str(folder)]
    return folder / subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()


@pytest.mark.parametrize(
    ("program", "chart", "tag"),
    [
        ("1.2.3", "1.2.3", "1.2.3"),
        ("1.2.0rc1", "1.2.0-rc1", "1.2.0rc1"),
        ("0.1.0.dev5+g01234567.dirty", "0.1.0-dev5+g01234567.dirty", "0.1.0.dev5-g01234567.dirty"),
    ],
)
def test_helm_takes_it_and_knows_its_version(program: str, chart: str, tag: str, version: str, tmp_path: Path) -> None:
    path = archive(program, tmp_path / "dist")
    assert path.name == f"udev-device-plugin-{chart}.tgz"
    assert yaml.safe_load(helm(version, "show", "chart", str(path)))["version"] == chart
    helm(version, "lint", "--strict", str(path))
    name, namespace = RELEASE
    text = helm(version, "template", name, str(path), "--namespace", namespace)
    (daemon_set,) = (one for one in yaml.safe_load_all(text) if one and one["kind"] == "DaemonSet")
    assert daemon_set["spec"]["template"]["spec"]["containers"][0]["image"] == f"udev-device-plugin:{tag}"
    assert len([one for one in yaml.safe_load_all(text) if one]) == len(rendered(version))


def test_the_same_commit_makes_the_same_archive(tmp_path: Path) -> None:
    first, second = (archive("1.2.3", tmp_path / name) for name in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()
