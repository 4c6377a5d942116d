"""Pods of one container, which holds devices, and the files that make static pods of them."""

import itertools
import json
import os
from typing import Any

from tests.lab.kubelet.containers import BUSYBOX
from tests.lab.kubelet.node import STATIC_PODS

FOREVER = "exec /bin/busybox sleep infinity"
_numbers = itertools.count(1)


def pod_spec(script: str = FOREVER, **resources: int) -> dict[str, Any]:
    """A shell with this script, and with so many devices of `squat.ai/<resource>`."""
    limits = {f"squat.ai/{name}": str(count) for name, count in resources.items()}
    container = {
        "name": "main",
        "image": BUSYBOX,
        "imagePullPolicy": "Never",
        "command": ["/bin/sh", "-c", script],
        "resources": {"limits": limits},
    }
    return {"hostNetwork": True, "terminationGracePeriodSeconds": 1, "containers": [container]}


def named(prefix: str) -> str:
    """A name that no pod has had: the kubelet's back-off remembers static pods by name and text."""
    return f"{prefix}-{next(_numbers)}"


def pod(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"}, "spec": spec}


def deployment(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    """One pod, replaced at once by another when it has failed."""
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }


class StaticPods:
    """Those that a test wants the kubelet to run, whatever else happens."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def add(self, prefix: str, spec: dict[str, Any]) -> str:
        """Put one there; its name."""
        name = named(prefix)
        with open(f"{STATIC_PODS}/.{name}", "w") as file:  # the kubelet does not read hidden files
            json.dump(pod(name, spec), file)
        os.rename(f"{STATIC_PODS}/.{name}", f"{STATIC_PODS}/{name}.json")
        self.names.append(name)
        return name

    def remove(self, name: str) -> None:
        os.remove(f"{STATIC_PODS}/{name}.json")
        self.names.remove(name)

    def clear(self) -> list[str]:
        """Remove all; which they were."""
        names = list(self.names)
        for name in names:
            self.remove(name)
        return names
