"""A program, in the lab of a real kubelet: tells all stories of one checkout, beside so many busy loops.

`python -m hack.benchmarks.kubelet_inside FILE full|quick CHECKOUT LOOPS`. The samples go into FILE, by figure.
"""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from hack.benchmarks.figures import Samples
from hack.benchmarks.kubelet_lab import Measured, lab
from hack.benchmarks.kubelet_pods import node_starts, replugs
from hack.benchmarks.kubelet_stories import late_plugs, plugs, restarts
from tests.lab.kubelet.cluster import Cluster
from tests.lab.kubelet.containers import Containerd
from tests.lab.kubelet.node import KubeletProcess


@dataclass(frozen=True, slots=True)
class Amounts:
    """How often each story is told; and for how long each stick is away that is replugged, in seconds.

    With each refusal to start its container the kubelet waits longer, until after 240 s it does not ask for a minute.
    """

    plugs: int = 100
    restarts: int = 20
    absences: tuple[int, ...] = (*(3, 20, 45, 100) * 10, *(240,) * 3)
    starts: int = 20


QUICK = Amounts(plugs=5, restarts=4, absences=(3, 20), starts=2)


def main(path: str, how: str, checkout: str, loops: str) -> None:
    with _busy(int(loops)):
        # Kept waiting for a CPU, it would see late that a kubelet accepts, and make the plugin look faster than it is.
        with contextlib.suppress(PermissionError):
            os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))
        samples = asyncio.run(_measured(checkout, QUICK if how == "quick" else Amounts()))
    with open(path, "w") as file:
        json.dump(samples, file)


async def _measured(checkout: str, amounts: Amounts) -> Samples:
    samples = dict[str, list[float]]()
    containerd, cluster = Containerd(), Cluster()
    with contextlib.ExitStack() as stack:
        containerd.start()
        stack.callback(containerd.kill)
        async with lab(checkout, KubeletProcess(), containerd) as it:
            samples |= await _told(plugs, it, amounts.plugs)
            samples |= await _told(restarts, it, amounts.restarts)
            samples |= await _told(late_plugs, it, amounts.restarts)
        # With the back-off that kubelets have, which the tests shorten.
        async with lab(checkout, KubeletProcess(crashLoopBackOff={}), containerd) as it:
            samples |= await _told(replugs, it, containerd, amounts.absences)
        cluster.start()
        stack.callback(cluster.kill)
        async with lab(checkout, KubeletProcess(cluster.kubeconfig), containerd) as it:
            samples |= await _told(node_starts, it, containerd, cluster, amounts.starts)
    return samples


async def _told(story: Callable[..., Awaitable[Measured]], *arguments: object) -> Measured:
    print(f"{time.strftime('%T')} {story.__name__} …", flush=True)
    return await story(*arguments)


@contextmanager
def _busy(loops: int) -> Iterator[None]:
    running = [subprocess.Popen((sys.executable, "-c", "while True: pass")) for _ in range(loops)]
    try:
        yield
    finally:
        for loop in running:
            loop.kill()
            loop.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
