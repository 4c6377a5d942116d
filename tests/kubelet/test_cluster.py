"""The plugin on the node of a cluster: what the API tells of its devices, and pods that live on."""

import os
from typing import Any

from tests.lab.hotplug import MacvtapSticks
from tests.lab.kubelet.cluster import Cluster
from tests.lab.kubelet.containers import Containerd
from tests.lab.kubelet.node import PLUGIN_DIRECTORY, KubeletProcess, container_of, is_running
from tests.lab.kubelet.pods import deployment, pod, pod_spec
from tests.lab.node import every
from tests.lab.plugin import PluginProcess
from tests.lab.udevd import Udevd

WANDERER = "/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_WANDERER-if00-port0"


def plugin(*specs: str) -> PluginProcess:
    return PluginProcess.serving(*specs, directory=PLUGIN_DIRECTORY)


async def test_a_plug_and_an_unplug_reach_the_nodes_status(cluster: Cluster, sticks: MacvtapSticks) -> None:
    async with plugin(every("/dev/serial/by-id/*", name="status")):
        await cluster.wait_for_devices("squat.ai/status", 0)
        sticks.plug(20)
        await cluster.wait_for_devices("squat.ai/status", 1)
        sticks.plug(21)
        await cluster.wait_for_devices("squat.ai/status", 2)
        sticks.unplug(20)
        await cluster.wait_for_devices("squat.ai/status", 1, capacity=2)


async def test_sticks_plugged_right_after_each_of_three_kubelet_restarts_reach_the_nodes_status(
    cluster: Cluster, node: KubeletProcess, sticks: MacvtapSticks
) -> None:
    async with plugin(every("/dev/serial/by-id/*", name="restarted")):
        await cluster.wait_for_devices("squat.ai/restarted", 0)
        for count, number in enumerate((22, 23, 24), start=1):
            node.restart()
            sticks.plug(number)
            await cluster.wait_for_devices("squat.ai/restarted", count)


async def test_a_container_runs_again_with_its_device_which_was_replugged_under_another_number(
    cluster: Cluster, containerd: Containerd, sticks: MacvtapSticks, udevd: Udevd
) -> None:
    sticks.plug(60)
    udevd.settle()
    async with plugin(every(WANDERER, name="wanderer")):
        await cluster.wait_for_devices("squat.ai/wanderer", 1)
        until_it_cannot_be_opened = f"while : < {WANDERER}; do /bin/busybox sleep 0.1; done"
        cluster.create(pod("wanderer", pod_spec(until_it_cannot_be_opened, wanderer=1)))
        before = await cluster.wait_for_pod("wanderer", lambda pod: is_running(pod) and healths(pod) == ["Healthy"])
        sticks.unplug(60)
        await cluster.wait_for_pod("wanderer", lambda pod: healths(pod) == ["Unhealthy"], what="tells of the unplug")
        await cluster.wait_for_pod("wanderer", lambda pod: not is_running(pod), what="has ended")
        again = sticks.plug(61)
        after = await cluster.wait_for_pod("wanderer")
        assert after["metadata"]["uid"] == before["metadata"]["uid"]
        assert containerd.number_of(container_of(after), WANDERER) == os.stat(again.devnode).st_rdev
        await cluster.wait_for_pod("wanderer", lambda pod: healths(pod) == ["Healthy"], what="tells of the replug")


async def test_a_deployments_pod_runs_again_after_a_start_of_the_node_with_nothing_running(
    cluster: Cluster, node: KubeletProcess, containerd: Containerd, sticks: MacvtapSticks, udevd: Udevd
) -> None:
    stick = sticks.plug(25)
    udevd.settle()
    async with plugin(every("/dev/serial/by-id/*", name="reboot")):
        await cluster.wait_for_devices("squat.ai/reboot", 1)
        cluster.create(deployment("reboot", pod_spec(reboot=1)))
        before = container_of(await cluster.wait_for_pod("reboot"))
        node.kill()
        containerd.kill_all_tasks()
        node.start()
        after = await cluster.wait_for_pod("reboot", lambda pod: is_running(pod) and container_of(pod) != before)
        number = os.stat(stick.devnode).st_rdev
        assert containerd.number_of(container_of(after), stick.by_id) == number


def healths(pod: dict[str, Any]) -> list[str]:
    """What the pod's status tells of the devices of its only container."""
    containers = pod["status"].get("containerStatuses") or [{}]
    told = containers[0].get("allocatedResourcesStatus") or []
    return [device["health"] for resource in told for device in resource["resources"]]
