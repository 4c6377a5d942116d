"""What users want of the plugin beside a real kubelet, again and again: lists, registrations, containers that run.

Each story yields samples by figure: milliseconds, seconds, or 1 and 0 for what went well or did not.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Set
from functools import partial
from typing import Any

from hack.benchmarks import listener
from hack.benchmarks.kubelet_lab import CALM_KUBELET, Counts, Lab, first_of, have_one_each
from hack.benchmarks.node import CALM, MANY, resource_of
from hack.benchmarks.programs import Program
from tests.lab.kubelet.cluster import Cluster
from tests.lab.kubelet.containers import Containerd
from tests.lab.kubelet.node import container_of, is_running
from tests.lab.kubelet.pods import FOREVER, StaticPods, deployment, pod_spec
from tests.lab.kubelet.processes import LOGS, eventually

Measured = Mapping[str, list[float]]

REPLUGS = (3, 20, 45, 100)
"""Seconds for which a stick is away: with each refusal to start its container, the kubelet waits longer."""

_LOST_AFTER = 5.0  # seconds: then a plug counts as lost
_LONGEST_WAIT = 360.0  # seconds: the kubelet's longest back-off, and a while
_LATE = first_of(0) + 1  # the adapter that comes and goes, for a resource that has another one


async def plugs(it: Lab, times: int) -> Measured:
    """Milliseconds from when a bare listener has udev's event until the kubelet has the new list."""
    plugged, unplugged = list[float](), list[float]()
    bare = Program("hack.benchmarks.listener", it.adapters.subsystem, output=f"{LOGS}/listener.log")

    def events(action: str) -> list[float]:
        fields = [line.split() for line in bare.lines()[1:]]
        return [float(when) for when, kind, name in fields if (kind, name) == (action, f"{it.adapters.prefix}{_LATE}")]

    async def delay(order: Callable[[int], None], action: str, healthy: int) -> float:
        before, began = len(events(action)), time.monotonic()
        order(_LATE)
        listed = await it.until(lambda counts: _healthy(counts) == healthy, after=began)
        assert listed is not None, f"the kubelet does not hear of {action}"
        await bare.said(lambda _: len(events(action)) > before)
        await asyncio.sleep(CALM)
        return (listed - events(action)[before]) * 1000

    async with it.plugin(1), bare:
        await bare.said(lambda lines: listener.READY in lines)
        for _ in range(times):
            plugged.append(await delay(it.adapters.plug, "add", 2))
            unplugged.append(await delay(it.adapters.unplug, "remove", 1))
    return {"plug": plugged, "unplug": unplugged}


async def restarts(it: Lab, times: int) -> Measured:
    """Milliseconds from when the kubelet's socket accepts until it has all lists; and one plug right after that.

    How long the kubelet is away, and when the adapter is plugged, differs from turn to turn.
    """
    samples = dict[str, list[float]]()
    late, lost, missing = list[float](), list[float](), list[float]()
    for count, name in ((1, "1 resource"), (MANY, f"{MANY} resources")):
        back = samples[f"kubelet restart to all lists, {name}"] = []
        async with it.plugin(count):
            for turn in range(times):
                accepting = await it.restart_kubelet(turn % 10 * 0.05)
                await asyncio.sleep(turn * 0.002)
                plugged = time.monotonic()
                it.adapters.plug(_LATE)
                all_listed = await it.until(partial(have_one_each, count), after=accepting)
                missing.append(float(all_listed is None))
                if all_listed is not None:
                    back.append((all_listed - accepting) * 1000)
                listed = await it.until(lambda counts: _healthy(counts) == 2, after=accepting, patience=_LOST_AFTER)
                lost.append(float(listed is None))
                if listed is not None:
                    late.append((listed - plugged) * 1000)
                it.adapters.unplug(_LATE)
                await asyncio.sleep(CALM_KUBELET)
    return samples | {
        "kubelet restarts that leave a list missing": missing,
        "plug right after a kubelet restart": late,
        "plugs right after a kubelet restart, lost": lost,
    }


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


def _healthy(counts: Counts) -> int:
    return counts.get(resource_of(0), 0)


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
