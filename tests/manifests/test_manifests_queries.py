"""Alerts and dashboard ask for metrics that exist, with labels that they have."""

import json
import re
from collections.abc import Iterator

import pytest
from prometheus_client import generate_latest

from tests.lab.kustomize import built, of_kind, read
from udev_device_plugin.telemetry.metrics import Metrics

FROM_ELSEWHERE = ("kube_daemonset_", "process_")
BY_PROMETHEUS = {"node", "le", "container"}


def _queries() -> Iterator[str]:
    (rules,) = of_kind("PrometheusRule", built("overlays/monitoring"))
    for group in rules["spec"]["groups"]:
        yield from (rule["expr"] for rule in group["rules"])
    dashboard = json.loads(read("components", "monitoring", "udev-device-plugin.json"))
    for panel in dashboard["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["query"]["query"]


def _labels() -> dict[str, set[str]]:
    """The labels of each of our metrics, as they are exposed."""
    metrics = Metrics()
    metrics.read_from(lambda: [("squat.ai/serial", 0, 0, 0)], lambda: [("squat.ai/serial", True)])
    metrics.allocations.labels("r").inc()
    metrics.restarts.labels("r").inc()
    metrics.registrations.labels("r", "refused").inc()
    metrics.count_uevent("add")
    found: dict[str, set[str]] = {}
    for line in generate_latest(metrics.registry).decode().splitlines():
        if match := re.match(r"(\w+)(?:\{(.*)\})? ", line):
            found[match[1]] = set(re.findall(r'(\w+)="', match[2] or ""))
    return found


@pytest.mark.parametrize("query", list(_queries()))
def test_a_query_asks_for_metrics_and_labels_that_exist(query: str) -> None:
    labels = _labels()
    names = re.findall(r"\b(?:udev_device_plugin|generic_device_plugin|kube_daemonset|process)_\w+", query)
    assert names
    for name in names:
        if name.startswith(FROM_ELSEWHERE):
            continue
        assert name in labels
        asked = set(re.findall(r"(\w+)(?:=~|=)", query))
        for several in re.findall(r"by \(([^)]*)\)", query):
            asked |= set(several.split(", "))
        assert asked <= labels[name] | BY_PROMETHEUS
