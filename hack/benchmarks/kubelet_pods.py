"""What becomes of pods that hold devices, beside a real kubelet: sticks come back after a while, the node starts anew.

Each story is told again and again, and yields samples by figure: seconds, or 1 and 0 for what went well or did not.
"""

import asyncio
import time
from collections.abc import Mapping, Set
from functools import partial
from typing import Any

from hack.benchmarks.kubelet_lab import Lab, Measured, first_of, have_one_each
from hack.benchmarks.node import MANY, resource_of
from tests.lab.kubelet.cluster import Cluster
from tests.lab.kubelet.containers import Containerd
from tests.lab.kubelet.node import container_of, is_running
from tests.lab.kubelet.pods import FOREVER, StaticPods, deployment, pod_spec
from tests.lab.kubelet.processes import eventually

REPLUGS = (3, 20, 45, 100)
"""Seconds for which a stick is away: with each refusal to start its container, the kubelet waits longer."""

_LONGEST_WAIT = 360.0  # seconds: the kubelet's longest back-off, and a while


async def replugs(it: Lab, containerd: Containerd, times: int) -> Measured:
    """Seconds from a replug until the container runs again; all sticks go at one time, and their containers end."""
    samples: dict[str, list[float]] = {f"replug after {away} s to container back": [] for away in REPLUGS}
    pods = StaticPods()
    for _ in range(times):
        async with it.plugin(MANY):
            names = [pods.add("replug", _holding(number)) for number in range(MANY)]
            before = {name: container_of(await it.kubelet.wait_for_pod(name)) for name in names}
            it.adapters.unplug_all()
            began = time.monotonic()
            for container in before.values():
                containerd.kill_task(container)
            plugged, missing = dict[str, float](), dict(zip(names, REPLUGS * (MANY // len(REPLUGS)), strict=True))
            while missing:
                assert time.monotonic() - began < _LONGEST_WAIT, f"their containers have not come back: {missing}"
                for number, name in enumerate(names):
                    if name not in plugged and time.monotonic() - began >= missing[name]:
                        it.adapters.plug(first_of(number))
                        plugged[name] = time.monotonic()
                found = await asyncio.to_thread(it.kubelet.pods)
                for name in plugged.keys() & missing.keys():
                    if _runs_anew(found[name], before[name]):
                        away = missing.pop(name)
                        samples[f"replug after {away} s to container back"].append(time.monotonic() - plugged[name])
                await asyncio.sleep(0.1)
            names = pods.clear()
            await eventually(it.kubelet.pods, partial(_are_gone, set(names)), "pods have ended")
    return samples


async def node_starts(it: Lab, containerd: Containerd, cluster: Cluster, times: int) -> Measured:
    """Whether pods survive a start of the kubelet with nothing running: two static pods, and one of a Deployment."""
    static, deployed = list[float](), list[float]()
    pods = StaticPods()
    async with it.plugin(MANY):
        specs = [_holding(number) for number in range(3)]
        names = [pods.add("static", spec) for spec in specs[:2]]
        cluster.create(deployment("deployed", specs[2]))
        for _ in range(times):
            running = [await it.kubelet.wait_for_pod(name) for name in names]
            running.append(await cluster.wait_for_pod("deployed"))
            before = {name: container_of(pod) for name, pod in zip([*names, _name(running[2])], running, strict=True)}
            it.kill_kubelet()
            containerd.kill_all_tasks()
            began = time.monotonic()
            it.kubelet.start()

            def are_decided(found: dict[str, dict[str, Any]], before: Mapping[str, str] = before) -> bool:
                return all(
                    name in found and (_has_failed(found[name]) or _runs_anew(found[name], container))
                    for name, container in before.items()
                )

            found = await eventually(it.kubelet.pods, are_decided, "all pods run again or have failed")
            survived = [not _has_failed(found[name]) for name in before]
            static += survived[:2]
            deployed += survived[2:]
            assert await it.until(partial(have_one_each, MANY), after=began), "the plugin does not register again"
            for index, name in enumerate(names):
                if not survived[index]:
                    pods.remove(name)
                    names[index] = pods.add("static", specs[index])
        pods.clear()
        cluster.delete_created()
        await eventually(cluster.pods, lambda found: not found, "all pods have ended")
    return {
        "static pods that survive a node's start": static,
        "Deployments' pods that survive a node's start": deployed,
    }


def _holding(resource: int) -> dict[str, Any]:
    devices = {resource_of(resource).removeprefix("squat.ai/"): 1}
    return pod_spec(FOREVER, **devices)


def _are_gone(names: Set[str], found: Mapping[str, object]) -> bool:
    return not found.keys() & names


def _name(pod: Mapping[str, Any]) -> str:
    return str(pod["metadata"]["name"])


def _runs_anew(pod: dict[str, Any], former: str) -> bool:
    return is_running(pod) and container_of(pod) != former


def _has_failed(pod: Mapping[str, Any]) -> bool:
    return bool(pod["status"].get("phase") == "Failed")
