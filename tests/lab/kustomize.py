"""What `kubectl` makes of the manifests: lists of resources as plain mappings, as the API server would get them."""

import functools
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import yaml

Resource = dict[str, Any]

MANIFESTS = os.path.join(os.path.dirname(__file__), "..", "..", "manifests")
ONE_FILE = "udev-device-plugin.yaml"
OVERLAYS = sorted(os.listdir(os.path.join(MANIFESTS, "overlays")))
EXAMPLES = sorted(os.listdir(os.path.join(MANIFESTS, "examples")))
VARIANTS = ("base", *(f"overlays/{overlay}" for overlay in OVERLAYS))
KUBECTL = os.path.join(os.path.dirname(sys.executable), "kubectl")


@functools.cache
def _built(variant: str) -> str:
    command = [KUBECTL, "kustomize", os.path.join(MANIFESTS, variant)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=60).stdout


def built(variant: str) -> list[Resource]:
    """What `kubectl kustomize` makes of the base or an overlay."""
    return list(yaml.safe_load_all(_built(variant)))


def read(*path: str) -> str:
    with open(os.path.join(MANIFESTS, *path)) as file:
        return file.read()


def documents(*path: str) -> list[Resource]:
    """The resources of a file."""
    return list(yaml.safe_load_all(read(*path)))


def of_kind(kind: str, resources: list[Resource]) -> list[Resource]:
    return [resource for resource in resources if resource["kind"] == kind]


def daemonset(variant: str) -> Resource:
    (found,) = of_kind("DaemonSet", built(variant))
    return found


def pod(variant: str) -> dict[str, Any]:
    """The plugin's pod spec."""
    spec: dict[str, Any] = daemonset(variant)["spec"]["template"]["spec"]
    return spec


def container(variant: str) -> dict[str, Any]:
    """The plugin's only container."""
    (found,) = pod(variant)["containers"]
    assert isinstance(found, dict)
    return found


def environment(variant: str) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in container(variant).get("env", ())}


def mounts(variant: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each of the container's mounts with its volume."""
    volumes = {volume["name"]: volume for volume in pod(variant)["volumes"]}
    for mount in container(variant)["volumeMounts"]:
        yield mount, volumes[mount["name"]]
