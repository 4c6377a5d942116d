"""The program understands what the manifests tell it, and they agree with each other."""

import tempfile
from pathlib import Path

import pytest

from tests.lab.kustomize import (
    EXAMPLES,
    VARIANTS,
    built,
    container,
    daemonset,
    documents,
    environment,
    mounts,
    of_kind,
    pod,
    read,
)
from udev_device_plugin.config.loader import load
from udev_device_plugin.config.settings import Settings

CONFIG = "--config=/etc/udev-device-plugin/config.yaml"
DEFAULT = {"squat.ai/serial", "squat.ai/video", "squat.ai/fuse", "squat.ai/audio", "squat.ai/capture"}
PORT = 19414


def _config(variant: str) -> str:
    """The file that the container finds, out of the ConfigMap that is mounted where its arguments say."""
    assert CONFIG in container(variant)["args"]
    ((name, mount),) = (
        (volume["configMap"]["name"], mount) for mount, volume in mounts(variant) if "configMap" in volume
    )
    assert mount["mountPath"] == "/etc/udev-device-plugin"
    assert "subPath" not in mount  # which would never change in a running pod
    (config_map,) = (one for one in of_kind("ConfigMap", built(variant)) if one["metadata"]["name"] == name)
    (text,) = config_map["data"].values()
    assert config_map["data"] == {"config.yaml": text}
    return str(text)


def _settings(variant: str) -> Settings:
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(_config(variant))
        file.flush()
        arguments = [
            f"--config={file.name}" if argument == CONFIG else argument for argument in container(variant)["args"]
        ]
        return load(arguments, environment(variant), default_files=())


def _resources(settings: Settings) -> set[str]:
    return {resource.resource for resource in settings.resources}


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_arguments_are_a_configuration_without_faults_or_warnings(variant: str) -> None:
    settings = _settings(variant)
    assert settings.resources
    assert settings.warnings == ()


def test_the_default_offers_the_usual_devices() -> None:
    assert _resources(_settings("base")) == DEFAULT


def test_fuse_is_for_ten() -> None:
    (fuse,) = (spec for spec in _settings("base").resources if spec.resource == "squat.ai/fuse")
    assert [(group.count, str(group.paths[0].selector)) for group in fuse.groups] == [(10, "/dev/fuse")]


@pytest.mark.parametrize("variant", VARIANTS)
def test_it_listens_where_the_probes_and_everybody_else_look(variant: str) -> None:
    listen = _settings(variant).listen
    assert listen is not None
    (port,) = container(variant)["ports"]
    assert (listen.port, port["containerPort"], port["name"]) == (PORT, PORT, "http")
    has_host_network = pod(variant).get("hostNetwork", False)
    assert port.get("hostPort") == (PORT if has_host_network else None)
    for probe, path in (("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
        assert container(variant)[probe]["httpGet"] == {"path": path, "port": "http"}


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_rollout_does_not_wait_long_for_the_probe_after_the_one_that_comes_too_early(variant: str) -> None:
    assert container(variant)["readinessProbe"]["periodSeconds"] <= 2


def test_the_port_is_neither_a_node_port_nor_one_of_outgoing_connections() -> None:
    assert 1024 < PORT < 30000


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_kubelets_directories_are_those_that_are_mounted(variant: str) -> None:
    settings = _settings(variant)
    paths = {volume["name"]: mount["mountPath"] for mount, volume in mounts(variant)}
    assert settings.plugin_directory == paths["device-plugins"] + "/"
    assert settings.pod_resources_socket == paths["pod-resources"] + "/kubelet.sock"


@pytest.mark.parametrize(
    ("overlay", "plugins", "root"),
    [
        ("kubelet-directory-k0s", "/var/lib/kubelet", "/var/lib/k0s/kubelet"),
        ("k0s-with-everything", "/var/lib/kubelet", "/var/lib/k0s/kubelet"),
        ("kubelet-directory-microk8s", *["/var/snap/microk8s/common/var/lib/kubelet"] * 2),
    ],
)
def test_an_overlay_names_the_kubelets_directories(overlay: str, plugins: str, root: str) -> None:
    """The plugins' is a constant of the kubelet (kubernetes/kubernetes#120626), the other follows its --root-dir."""
    settings = _settings(f"overlays/{overlay}")
    assert settings.plugin_directory == f"{plugins}/device-plugins/"
    assert settings.pod_resources_socket == f"{root}/pod-resources/kubelet.sock"


@pytest.mark.parametrize(
    ("variant", "folder"),
    [("base", "base"), ("overlays/monitoring", "base")]
    + [(f"overlays/{name}", "components/own-configuration") for name in ("own-configuration", "k0s-with-everything")],
)
def test_the_config_map_has_the_file_with_its_comments(variant: str, folder: str) -> None:
    assert _config(variant) == read(folder, "config.yaml")


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_image_has_a_tag_of_its_own(variant: str) -> None:
    assert container(variant)["image"] == "udev-device-plugin:latest"
    assert container(variant)["imagePullPolicy"] == "IfNotPresent"
    assert daemonset(variant)["kind"] == "DaemonSet"


def _asked_for(example: str) -> set[str]:
    specs = [
        resource["spec"]["template"]["spec"] if resource["kind"] == "Deployment" else resource["spec"]
        for resource in documents("examples", example)
        if resource["kind"] != "ConfigMap"
    ]
    return {name for spec in specs for one in spec["containers"] for name in one["resources"]["limits"]}


@pytest.mark.parametrize("example", [example for example in EXAMPLES if example != "modem.yaml"])
def test_an_example_asks_for_what_the_default_offers(example: str) -> None:
    assert _asked_for(example) <= DEFAULT


def test_the_modems_configuration_offers_what_its_pod_asks_for(tmp_path: Path) -> None:
    (config_map,) = of_kind("ConfigMap", documents("examples", "modem.yaml"))
    file = f"{tmp_path}/config.yaml"
    with open(file, "w") as out:
        out.write(config_map["data"]["config.yaml"])
    assert _resources(load(["--config", file], {})) == _asked_for("modem.yaml")
