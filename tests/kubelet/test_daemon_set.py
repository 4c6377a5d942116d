"""The DaemonSet as it is published, with an image of this checkout: pods hold devices whatever becomes of it."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lab.kubelet.cluster import Cluster
from tests.lab.kubelet.containers import Containerd
from tests.lab.kubelet.node import KubeletProcess, container_of, is_running
from tests.lab.kubelet.plugin_image import add_plugin_image
from tests.lab.kubelet.pods import pod, pod_spec
from tests.lab.kubelet.processes import eventually

MANIFEST = Path("manifests/udev-device-plugin.yaml")
NAME, NAMESPACE = "udev-device-plugin", "kube-system"
PAGE = "http://127.0.0.1:19414/devices"
FUSE = "squat.ai/fuse"


@pytest.fixture(scope="module")
def _daemon_set(control_plane: Cluster, node: KubeletProcess, containerd: Containerd) -> Iterator[None]:
    add_plugin_image(containerd)
    (daemon_set,) = yaml.safe_load_all(MANIFEST.read_text())
    control_plane.create(daemon_set)
    node.wait_until(lambda: any(is_ready(pod) for pod in control_plane.pods(namespace=NAMESPACE).values()))
    yield
    control_plane.delete_created(namespace=NAMESPACE)
    node.wait_until(lambda: not control_plane.pods(namespace=NAMESPACE))


@pytest.fixture
def daemon_set(_daemon_set: None, cluster: Cluster) -> "DaemonSet":
    """It runs, is ready, and the node has what it offers."""
    return DaemonSet(cluster)


class DaemonSet:
    """The plugin, as one sees it from outside."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def wait_for_pod(self, *, other_than: str = "") -> dict[str, Any]:
        """Its pod, as soon as it is ready, and its container is not this one."""

        def is_it(pod: dict[str, Any]) -> bool:
            return is_ready(pod) and container_of(pod) != other_than

        return await self._cluster.wait_for_pod(NAME, is_it, what="is ready", namespace=NAMESPACE)

    async def wait_for_holders(self, *pods: str) -> None:
        """Wait until its page tells that these pods hold fuse, and nobody else."""
        await eventually(holders, lambda found: found == sorted(pods), f"{pods} hold fuse, by the page")


async def test_it_offers_what_its_manifest_says_and_only_who_asks_for_it_may_open_it(
    daemon_set: DaemonSet, cluster: Cluster, containerd: Containerd
) -> None:
    await daemon_set.wait_for_pod()
    await cluster.wait_for_devices(FUSE, 10)
    cluster.create(pod("holder", pod_spec(fuse=1)))
    cluster.create(pod("other", pod_spec()))
    holder, other = await cluster.wait_for_pod("holder"), await cluster.wait_for_pod("other")
    await daemon_set.wait_for_holders("holder")
    assert containerd.shell(container_of(holder), ": < /dev/fuse") == (0, "")
    node_of_its_own = "/bin/busybox mknod /dev/fuse c 10 229 && : < /dev/fuse"
    status, said = containerd.shell(container_of(other), node_of_its_own)
    assert status != 0
    assert "can't open /dev/fuse: Operation not permitted" in said


async def test_a_rollout_leaves_who_holds_a_device_alone_and_serves_the_next(
    daemon_set: DaemonSet, cluster: Cluster
) -> None:
    former = await daemon_set.wait_for_pod()
    cluster.create(pod("before", pod_spec(fuse=1)))
    holder = await cluster.wait_for_pod("before")
    again = {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": former["metadata"]["uid"]}}}
    cluster.patch("DaemonSet", NAME, {"spec": {"template": again}}, namespace=NAMESPACE)
    await daemon_set.wait_for_pod(other_than=container_of(former))
    cluster.create(pod("after", pod_spec(fuse=1)))
    await cluster.wait_for_pod("after")
    await daemon_set.wait_for_holders("after", "before")
    assert container_of(await cluster.wait_for_pod("before")) == container_of(holder)


async def test_killed_it_is_back_with_all_that_pods_hold(
    daemon_set: DaemonSet, cluster: Cluster, containerd: Containerd
) -> None:
    former = await daemon_set.wait_for_pod()
    cluster.create(pod("held", pod_spec(fuse=1)))
    holder = await cluster.wait_for_pod("held")
    containerd.kill_task(container_of(former))
    successor = await daemon_set.wait_for_pod(other_than=container_of(former))
    assert successor["metadata"]["uid"] == former["metadata"]["uid"]
    cluster.create(pod("next", pod_spec(fuse=1)))
    await cluster.wait_for_pod("next")
    await daemon_set.wait_for_holders("held", "next")
    assert container_of(await cluster.wait_for_pod("held")) == container_of(holder)


def is_ready(pod: dict[str, Any]) -> bool:
    """Whether its readiness probe has succeeded."""
    return is_running(pod) and bool(pod["status"]["containerStatuses"][0]["ready"])


def holders() -> list[str]:
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
