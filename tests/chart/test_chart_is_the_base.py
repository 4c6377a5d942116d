"""The chart describes what the kustomizations do: with default values the base, with a file of values each overlay."""

import json
from typing import Any

import pytest
import yaml

from tests.lab.helm import VALUES, of_file, rendered
from tests.lab.kustomize import OVERLAYS, VARIANTS, Resource, built

OF_HELM = ("app.kubernetes.io/instance", "app.kubernetes.io/version", "app.kubernetes.io/managed-by", "helm.sh/chart")
"""Helm's own labels, by which it knows what belongs to a release."""
BY_KEY = {"volumes": "name", "volumeMounts": "mountPath", "env": "name"}
"""Lists whose order says nothing, and what their items are known by."""


def without_helms_labels(value: Any) -> Any:
    """The same, without labels and selectors of Helm; and what may be in any order, in one."""
    if isinstance(value, list):
        return [without_helms_labels(item) for item in value]
    if not isinstance(value, dict):
        return value
    found = {key: without_helms_labels(item) for key, item in value.items() if key not in OF_HELM and item is not None}
    for name in BY_KEY.keys() & found.keys():
        found[name] = sorted(found[name], key=lambda item, name=name: item[BY_KEY[name]])  # type: ignore[misc]
    return found


def comparable(resources: list[Resource]) -> dict[tuple[str, str, str], Resource]:
    """The resources, by kind, namespace and name; files of ConfigMaps as what they say."""
    found = {}
    for resource in resources:
        if resource["kind"] == "ConfigMap":
            resource["data"] = {
                name: json.loads(text) if name.endswith(".json") else yaml.safe_load(text)
                for name, text in resource["data"].items()
            }
        metadata = resource["metadata"]
        found[resource["kind"], metadata["namespace"], metadata["name"]] = without_helms_labels(resource)
    assert len(found) == len(resources)
    return found


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_chart_is_the_kustomization_but_for_helms_labels(variant: str, version: str) -> None:
    values = () if variant == "base" else of_file(variant.removeprefix("overlays/"))
    assert comparable(rendered(version, *values)) == comparable(built(variant))


def test_every_overlay_has_its_file_of_values() -> None:
    assert {*OVERLAYS} <= VALUES.keys()


def test_every_object_has_helms_labels_and_a_pod_is_of_one_release(version: str) -> None:
    resources = rendered(version, *of_file("all"))
    assert all({*OF_HELM} <= resource["metadata"]["labels"].keys() for resource in resources)
    (daemon_set,) = (resource for resource in resources if resource["kind"] == "DaemonSet")
    labels = daemon_set["spec"]["template"]["metadata"]["labels"]
    assert daemon_set["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert labels["app.kubernetes.io/instance"] == "udev-device-plugin"
