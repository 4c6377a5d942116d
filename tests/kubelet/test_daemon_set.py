"""The DaemonSet as it is published, with an image of this checkout: pods hold devices whatever becomes of it."""

import yaml

from tests.lab.kubelet.cluster import Cluster
from tests.lab.kubelet.containers import Containerd
from tests.lab.kubelet.daemon_set import FUSE, DaemonSet
from tests.lab.kubelet.node import container_of
from tests.lab.kubelet.pods import pod, pod_spec


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
    cluster.create(pod("before", pod_spec(fuse=1)))
    holder = await cluster.wait_for_pod("before")
    await daemon_set.roll_out()
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


async def test_what_its_config_map_says_is_offered_as_soon_as_it_says_so(
    daemon_set: DaemonSet, cluster: Cluster
) -> None:
    # The last of these tests: from now on the DaemonSet does not offer any more what its manifest says.
    before = await daemon_set.wait_for_pod()
    await daemon_set.change_config_map(
        configuration("latter", 3), until=lambda: cluster.counts("squat.ai/latter") == ("3", "3")
    )
    await cluster.wait_for_devices(FUSE, 0, capacity=10)
    assert container_of(await daemon_set.wait_for_pod()) == container_of(before)


def configuration(name: str, count: int) -> str:
    """One resource: fuse, so many times."""
    return yaml.safe_dump({"devices": [{"name": name, "groups": [{"count": count, "paths": [{"path": "/dev/fuse"}]}]}]})
