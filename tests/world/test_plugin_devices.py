"""What `/devices` tells of sticks, kubelet and pods is true, and news come as soon as they are."""

import asyncio
import json
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.lab.host import FakeHost
from tests.lab.node import SERIAL, every, wait_until_listed
from tests.lab.plugin import PATIENCE, PluginProcess
from tests.lab.sticks import serial_adapter
from udev_device_plugin.testing.kubelet import Kubelet
from udev_device_plugin.testing.records import ContainerStartError

TTYS = every("/dev/ttyUSB*")


@pytest.fixture
def pods() -> Iterator[str]:
    """The path of a socket for the kubelet's pod-resources."""
    directory = tempfile.mkdtemp(prefix="r-", dir="/run")
    yield f"{directory}/kubelet.sock"
    shutil.rmtree(directory)


@asynccontextmanager
async def running(directory: str, pods: str, *specs: str) -> AsyncIterator[tuple[Kubelet, PluginProcess]]:
    """A kubelet that tells what pods hold, and a plugin that has registered with it."""
    plugin = PluginProcess.serving(*specs, directory=directory, arguments=("--pod-resources-socket", pods))
    async with Kubelet(directory, pod_resources_socket=pods) as kubelet, plugin:
        await wait_until_listed(kubelet, *specs)
        yield kubelet, plugin


async def devices(plugin: PluginProcess, query: str = "") -> Any:
    status, text = await plugin.get(f"/devices{query}")
    assert status == 200, text
    return json.loads(text)


async def until(plugin: PluginProcess, condition: Any) -> Any:
    """The first state that meets the condition; asked for as a page does, by waiting for news."""
    async with asyncio.timeout(PATIENCE):
        state = await devices(plugin)
        while not condition(state["resources"][0]):
            state = await devices(plugin, f"?newer-than={state['generation']}")
    return state["resources"][0]


def kinds(resource: Any) -> list[str]:
    return [event["kind"] for event in resource["events"]]


async def test_a_stick_is_followed_from_plug_to_pod_to_unplug(host: FakeHost, plugin_directory: str, pods: str) -> None:
    async with running(plugin_directory, pods, TTYS) as (kubelet, plugin):
        empty = await until(plugin, lambda it: it["kubelet"] is not None)
        assert (empty["name"], empty["connected"], empty["devices"]) == (SERIAL, True, [])
        assert empty["kubelet"]["healthy"] == 0

        stick = serial_adapter()
        host.plug(stick)
        here = await until(plugin, lambda it: it["kubelet"]["healthy"] == 1 and kinds(it)[:1] == ["here"])
        (device,) = here["devices"]
        assert (device["health"], device["identity"]) == ("Healthy", [stick.by_id])
        (member,) = device["members"]
        assert (member["node"], member["hostPath"]) == (stick.devnode, stick.by_id)
        assert (member["containerPath"], member["permissions"]) == (stick.devnode, "mrw")
        assert device["numaNodes"] == [0]

        await kubelet.allocate(SERIAL, namespace="lab", pod="reader", container="main")
        held = await until(plugin, lambda it: it["devices"][0]["replicas"][0]["held"])
        assert held["devices"][0]["replicas"][0] == {
            "id": kubelet.resource(SERIAL).devices[0].id,
            "held": True,
            "holder": {"namespace": "lab", "pod": "reader", "container": "main"},
        }
        assert kinds(held)[0] == "allocated"
        assert held["events"][0]["devices"] == [stick.by_id]

        host.unplug(stick)
        gone = await until(plugin, lambda it: it["kubelet"]["unhealthy"] == 1 and kinds(it)[:1] == ["gone"])
        assert gone["devices"][0]["health"] == "Unhealthy"
        assert gone["devices"][0]["since"] > here["devices"][0]["since"]


async def test_a_container_that_waits_is_told_of_once_however_often_it_tries(
    host: FakeHost, plugin_directory: str, pods: str
) -> None:
    async with running(plugin_directory, pods, TTYS) as (kubelet, plugin):
        stick = serial_adapter()
        host.plug(stick)
        await kubelet.wait_for_devices(SERIAL, healthy=1)
        pod = await kubelet.allocate(SERIAL)
        host.unplug(stick)
        await kubelet.wait_for_devices(SERIAL, healthy=0, unhealthy=1)
        for _ in range(3):
            with pytest.raises(ContainerStartError):
                await kubelet.start_container(pod)
        waits = await until(plugin, lambda it: kinds(it)[:1] == ["container-waits"] and it["events"][0]["times"] == 3)
        assert kinds(waits).count("container-waits") == 1
        assert "is unplugged since" in waits["events"][0]["text"]


async def test_a_kubelet_that_goes_is_missed_at_once(host: FakeHost, plugin_directory: str, pods: str) -> None:
    host.plug(serial_adapter())
    async with running(plugin_directory, pods, TTYS) as (kubelet, plugin):
        await until(plugin, lambda it: it["connected"])
        await kubelet.stop()
        alone = await until(plugin, lambda it: "no kubelet answers" in (it["trouble"] or ""))
        assert not alone["connected"]
        assert alone["kubelet"]["healthy"] == 1  # what it heard last
        await kubelet.start()
        back = await until(plugin, lambda it: it["connected"] and kinds(it)[:1] == ["registered"])
        assert "serving-ended" in kinds(back)


async def test_the_kubelet_is_asked_about_pods_when_somebody_looks_and_seldom_then(
    host: FakeHost, plugin_directory: str, pods: str
) -> None:
    host.plug(serial_adapter())
    async with running(plugin_directory, pods, TTYS) as (kubelet, plugin):
        await kubelet.wait_for_devices(SERIAL, healthy=1)
        await kubelet.wait_until(lambda it: it.pod_resources_calls == 1)  # the plugin's own, for what pods hold
        for _ in range(30):
            state = await devices(plugin)
        assert state["pods"]["known"] is True
        assert kubelet.pod_resources_calls <= 4  # one, and one more for each 3 s that this took


async def test_without_a_kubelet_that_tells_what_pods_hold_it_is_unknown(
    host: FakeHost, plugin_directory: str, pods: str
) -> None:
    host.plug(serial_adapter())
    async with running(plugin_directory, pods, TTYS) as (kubelet, plugin):
        await kubelet.wait_for_devices(SERIAL, healthy=1)
        os.unlink(pods)
        state = await devices(plugin)
        assert state["pods"]["known"] is False
        assert state["resources"][0]["devices"][0]["replicas"][0]["held"] is None


async def test_a_kubelet_that_is_mute_about_pods_holds_no_page_up(
    host: FakeHost, plugin_directory: str, pods: str
) -> None:
    host.plug(serial_adapter())
    async with running(plugin_directory, pods, TTYS) as (kubelet, plugin):
        await kubelet.wait_for_devices(SERIAL, healthy=1)
        kubelet.misbehaviour.pod_resources_silent = True
        begun = time.monotonic()
        state = await devices(plugin)
        assert time.monotonic() - begun < 2
        assert state["resources"][0]["devices"][0]["replicas"][0]["held"] is None


async def test_open_pages_do_not_hold_up_the_end(host: FakeHost, plugin_directory: str, pods: str) -> None:
    host.plug(serial_adapter())
    async with running(plugin_directory, pods, TTYS) as (kubelet, plugin):
        await kubelet.wait_for_devices(SERIAL, healthy=1)
        state = await until(plugin, lambda it: it["kubelet"] and kinds(it))
        await asyncio.sleep(3.5)  # the kubelet has been asked about pods, and no news are due
        before = plugin.cost().descriptors
        state = await devices(plugin)
        async with asyncio.timeout(PATIENCE):
            while plugin.cost().descriptors > before:  # the answer may be here before its connection is closed
                await asyncio.sleep(0.01)
        viewers = [asyncio.create_task(plugin.get(f"/devices?newer-than={state['generation']}")) for _ in range(2)]
        async with asyncio.timeout(PATIENCE):
            while plugin.cost().descriptors < before + len(viewers):
                await asyncio.sleep(0.01)
        begun = time.monotonic()
        assert await plugin.terminate() == 0
        assert time.monotonic() - begun < 2
        await asyncio.gather(*viewers, return_exceptions=True)
        assert plugin.errors == []
