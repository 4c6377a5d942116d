"""The Helm chart on the cluster: a release, installed, changed and removed by a real Helm."""

import asyncio
import json
import os
from typing import Any

from tests.lab.helm import CHART, helm
from tests.lab.kubelet.cluster import Cluster
from tests.lab.kubelet.processes import FOLDER

NAMESPACE = "kube-system"
LISTS = (
    *(f"/apis/apps/v1/namespaces/{NAMESPACE}/{kind}" for kind in ("daemonsets", "controllerrevisions")),
    *(f"/api/v1/namespaces/{NAMESPACE}/{kind}" for kind in ("pods", "configmaps", "secrets", "services")),
)


class Release:
    """There is one from `install` to `uninstall`; `version` is the Helm, helm3 or helm4."""

    def __init__(self, cluster: Cluster, version: str, name: str = "udev-device-plugin") -> None:
        self._cluster = cluster
        self._version = version
        self._name = name

    async def install(self, *arguments: str, **values: Any) -> str:
        """Install it with these values, and wait until Helm takes it for ready; what Helm says."""
        return await self._helm("install", self._name, CHART, "--wait", *arguments, *self._file(values))

    async def upgrade(self, **values: Any) -> None:
        await self._helm("upgrade", self._name, CHART, "--wait", *self._file(values))

    async def uninstall(self) -> None:
        await self._helm("uninstall", self._name, "--ignore-not-found", "--wait")

    def objects(self) -> list[str]:
        """What the cluster has of it: paths in the API."""
        lists = [(path, self._cluster.request("GET", path)["items"]) for path in LISTS]
        named = [(path, item["metadata"]["name"]) for path, items in lists for item in items]
        return [f"{path}/{name}" for path, name in named if self._name in name]

    def _file(self, values: dict[str, Any]) -> tuple[str, ...]:
        path = f"{FOLDER}/{self._name}-values.yaml"
        with open(path, "w") as file:
            json.dump(values, file)
        return ("--values", path)

    async def _helm(self, *arguments: str) -> str:
        # Its caches are the lab's, too.
        environment = {**os.environ, "HOME": FOLDER, "KUBECONFIG": self._cluster.kubeconfig}
        command = (*arguments, "--namespace", NAMESPACE)
        return await asyncio.to_thread(helm, self._version, *command, environment=environment)
