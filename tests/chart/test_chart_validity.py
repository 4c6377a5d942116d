"""The API server would accept what Helm makes of the chart, and the program understands it."""

import json
from collections.abc import Iterator
from pathlib import Path

import kubernetes_validate
import pytest

from tests.chart.objects import container, settings
from tests.lab.helm import CHART, VALUES, HelmError, helm, of_file, rendered
from udev_device_plugin.config.settings import LogFormat, LogLevel

VERSIONS = ("1.28", "1.30", "1.34", "1.36")
OF_THE_PROMETHEUS_OPERATOR = ("PodMonitor", "ServiceMonitor", "PrometheusRule")
WITHOUT_A_FILE = "default"

every_file = pytest.mark.parametrize("values", [WITHOUT_A_FILE, *sorted(VALUES)])


def arguments(values: str) -> tuple[str, ...]:
    return () if values == WITHOUT_A_FILE else of_file(values)


@every_file
def test_helms_own_checks_have_nothing_to_say(values: str, version: str) -> None:
    assert "[WARNING]" not in helm(version, "lint", "--strict", CHART, *arguments(values))


@pytest.mark.parametrize("kubernetes", VERSIONS)
@every_file
def test_all_objects_are_valid(values: str, kubernetes: str, version: str) -> None:
    resources = rendered(version, *arguments(values), "--kube-version", kubernetes)
    for resource in resources:
        if resource["kind"] not in OF_THE_PROMETHEUS_OPERATOR:
            kubernetes_validate.validate(resource, kubernetes, strict=True)


def single_values() -> Iterator[tuple[tuple[str, ...], bool]]:
    """The names of each, with whether it must not be missing."""
    with open(f"{CHART}/values.schema.json") as file:
        root = json.load(file)
    for key, value in root["properties"].items():
        if "required" in value:
            yield from (((key, name), name in value["required"]) for name in value["properties"])
        elif key != "global":
            yield (key,), key in root["required"]


@pytest.mark.parametrize(("names", "is_wanted"), [*single_values()], ids=str)
def test_a_value_that_is_taken_away_is_refused_or_done_without(
    names: tuple[str, ...], is_wanted: bool, version: str, tmp_path: Path
) -> None:
    file = tmp_path / "values.yaml"
    file.write_text("".join(f"{' ' * depth}{name}:\n" for depth, name in enumerate(names)))
    arguments = (*of_file("all"), "--values", str(file))
    if is_wanted:
        with pytest.raises(HelmError, match=f"missing property '{names[-1]}'"):
            rendered(version, *arguments)
        return
    for resource in rendered(version, *arguments):
        if resource["kind"] not in OF_THE_PROMETHEUS_OPERATOR:
            kubernetes_validate.validate(resource, VERSIONS[-1], strict=True)
    assert settings(rendered(version, *arguments)).resources


def test_a_cluster_that_is_too_old_is_refused(version: str) -> None:
    with pytest.raises(HelmError, match=r"chart requires kubeVersion: >=1\.28"):
        rendered(version, "--kube-version", "1.27")


@every_file
def test_the_program_takes_its_configuration_without_faults_or_warnings(values: str, version: str) -> None:
    found = settings(rendered(version, *arguments(values)))
    assert found.resources
    assert found.warnings == ()


def test_each_setting_reaches_the_program(version: str) -> None:
    resources = rendered(version, *of_file("all"))
    found = settings(resources)
    assert {spec.resource for spec in found.resources} == {"example.com/scanner", "example.com/serial"}
    assert found.listen
    assert (found.listen.host, found.listen.port) == ("127.0.0.1", 9100)
    assert (found.log_level, found.log_format) == (LogLevel.DEBUG, LogFormat.TEXT)
    assert (found.removal_grace_period, found.rescan_interval) == (0, 3600)
    mounts = {mount["name"]: mount["mountPath"] for mount in container(resources)["volumeMounts"]}
    assert found.plugin_directory == mounts["device-plugins"] + "/" == "/var/lib/other/device-plugins/"
    assert found.pod_resources_socket == mounts["pod-resources"] + "/kubelet.sock"


ODD = [
    "0403",
    "1e10",
    "0x1f",
    "on",
    "~",
    "null",
    "1:30",
    "2026-11-30",
    " x ",
    "a: b # c",
    '"',
    "'",
    "\\",
    "ä\n{{ . }}",
    "=",
    ".",
]


@pytest.mark.parametrize("text", ODD)
def test_texts_reach_the_program_as_they_were_written(text: str, version: str, tmp_path: Path) -> None:
    entry = {"vendor": "0403", "product": "6001", "serial": text}
    devices = [{"name": "a", "groups": [{"count": 10000, "usb": [entry]}]}]
    file = tmp_path / "values.yaml"
    file.write_text(json.dumps({"devices": devices}))
    resources = rendered(version, "--values", str(file))
    ((group,),) = (spec.groups for spec in settings(resources).resources)
    assert group.count == 10000
    assert group.paths[0].selector.serial == text  # type: ignore[attr-defined]
