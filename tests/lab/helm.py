"""What Helm makes of the chart: lists of resources as plain mappings, as the API server would get them."""

import functools
import os
import subprocess
from collections.abc import Mapping

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
EXAMPLES = {name: os.path.join(MANIFESTS, "helm", "examples", f"{name}-values.yaml") for name in ("gateways", "kiosks")}
"""Values for two kinds of nodes on one cluster, by the release's name."""


class HelmError(Exception):
    """Helm has refused; its words."""


def helm(version: str, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """What Helm prints."""
    command = [version, *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120, env=environment)
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
