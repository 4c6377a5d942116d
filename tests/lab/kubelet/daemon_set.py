"""The DaemonSet of `manifests/` on the node, and what one sees of it from outside."""

import itertools
import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from tests.lab.kubelet.cluster import Cluster
from tests.lab.kubelet.node import KubeletProcess, container_of, is_running
from tests.lab.kubelet.processes import eventually

MANIFEST = Path("manifests/udev-device-plugin.yaml")
NAME, NAMESPACE = "udev-device-plugin", "kube-system"
CONFIG_MAP = "udev-device-plugin-config"
PAGE = "http://127.0.0.1:19414/devices"
FUSE = "squat.ai/fuse"


class DaemonSet:
    """One pod, as there is one node; there is one from `create` to `delete`."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._changes = map(str, itertools.count(1))

    def create(self, node: KubeletProcess) -> None:
        """Create it, and wait until its pod is ready."""
        for thing in yaml.safe_load_all(MANIFEST.read_text()):
            self._cluster.create(thing)
        node.wait_until(lambda: any(map(is_ready, self._cluster.pods(namespace=NAMESPACE).values())))

    def delete(self, node: KubeletProcess) -> None:
        """Delete it, and wait until its pod is gone."""
        self._cluster.delete_created(namespace=NAMESPACE)
        node.wait_until(lambda: not self._cluster.pods(namespace=NAMESPACE))

    async def wait_for_pod(self, *, other_than: str = "") -> dict[str, Any]:
        """Its pod, as soon as it is ready, and its container is not this one."""

        def is_it(pod: dict[str, Any]) -> bool:
            return is_ready(pod) and container_of(pod) != other_than

        return await self._cluster.wait_for_pod(NAME, is_it, what="is ready", namespace=NAMESPACE)

    async def wait_for_holders(self, *pods: str) -> None:
        """Wait until its page tells that these pods hold fuse, and nobody else."""
        await eventually(_holders, lambda found: found == sorted(pods), f"{pods} hold fuse, by the page")

    async def roll_out(self) -> None:
        """Have another pod take over, without a change."""
        await self._change({"spec": {"template": self._annotated("kubectl.kubernetes.io/restartedAt")}})

    async def change_config_map(self, configuration: str, until: Callable[[], bool]) -> None:
        """Change the map, and wait until this is so."""
        change = {"data": {"config.yaml": configuration}}
        self._cluster.patch("ConfigMap", CONFIG_MAP, change, namespace=NAMESPACE)
        await self.wait_for_config_map(until)

    async def wait_for_config_map(self, until: Callable[[], bool]) -> None:
        """Have the pod's volumes looked at until this is so: by itself a kubelet takes a minute."""
        pod = (await self.wait_for_pod())["metadata"]["name"]

        def looked_at() -> bool:
            self._cluster.patch("Pod", pod, self._annotated("lab/looked-at"), namespace=NAMESPACE)
            return until()

        await eventually(looked_at, bool, "the changed map has reached the node's status")

    async def _change(self, change: dict[str, Any]) -> None:
        former = container_of(await self.wait_for_pod())
        self._cluster.patch("DaemonSet", NAME, change, namespace=NAMESPACE)
        await self.wait_for_pod(other_than=former)

    def _annotated(self, key: str) -> dict[str, Any]:
        return {"metadata": {"annotations": {key: next(self._changes)}}}


def is_ready(pod: dict[str, Any]) -> bool:
    """Whether its readiness probe has succeeded."""
    return is_running(pod) and bool(pod["status"]["containerStatuses"][0]["ready"])


def _holders() -> list[str]:
    """The pods that hold fuse, by the plugin's page."""
    with urllib.request.urlopen(PAGE, timeout=10) as answer:
        resources = json.load(answer)["resources"]
    replicas = [
        replica
        for resource in resources
        if resource["name"] == FUSE
        for device in resource["devices"]
        for replica in device["replicas"]
    ]
    return sorted(replica["holder"]["pod"] for replica in replicas if replica["holder"])
