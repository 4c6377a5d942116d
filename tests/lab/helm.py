"""What Helm makes of the chart: lists of resources as plain mappings, as the API server would get them."""

import functools
import os
import subprocess

import yaml

from tests.lab.kustomize import MANIFESTS, Resource

HELMS = ("helm3", "helm4")
"""As hack/kubelet names them."""
CHART = os.path.join(MANIFESTS, "helm", "udev-device-plugin")
RELEASE = ("udev-device-plugin", "kube-system")
"""Of the name and in the namespace of the other manifests."""
VALUES = {
    file.removesuffix("-values.yaml"): os.path.join(CHART, "ci", file) for file in os.listdir(os.path.join(CHART, "ci"))
}
"""The files of values that come with the chart, by what they are for."""


class HelmError(Exception):
    """Helm has refused; its words."""


def helm(version: str, *arguments: str) -> str:
    """What Helm prints."""
    done = subprocess.run([version, *arguments], check=False, capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise HelmError(done.stdout + done.stderr)
    return done.stdout


@functools.cache
def _rendered(version: str, arguments: tuple[str, ...]) -> str:
    name, namespace = RELEASE
    return helm(version, "template", name, CHART, "--namespace", namespace, *arguments)


def rendered(version: str, *arguments: str) -> list[Resource]:
    """The chart's resources, with the values and options of these arguments."""
    return [resource for resource in yaml.safe_load_all(_rendered(version, arguments)) if resource]


def of_file(name: str) -> tuple[str, ...]:
    """The arguments for one of the chart's own files of values."""
    return ("--values", VALUES[name])
