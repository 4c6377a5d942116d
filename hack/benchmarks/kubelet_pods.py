"""What becomes of pods that hold devices, beside a real kubelet: sticks come back after a while, the node starts anew.

Each story is told again and again, and yields samples by figure: seconds, or 1 and 0 for what went well or did not.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from configparser import ConfigParser
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from hack.benchmarks.kubelet_lab import Lab, Measured, first_of, have_one_each
from hack.benchmarks.node import MANY, resource_of
from tests.lab.kubelet.cluster import Cluster
from tests.lab.kubelet.containers import Containerd
from tests.lab.kubelet.node import container_of, is_running
from tests.lab.kubelet.pods import FOREVER, StaticPods, deployment, pod_spec
from tests.lab.kubelet.processes import eventually

UNIT = "manifests/systemd/udev-device-plugin.service"

_SPACING = 5.0  # seconds between two sticks that go, so that few containers start at one time
_LOOK_EVERY = 0.1  # seconds
_LONGEST_WAIT = 360.0  # seconds: the kubelet's longest back-off, and a while


@asynccontextmanager
async def holding_pods(it: Lab, resources: Iterable[int]) -> AsyncIterator[Mapping[str, str]]:
    """Static pods that hold a device of each of these resources: their names and containers. They end with it."""
    pods = StaticPods()
    names = [pods.add("holding", _holding(number)) for number in resources]
    yield {name: container_of(await it.kubelet.wait_for_pod(name)) for name in names}
    pods.clear()
    await eventually(it.kubelet.pods, lambda found: not found.keys() & set(names), "the pods have ended")


async def replugs(it: Lab, containerd: Containerd, absences: Sequence[int]) -> Measured:
    """Seconds from a replug until the container runs again that ended when the stick went. A stick for each absence."""
    samples: dict[str, list[float]] = {_replug(away): [] for away in sorted(absences)}
    found, waiting = dict[str, dict[str, Any]](), set[str]()

    async def look() -> None:
        while True:
            if waiting:
                found.update(await asyncio.to_thread(it.kubelet.pods))
            await asyncio.sleep(_LOOK_EVERY)

    async def replug(number: int, away: int, name: str, former: str) -> None:
        await asyncio.sleep(number * _SPACING)
        it.adapters.unplug(first_of(number))
        await asyncio.to_thread(containerd.kill_task, former)
        await asyncio.sleep(away)
        assert not _runs_anew((await asyncio.to_thread(it.kubelet.pods))[name], former), (
            f"{name} runs without its stick"
        )
        it.adapters.plug(first_of(number))
        plugged = time.monotonic()
        waiting.add(name)
        async with asyncio.timeout(_LONGEST_WAIT):
            while not (name in found and _runs_anew(found[name], former)):
                await asyncio.sleep(_LOOK_EVERY / 2)
        waiting.remove(name)
        samples[_replug(away)].append(time.monotonic() - plugged)

    # Those that are away for long go first: the others come and go meanwhile.
    in_order = sorted(absences, reverse=True)
    async with it.plugin(len(absences)), holding_pods(it, range(len(absences))) as pods, asyncio.TaskGroup() as group:
        looking = group.create_task(look())
        each = zip(in_order, pods.items(), strict=True)
        await asyncio.gather(*(replug(number, away, *pod) for number, (away, pod) in enumerate(each)))
        looking.cancel()
    return samples


async def node_starts(it: Lab, containerd: Containerd, cluster: Cluster, times: int) -> Measured:
    """Whether pods survive a start of the kubelet with nothing running: two static pods, and one of a Deployment."""
    static, deployed = list[float](), list[float]()
    pods = StaticPods()
    async with it.plugin(MANY, _nice()):
        specs = [_holding(number) for number in range(3)]
        names = [pods.add("static", spec) for spec in specs[:2]]
        cluster.create(deployment("deployed", specs[2]))
        for _ in range(times):
            running = [await it.kubelet.wait_for_pod(name) for name in names]
            running.append(await cluster.wait_for_pod("deployed"))
            before = {name: container_of(pod) for name, pod in zip([*names, _name(running[2])], running, strict=True)}
            it.kill_kubelet()
            containerd.kill_all_tasks()
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
            assert await it.until(partial(have_one_each, range(MANY))), "the plugin does not register again"
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


def _nice() -> int:
    """The scheduling priority that the plugin has as a service of the host."""
    unit = ConfigParser(strict=False, interpolation=None)
    unit.read(UNIT)
    return unit.getint("Service", "Nice")


def _holding(resource: int) -> dict[str, Any]:
    devices = {resource_of(resource).removeprefix("squat.ai/"): 1}
    return pod_spec(FOREVER, **devices)


def _replug(away: int) -> str:
    return f"replug after {away} s to container back"


def _name(pod: Mapping[str, Any]) -> str:
    return str(pod["metadata"]["name"])


def _runs_anew(pod: dict[str, Any], former: str) -> bool:
    return is_running(pod) and container_of(pod) != former


def _has_failed(pod: Mapping[str, Any]) -> bool:
    return bool(pod["status"].get("phase") == "Failed")
