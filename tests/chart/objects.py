"""What is in the objects that Helm makes of the chart, and what the program makes of it."""

import tempfile
from typing import Any

from tests.lab.kustomize import Resource, of_kind
from udev_device_plugin.config.loader import load
from udev_device_plugin.config.settings import Settings


def pod(resources: list[Resource]) -> dict[str, Any]:
    """The plugin's pod spec."""
    (daemon_set,) = of_kind("DaemonSet", resources)
    spec: dict[str, Any] = daemon_set["spec"]["template"]["spec"]
    return spec


def container(resources: list[Resource]) -> dict[str, Any]:
    (found,) = pod(resources)["containers"]
    assert isinstance(found, dict)
    return found


def config(resources: list[Resource]) -> str:
    """The file that the container finds."""
    (name,) = (volume["configMap"]["name"] for volume in pod(resources)["volumes"] if "configMap" in volume)
    (config_map,) = (one for one in of_kind("ConfigMap", resources) if one["metadata"]["name"] == name)
    return str(config_map["data"]["config.yaml"])


def settings(resources: list[Resource]) -> Settings:
    """What the program makes of its file, arguments and environment."""
    *given, named = container(resources)["args"]
    assert named == "--config=/etc/udev-device-plugin/config.yaml"
    environment = {entry["name"]: entry["value"] for entry in container(resources).get("env", ())}
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(config(resources))
        file.flush()
        return load([*given, f"--config={file.name}"], environment, default_files=())
