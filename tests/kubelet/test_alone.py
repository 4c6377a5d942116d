"""The plugin with a kubelet that belongs to no cluster: static pods, as on a node that starts."""

import asyncio
import json
import os
from typing import Any

from tests.lab.hotplug import MacvtapSticks
from tests.lab.kubelet import made_up_usb
from tests.lab.kubelet.containers import Containerd
from tests.lab.kubelet.node import NAME as NODE, PLUGIN_DIRECTORY, KubeletProcess, container_of, is_running
from tests.lab.kubelet.pods import FOREVER, StaticPods, pod_spec
from tests.lab.kubelet.processes import eventually
from tests.lab.node import every
from tests.lab.plugin import PATIENCE, PluginProcess
from tests.lab.udevd import Udevd


def plugin(*specs: str) -> PluginProcess:
    return PluginProcess.serving(*specs, directory=PLUGIN_DIRECTORY)


async def test_a_container_opens_its_device_and_is_refused_all_others(
    kubelet: KubeletProcess, containerd: Containerd, static_pods: StaticPods, sticks: MacvtapSticks, udevd: Udevd
) -> None:
    own, other = sticks.plug(0), sticks.plug(1)
    udevd.settle()
    async with plugin(every(own.by_id, name="own")):
        await kubelet.wait_for_devices("squat.ai/own", 1)
        pod = await kubelet.wait_for_pod(static_pods.add("own", pod_spec(own=1)))
        container = container_of(pod)
        assert opening(containerd, container, own.by_id) == (0, "")
        assert opening(containerd, container, made_anew(containerd, container, own.devnode)) == (0, "")
        status, said = opening(containerd, container, made_anew(containerd, container, other.devnode))
        assert status != 0
        assert "Operation not permitted" in said


async def test_sticks_plugged_right_after_each_of_three_restarts_are_listed_and_a_held_one_stays(
    kubelet: KubeletProcess, static_pods: StaticPods, sticks: MacvtapSticks, udevd: Udevd
) -> None:
    sticks.plug(2)
    udevd.settle()
    async with plugin(every("/dev/serial/by-id/*", name="restarts")):
        await kubelet.wait_for_devices("squat.ai/restarts", 1)
        name = static_pods.add("held", pod_spec(restarts=1))
        before = await kubelet.wait_for_pod(name)
        for count, number in enumerate((3, 4, 5), start=2):
            kubelet.restart()
            sticks.plug(number)
            await kubelet.wait_for_devices("squat.ai/restarts", count)
        assert container_of(await kubelet.wait_for_pod(name)) == container_of(before)


async def test_what_is_unplugged_is_healthy_no_more_until_it_is_plugged_again(
    kubelet: KubeletProcess, sticks: MacvtapSticks
) -> None:
    async with plugin(every("/dev/serial/by-id/*", name="replugged")):
        sticks.plug(6)
        await kubelet.wait_for_devices("squat.ai/replugged", 1)
        (device,) = kubelet.listed("squat.ai/replugged")
        sticks.unplug(6)
        await kubelet.wait_for_devices("squat.ai/replugged", 0)
        sticks.plug(6)
        await kubelet.wait_for_devices("squat.ai/replugged", 1)
        assert kubelet.listed("squat.ai/replugged") == [device]


async def test_the_status_page_tells_which_pod_holds_a_device(
    kubelet: KubeletProcess, static_pods: StaticPods, sticks: MacvtapSticks, udevd: Udevd
) -> None:
    sticks.plug(7)
    udevd.settle()
    async with plugin(every("/dev/serial/by-id/*", name="page", count=2)) as process:
        await kubelet.wait_for_devices("squat.ai/page", 2)
        name = static_pods.add("page", pod_spec(page=1))
        await kubelet.wait_for_pod(name)
        async with asyncio.timeout(PATIENCE):
            while sorted(await holders(process)) != ["", f"{name}-{NODE}"]:
                assert process.is_running()


async def test_a_plugin_that_was_there_before_the_kubelet_is_listened_to_by_it(
    kubelet: KubeletProcess, static_pods: StaticPods, sticks: MacvtapSticks, udevd: Udevd
) -> None:
    sticks.plug(8)
    udevd.settle()
    kubelet.kill()
    async with plugin(every("/dev/serial/by-id/*", name="before")) as process:
        await process.wait_for_message("devices are here")
        kubelet.start()
        await kubelet.wait_for_devices("squat.ai/before", 1)
        await kubelet.wait_for_pod(static_pods.add("before", pod_spec(before=1)))


async def test_a_static_pod_runs_again_after_a_start_of_the_node_with_nothing_running(
    kubelet: KubeletProcess, containerd: Containerd, static_pods: StaticPods, sticks: MacvtapSticks, udevd: Udevd
) -> None:
    stick = sticks.plug(9)
    udevd.settle()
    async with plugin(every("/dev/serial/by-id/*", name="static")):
        await kubelet.wait_for_devices("squat.ai/static", 1)
        name = static_pods.add("static", pod_spec(static=1))
        before = container_of(await kubelet.wait_for_pod(name))
        kubelet.kill()
        containerd.kill_all_tasks()
        kubelet.start()

        def is_decided(pods: dict[str, dict[str, Any]]) -> bool:
            pod = pods.get(name)
            return pod is not None and (has_failed(pod) or (is_running(pod) and container_of(pod) != before))

        pod = (await eventually(kubelet.pods, is_decided, f"{name} runs again or is refused"))[name]
        if has_failed(pod):  # the kubelet was quicker than the plugin, for good; how often, hack/bench counts
            assert "squat.ai/static" in pod["status"]["message"]
            await kubelet.wait_for_devices("squat.ai/static", 1)
            static_pods.remove(name)
            pod = await kubelet.wait_for_pod(static_pods.add("static", pod_spec(static=1)))
        assert containerd.number_of(container_of(pod), stick.by_id) == os.stat(stick.devnode).st_rdev


async def test_after_a_restart_what_pods_hold_registers_first_and_all_are_served_on_the_sockets_of_before(
    kubelet: KubeletProcess, static_pods: StaticPods, sticks: MacvtapSticks, udevd: Udevd
) -> None:
    stick = sticks.plug(10)
    udevd.settle()
    names = [f"turn{number}" for number in range(6)]
    held = {f"squat.ai/{name}" for name in names[4:]}
    async with plugin(*(every(stick.by_id, name=name) for name in names)) as process:
        for name in names:
            await kubelet.wait_for_devices(f"squat.ai/{name}", 1)
        for name in names[4:]:
            await kubelet.wait_for_pod(static_pods.add(name, pod_spec(FOREVER, **{name: 1})))
        before = await registrations(process, len(names))
        kubelet.restart()
        after = (await registrations(process, 2 * len(names)))[len(names) :]
        for name in names:
            await kubelet.wait_for_devices(f"squat.ai/{name}", 1)
    assert {resource for resource, _ in after[: len(held)]} == held
    assert sorted(after) == sorted(before)


async def test_a_container_with_a_raw_usb_node_sees_all_of_them_and_may_open_its_own_alone(
    kubelet: KubeletProcess, containerd: Containerd, static_pods: StaticPods
) -> None:
    spec = json.dumps(
        {"name": "radio", "groups": [{"usb": [{"vendor": "0bda", "product": "2838", "serial": "RADIO1"}]}]}
    )
    process = PluginProcess.serving(spec, directory=PLUGIN_DIRECTORY, command=made_up_usb.COMMAND)
    with made_up_usb.nodes():
        async with process:
            await kubelet.wait_for_devices("squat.ai/radio", 1)
            container = container_of(await kubelet.wait_for_pod(static_pods.add("radio", pod_spec(radio=1))))
            # No driver has these numbers: what may be opened is not there, what may not is refused before that is seen.
            for path in ("/dev/bus/usb/201/002", "$UDEV_RESOURCE_SQUAT_AI_RADIO"):
                _, own = opening(containerd, container, path)
                assert "No such device" in own
            _, other = opening(containerd, container, "/dev/bus/usb/201/003")
            assert "can't open /dev/bus/usb/201/003: Operation not permitted" in other
            _, said = containerd.shell(container, "/bin/busybox mknod /dev/bus/usb/201/004 c 189 25603")
            assert "Read-only file system" in said


def has_failed(pod: dict[str, Any]) -> bool:
    """Whether a pod is over, whatever its restart policy."""
    return bool(pod["status"].get("phase") == "Failed")


async def registrations(process: PluginProcess, count: int) -> list[tuple[str, str]]:
    """The resources and sockets of the first registrations that kubelets accepted, in their order."""
    async with asyncio.timeout(PATIENCE):
        while True:
            accepted = [line.fields for line in process.log if line.message == "registered with the kubelet"]
            if len(accepted) >= count:
                return [(fields["resource"], fields["endpoint"]) for fields in accepted[:count]]
            await asyncio.sleep(0)


async def holders(process: PluginProcess) -> list[str]:
    """The pod that holds each ID of the only resource, by the plugin's page; none: an empty name."""
    _, page = await process.get("/devices")
    (resource,) = json.loads(page)["resources"]
    replicas = [replica for device in resource["devices"] for replica in device["replicas"]]
    return [replica["holder"]["pod"] if replica["holder"] else "" for replica in replicas]


def opening(containerd: Containerd, container: str, path: str) -> tuple[int, str]:
    """What becomes of it when a container's process opens a node to read."""
    return containerd.shell(container, f": < {path}")


def made_anew(containerd: Containerd, container: str, devnode: str) -> str:
    """A node of the same number, which the container's root makes for itself."""
    number, path = os.stat(devnode).st_rdev, f"/made-{os.path.basename(devnode)}"
    script = f"/bin/busybox mknod {path} c {os.major(number)} {os.minor(number)}"
    assert containerd.shell(container, script) == (0, "")
    return path
