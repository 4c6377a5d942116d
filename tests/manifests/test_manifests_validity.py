"""The API server would accept everything, and what an `apply` of the one file gives is the base."""

import json
import os
import subprocess
import sys

import kubernetes_validate
import pytest

from tests.lab.kustomize import (
    EXAMPLES,
    MANIFESTS,
    ONE_FILE,
    VARIANTS,
    Resource,
    built,
    documents,
    of_kind,
    read,
)

VERSIONS = [f"1.{minor}" for minor in range(28, 37)]
OF_THE_PROMETHEUS_OPERATOR = ("PodMonitor", "PrometheusRule")
GENERATOR = os.path.join(MANIFESTS, "..", "hack", "generate_manifest.py")


@pytest.mark.parametrize("version", VERSIONS)
def test_the_schemas_are_those_of_this_version(version: str) -> None:
    assert version in [
        kubernetes_validate.utils.major_minor(known) for known in kubernetes_validate.utils.all_versions()
    ]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_a_variant_is_valid(variant: str, version: str) -> None:
    for resource in built(variant):
        if resource["kind"] not in OF_THE_PROMETHEUS_OPERATOR:
            kubernetes_validate.validate(resource, version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_valid(example: str, version: str) -> None:
    for resource in documents("examples", example):
        kubernetes_validate.validate(resource, version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_key_that_does_not_exist_is_not_valid(version: str) -> None:
    (resource,) = of_kind("DaemonSet", built("base"))
    resource["spec"]["template"]["spec"]["hostNetworks"] = True
    with pytest.raises(kubernetes_validate.ValidationError, match="hostNetworks"):
        kubernetes_validate.validate(resource, version, strict=True)


def test_the_one_file_is_the_base() -> None:
    assert documents(ONE_FILE) == built("base")


def test_the_one_file_is_up_to_date_with_its_comments() -> None:
    said = subprocess.run([sys.executable, GENERATOR, "--check"], check=False, stdout=subprocess.PIPE, text=True)
    assert (said.returncode, said.stdout) == (0, "")


@pytest.mark.parametrize("variant", VARIANTS)
def test_everything_is_in_one_namespace_and_labelled(variant: str) -> None:
    for resource in built(variant):
        assert resource["metadata"]["namespace"] == "kube-system"
        assert resource["metadata"]["labels"]["app.kubernetes.io/name"] == "udev-device-plugin"


@pytest.mark.parametrize("variant", [variant for variant in VARIANTS if variant != "base"])
def test_an_overlay_changes_something(variant: str) -> None:
    assert built(variant) != built("base")


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_daemonset_selects_its_own_pods(variant: str) -> None:
    for resource in of_kind("DaemonSet", built(variant)):
        wanted = resource["spec"]["selector"]["matchLabels"]
        assert wanted.items() <= resource["spec"]["template"]["metadata"]["labels"].items()


def _only(kind: str) -> Resource:
    (resource,) = of_kind(kind, built("overlays/monitoring"))
    return resource


def test_the_pod_monitor_reads_the_metrics_of_our_pods() -> None:
    spec = _only("PodMonitor")["spec"]
    template = _only("DaemonSet")["spec"]["template"]
    assert spec["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    (endpoint,) = spec["podMetricsEndpoints"]
    assert endpoint["port"] in [port["name"] for port in template["spec"]["containers"][0]["ports"]]
    assert endpoint["path"] == "/metrics"


def test_every_alert_says_what_is_wrong_and_how_bad_that_is() -> None:
    (group,) = _only("PrometheusRule")["spec"]["groups"]
    assert group["rules"]
    for rule in group["rules"]:
        assert rule["alert"].startswith("UdevDevicePlugin")
        assert rule["labels"]["severity"] in ("info", "warning", "critical")
        assert {"summary", "description"} == set(rule["annotations"])


def test_the_dashboard_is_json_with_unique_panels_that_do_not_overlap() -> None:
    config_maps = of_kind("ConfigMap", built("overlays/monitoring"))
    (config_map,) = (one for one in config_maps if "grafana_dashboard" in one["metadata"]["labels"])
    assert config_map["metadata"]["labels"]["grafana_dashboard"] == "1"
    dashboard = json.loads(config_map["data"]["udev-device-plugin.json"])
    assert dashboard == json.loads(read("components", "monitoring", "udev-device-plugin.json"))
    cells = [
        (panel["gridPos"]["x"] + x, panel["gridPos"]["y"] + y)
        for panel in dashboard["panels"]
        for x in range(panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
