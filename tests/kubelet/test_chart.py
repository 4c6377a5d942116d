"""The Helm chart on a real cluster, by Helm 3 and 4, with an image of this checkout."""

import os
from collections.abc import AsyncIterator

import pytest

from tests.lab.helm import EXAMPLES, HELMS, HelmError
from tests.lab.hotplug import MacvtapSticks
from tests.lab.kubelet.cluster import Cluster
from tests.lab.kubelet.containers import Containerd
from tests.lab.kubelet.daemon_set import DaemonSet
from tests.lab.kubelet.node import PLUGIN_DIRECTORY, container_of
from tests.lab.kubelet.pods import pod, pod_spec
from tests.lab.kubelet.processes import eventually
from tests.lab.kubelet.release import NAMESPACE, Release

pytestmark = pytest.mark.usefixtures("plugin_image")

ADAPTERS = {"name": "adapters", "groups": [{"paths": [{"path": "/dev/serial/by-id/*"}]}]}
MORE_ADAPTERS = {"name": "adapters", "groups": [*ADAPTERS["groups"], {"paths": [{"path": "/dev/rfcomm*"}]}]}
FUSE = {"name": "tenfold", "groups": [{"count": 10, "paths": [{"path": "/dev/fuse"}]}]}


@pytest.fixture(params=HELMS)
async def release(request: pytest.FixtureRequest, cluster: Cluster) -> AsyncIterator[Release]:
    """One that is still to be installed, by either Helm; it is gone in the end."""
    release = Release(cluster, request.param)
    yield release
    await release.uninstall()
    await eventually(release.objects, lambda found: found == [], "nothing is left of the release")


async def test_a_release_comes_changes_and_goes_and_who_holds_a_device_keeps_it(
    release: Release, cluster: Cluster, containerd: Containerd, sticks: MacvtapSticks
) -> None:
    notes = await release.install(devices=[ADAPTERS])
    assert "rollout status daemonset/udev-device-plugin" in notes
    daemon_set = DaemonSet(cluster)
    plugin = await daemon_set.wait_for_pod()
    await cluster.wait_for_devices("squat.ai/adapters", 0)
    sticks.plug(40)
    await cluster.wait_for_devices("squat.ai/adapters", 1)
    status, said = containerd.execute(container_of(plugin), "udev-device-plugin", "--list-devices")  # as the notes say
    assert status == 0
    assert "squat.ai/adapters" in said
    cluster.create(pod("holder", pod_spec(adapters=1)))
    holder = await cluster.wait_for_pod("holder")

    with pytest.raises(HelmError, match="got number, want string"):
        await release.upgrade(devices=[{"name": "a", "groups": [{"usb": [{"vendor": 259, "product": "6001"}]}]}])
    await release.upgrade(devices=[MORE_ADAPTERS, FUSE])
    await daemon_set.wait_for_config_map(lambda: cluster.counts("squat.ai/tenfold") == ("10", "10"))
    await cluster.wait_for_devices("squat.ai/adapters", 1)
    assert container_of(await daemon_set.wait_for_pod()) == container_of(plugin)
    assert container_of(await cluster.wait_for_pod("holder")) == container_of(holder)
    sticks.plug(41)
    await cluster.wait_for_devices("squat.ai/adapters", 2)

    await release.uninstall()
    await eventually(release.objects, lambda found: found == [], "nothing is left of the release")
    assert {*os.listdir(PLUGIN_DIRECTORY)} - {"kubelet.sock", "kubelet_internal_checkpoint"} == {"udev-device-plugin"}
    left = [name for _, _, files in os.walk(f"{PLUGIN_DIRECTORY}/udev-device-plugin") for name in files]
    assert {name.partition("-")[0] for name in left} == {".offered"}  # its records; neither sockets nor links
    await cluster.wait_for_devices("squat.ai/adapters", 0, capacity=2)
    assert container_of(await cluster.wait_for_pod("holder")) == container_of(holder)


async def test_each_kind_of_nodes_has_its_own_release(cluster: Cluster) -> None:
    releases = {name: Release(cluster, "helm4", name) for name in EXAMPLES}
    try:
        cluster.label_node("example.com/devices", "gateway")
        for name, release in releases.items():
            # There is no Prometheus operator here.
            await release.install("--values", EXAMPLES[name], alerts={"enabled": False})
        await cluster.wait_for_pod("gateways-", namespace=NAMESPACE)
        await cluster.wait_for_devices("squat.ai/modem", 0)
        assert cluster.counts("squat.ai/scanner") == (None, None)
        cluster.label_node("example.com/devices", "kiosk")
        await cluster.wait_for_pod("kiosks-", namespace=NAMESPACE)
        await cluster.wait_for_devices("squat.ai/scanner", 0)
        assert not any(name.startswith("gateways-") for name in cluster.pods(namespace=NAMESPACE))
    finally:
        for release in releases.values():
            await release.uninstall()
    for release in releases.values():
        await eventually(release.objects, lambda found: found == [], "nothing is left of the release")
