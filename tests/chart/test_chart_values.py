"""What single values do, and which are refused."""

import json
import os
import re
from pathlib import Path

import pytest
import yaml

from tests.chart.objects import config, container, pod, settings
from tests.lab.documents import ROOT, rows
from tests.lab.helm import CHART, EXAMPLES, HelmError, helm, rendered
from tests.lab.kustomize import Resource, of_kind
from tests.lab.origin import MANIFEST
from udev_device_plugin.config.loader import load

REFUSED = {
    "an unknown value": ("replicas: 2", "additional properties 'replicas' not allowed"),
    "an unknown value in a group": ("image: {name: x}", "additional properties 'name' not allowed"),
    "an unknown setting": ("settings: {loglevel: info}", "additional properties 'loglevel' not allowed"),
    "a setting that has a value of its own": ("settings: {listen: ':1'}", "additional properties 'listen' not allowed"),
    "no such choice": ("settings: {logLevel: loud}", "value must be one of 'all', 'debug'"),
    "a truth instead of a text": ("settings: {status: off}", "value must be one of 'local'"),
    "a number instead of a duration": ("settings: {rescanInterval: 300}", "at '/settings/rescanInterval'"),
    "no devices": ("devices: []", "at '/devices': minItems: got 0, want 1"),
    "devices removed": ("devices: null", "missing property 'devices'"),
    "devices that are no list": ("devices: {name: a}", "at '/devices': got object, want array"),
    "an unknown key": ("devices: [{name: a, groups: [{path: [/dev/x]}]}]", "additional properties 'path' not allowed"),
    "a bad name": ("devices: [{name: A_b, groups: [{paths: [/dev/x]}]}]", "'A_b' does not match pattern"),
    "a relative path": ("devices: [{type: a, paths: [dev/x]}]", "'dev/x' does not match pattern '^/'"),
    "a path that leads back up": ("devices: [{type: a, paths: [/dev/../x]}]", "at '/devices/0/paths/0': 'not' failed"),
    "bad permissions": (
        "devices: [{name: a, groups: [{paths: [{path: /dev/x, permissions: rr}]}]}]",
        "at '/devices/0/groups/0/paths/0/permissions': value must be one of 'm', 'r', 'w'",
    ),
    "a vendor that Helm has read as a number": (
        "devices: [{name: a, groups: [{usb: [{vendor: 0403, product: '6001'}]}]}]",
        "at '/devices/0/groups/0/usb/0/vendor': got number, want string",
    ),
    "a serial number that Helm has read as a number": (
        "devices: [{name: a, groups: [{usb: [{vendor: '0403', product: '6001', serial: 0001}]}]}]",
        "at '/devices/0/groups/0/usb/0/serial': got number, want",
    ),
    "a listen address without a port": ("listen: 127.0.0.1", "at '/listen': '127.0.0.1' does not match pattern"),
    "a directory with a slash at its end": ("kubelet: {pluginDirectory: /var/lib/x/}", "does not match pattern"),
    "a wrong digest": ("image: {digest: '0123'}", "at '/image/digest': '0123' does not match pattern"),
    "no such policy": ("image: {pullPolicy: Sometimes}", "at '/image/pullPolicy': value must be one of 'Always'"),
    "one toleration instead of a list": ("tolerations: {operator: Exists}", "got object, want array"),
    "a host that a network of its own has not": ("{listen: '127.0.0.1:9100', hostNetwork: false}", "use :PORT"),
    "a PodMonitor without metrics": ("{listen: '', podMonitor: {enabled: true}}", "so there are no metrics"),
    "a ServiceMonitor without metrics": ("{listen: '', serviceMonitor: {enabled: true}}", "so there are no metrics"),
    "a label that is no text": ("nodeSelector: {usb: true}", "at '/nodeSelector/usb': got boolean, want string"),
}


@pytest.mark.parametrize(("text", "said"), REFUSED.values(), ids=REFUSED)
def test_wrong_values_are_refused_before_anything_is_installed(
    text: str, said: str, version: str, tmp_path: Path
) -> None:
    with pytest.raises(HelmError) as caught:
        rendered(version, *values(text, tmp_path))
    assert said in str(caught.value)


def values(text: str, folder: Path) -> tuple[str, ...]:
    """The arguments for these values."""
    file = folder / "values.yaml"
    file.write_text(text)
    return ("--values", str(file))


def changed(before: list[Resource], after: list[Resource]) -> list[str]:
    """The kinds of what is not as it was."""
    return [old["kind"] for old, new in zip(before, after, strict=True) if old != new]


@pytest.mark.parametrize(
    "text",
    [
        "devices: [{type: a, paths: [/dev/x]}]",
        "settings: {domain: example.com, logLevel: debug, removalGracePeriod: 0}",
    ],
)
def test_what_the_program_takes_over_changes_the_config_map_alone(text: str, version: str, tmp_path: Path) -> None:
    assert changed(rendered(version), rendered(version, *values(text, tmp_path))) == ["ConfigMap"]


@pytest.mark.parametrize("text", ["settings: {logFormat: text}", "settings: {status: any}", "listen: ':9100'"])
def test_what_counts_at_a_start_replaces_the_pods(text: str, version: str, tmp_path: Path) -> None:
    assert changed(rendered(version), rendered(version, *values(text, tmp_path))) == ["DaemonSet"]


@pytest.mark.parametrize(
    ("listen", "port", "host"),
    [(":9100", 9100, None), ("0.0.0.0:9100", 9100, None), ("127.0.0.1:9100", 9100, "127.0.0.1"), ("[::1]:1", 1, "::1")],
)
def test_probes_ask_where_it_listens(listen: str, port: int, host: str | None, version: str, tmp_path: Path) -> None:
    found = container(rendered(version, *values(f"listen: '{listen}'", tmp_path)))
    assert f"--listen={listen}" in found["args"]
    assert found["ports"] == [{"name": "http", "containerPort": port, "hostPort": port}]
    for probe in ("livenessProbe", "readinessProbe"):
        assert found[probe]["httpGet"].get("host") == host
        assert found[probe]["httpGet"]["port"] == "http"


def test_what_does_not_listen_has_neither_ports_nor_probes(version: str, tmp_path: Path) -> None:
    found = container(rendered(version, *values("listen: ''", tmp_path)))
    assert "--listen=" in found["args"]
    assert not {"ports", "livenessProbe", "readinessProbe"} & found.keys()


DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("image", "is_it"),
    [
        ("{}", "udev-device-plugin:latest"),
        ("{repository: registry.example/plugin}", "registry.example/plugin:latest"),
        ("{tag: 1.0.0}", "udev-device-plugin:1.0.0"),
        (f"{{digest: '{DIGEST}'}}", f"udev-device-plugin@{DIGEST}"),
        (f"{{tag: 1.0.0, digest: '{DIGEST}'}}", f"udev-device-plugin:1.0.0@{DIGEST}"),
    ],
)
def test_the_image_is_the_one_of_the_values(image: str, is_it: str, version: str, tmp_path: Path) -> None:
    assert container(rendered(version, *values(f"image: {image}", tmp_path)))["image"] == is_it


def test_alerts_are_about_the_releases_own_daemon_set(version: str) -> None:
    text = helm(version, "template", "plugs", CHART, "--namespace", "devices", "--set", "alerts.enabled=true")
    assert 'daemonset="plugs-udev-device-plugin"' in text
    assert "kubectl --namespace devices get pods" in text
    assert "{{ $labels.node }}" in text


@pytest.mark.parametrize(
    ("release", "name"), [("plugin", "plugin-udev-device-plugin"), ("my-udev-device-plugin", "my-udev-device-plugin")]
)
def test_objects_are_named_after_the_release(release: str, name: str, version: str) -> None:
    resources = list(yaml.safe_load_all(helm(version, "template", release, CHART)))
    assert {resource["metadata"]["name"] for resource in resources if resource} == {name, f"{name}-config"}


def test_the_notes_say_what_to_look_at_next() -> None:
    version = "helm4"  # Helm 3 shows them to a cluster only
    dry_run = ("install", "--dry-run=client", "plugs", CHART, "--namespace", "devices")
    _, _, notes = helm(version, *dry_run, "--set", "settings.domain=example.com").partition("NOTES:")
    assert "kubectl --namespace devices rollout status daemonset/plugs-udev-device-plugin" in notes
    assert "example.com/serial: 1" in notes
    assert "http://localhost:19414" in notes
    assert "The image has no registry in its name" in notes
    _, _, notes = helm(version, *dry_run, "--set", "listen=,image.repository=registry.example/x").partition("NOTES:")
    assert "localhost" not in notes
    assert "no registry" not in notes


def test_two_kinds_of_nodes_have_a_release_each_and_no_node_has_both(version: str) -> None:
    releases = []
    for name, file in EXAMPLES.items():
        text = helm(version, "template", name, CHART, "--namespace", "kube-system", "--values", file)
        releases.append([resource for resource in yaml.safe_load_all(text) if resource])
    names = [{(resource["kind"], resource["metadata"]["name"]) for resource in release} for release in releases]
    assert not names[0] & names[1]
    selectors, labels, nodes = [], [], []
    for release in releases:
        (daemon_set,) = of_kind("DaemonSet", release)
        selectors.append(daemon_set["spec"]["selector"]["matchLabels"])
        labels.append(daemon_set["spec"]["template"]["metadata"]["labels"])
        nodes.append(pod(release)["nodeSelector"])
    assert selectors[0].items() <= labels[0].items()
    assert not selectors[0].items() <= labels[1].items()
    assert any(nodes[0][key] != nodes[1][key] for key in nodes[0].keys() & nodes[1].keys())
    offered = [{spec["name"] for spec in yaml.safe_load(config(release))["devices"]} for release in releases]
    assert offered == [{"zigbee", "modem"}, {"scanner", "video"}]


def exists(name: str) -> bool:
    """Whether the chart has such a value."""
    with open(os.path.join(CHART, "values.schema.json")) as file:
        schema = json.load(file)
    for key in name.split("."):
        schema = schema.get("properties", {}).get(key)
        if schema is None:
            return False
    return True


MOVED = [cell for _, cell, _ in rows(ROOT / "docs/migrating.md", "a community chart's values")]


def test_what_values_of_other_charts_become_are_values_of_this_one() -> None:
    named = [name for cell in MOVED for name in re.findall(r"`([\w.]+)`", cell)]
    assert len(named) > 10
    assert [name for name in named if not exists(name)] == []


def test_who_comes_from_the_origin_moves_with_one_file_of_values(version: str, tmp_path: Path) -> None:
    specs = [yaml.safe_load(argument) for argument in MANIFEST if argument != "--device"]
    moved = json.dumps({"devices": specs, "settings": {"domain": "devic.es"}})
    found = settings(rendered(version, *values(moved, tmp_path)))
    assert found.resources == load([*MANIFEST, "--domain=devic.es"], {}, default_files=()).resources
