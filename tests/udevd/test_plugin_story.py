"""The whole story of a pod and its stick, beside a real udevd: the stick is pulled, and plugged in elsewhere."""

import os
import shutil
from collections.abc import Iterator

import pytest

from tests.lab.hotplug import MacvtapSticks
from tests.lab.node import SERIAL, Landmarks, Node, every, landmarks, until_dropped, wait_until_listed
from tests.lab.plugin import PluginProcess
from tests.lab.udevd import Udevd
from udev_device_plugin.testing.kubelet import Kubelet
from udev_device_plugin.testing.records import ContainerStartError

TAPS = every("/dev/tap42*")


@pytest.fixture
def socket(plugin_directory: str) -> Iterator[str]:
    """Where the kubelet says which pods hold what."""
    directory = f"{plugin_directory}-pods"
    yield f"{directory}/kubelet.sock"
    shutil.rmtree(directory, ignore_errors=True)


def plugin(directory: str, socket: str, marks: Landmarks) -> PluginProcess:
    arguments = ["--removal-grace-period=100ms", "--pod-resources-socket", socket]
    return PluginProcess.serving(TAPS, marks.spec, directory=directory, arguments=arguments)


async def asked_once_more(kubelet: Kubelet, calls: int) -> None:
    await kubelet.wait_until(lambda kubelet: kubelet.pod_resources_calls > calls)


async def test_a_pod_keeps_its_stick_over_an_unplug_a_restart_of_the_plugin_and_a_replug_elsewhere(
    sticks: MacvtapSticks, udevd: Udevd, plugin_directory: str, socket: str
) -> None:
    with landmarks() as marks:
        async with Kubelet(plugin_directory, pod_resources_socket=socket) as kubelet:
            async with plugin(plugin_directory, socket, marks) as first:
                here = Node(kubelet, first, marks)
                await wait_until_listed(kubelet, TAPS, marks.spec)

                # A pod gets the stick.
                stick = sticks.plug(60)
                await here.wait_for(healthy=1)
                pod = await kubelet.allocate(SERIAL, pod="lidar-reader")
                (device,) = pod.response.devices
                assert (device.host_path, device.container_path) == (stick.by_id, stick.devnode)
                assert os.path.realpath(device.host_path) == stick.devnode
                (id_,) = pod.ids

                # It is pulled: Unhealthy at once, and never forgotten while the pod holds it.
                calls = kubelet.pod_resources_calls
                sticks.unplug(60)
                await here.wait_for(healthy=0, unhealthy=1)
                await asked_once_more(kubelet, calls)
                await here.catch_up()
                assert [known.id for known in kubelet.resource(SERIAL).devices] == [id_]
                assert not any(line.message == "devices are forgotten" for line in first.log)

                # Its container restarts, and waits, and says for what and since when.
                waiting = rf"device {stick.by_id} is unplugged since \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d UTC"
                with pytest.raises(ContainerStartError, match=waiting):
                    await kubelet.start_container(pod)
                async with until_dropped(kubelet, SERIAL):
                    await first.kill()

            # The plugin comes back while the stick is out, and knows of it what the kubelet knows.
            lists = kubelet.resource(SERIAL).lists
            async with plugin(plugin_directory, socket, marks) as second:
                here = Node(kubelet, second, marks)
                await kubelet.wait_until(lambda kubelet: kubelet.resource(SERIAL).lists > lists)
                await here.wait_for(healthy=0, unhealthy=1)
                assert [known.id for known in kubelet.resource(SERIAL).devices] == [id_]
                with pytest.raises(ContainerStartError, match=f"device {id_} has not been seen since this plugin"):
                    await kubelet.start_container(pod)

                # The stick is back, in another port and with another node: the container starts, and finds it.
                returned = sticks.plug(61)
                await here.wait_for(healthy=1)
                assert kubelet.resource(SERIAL).healthy == (id_,)
                await kubelet.start_container(pod)
                assert returned.devnode != stick.devnode
                assert os.path.realpath(device.host_path) == returned.devnode

                # The pod ends, the stick goes for good: now it is forgotten.
                kubelet.release(pod)
                sticks.unplug(61)
                await here.wait_for(healthy=0, unhealthy=0)
                await second.wait_for_message("devices are forgotten")
                udevd.settle()
                assert second.errors == []
