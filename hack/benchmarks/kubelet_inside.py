"""A program, in the lab of a real kubelet: tells all stories of one checkout, beside so many busy loops.

`python -m hack.benchmarks.kubelet_inside FILE full|quick CHECKOUT LOOPS`. The samples go into FILE, by figure.
"""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from hack.benchmarks.figures import Samples
from hack.benchmarks.kubelet_lab import lab
from hack.benchmarks.kubelet_pods import node_starts, replugs
from hack.benchmarks.kubelet_stories import plugs, restarts
from tests.lab.kubelet.cluster import Cluster
from tests.lab.kubelet.containers import Containerd
from tests.lab.kubelet.node import KubeletProcess


@dataclass(frozen=True, slots=True)
class Amounts:
    """How often each story is told; sticks are replugged 20 at a time."""

    plugs: int = 100
    restarts: int = 20
    replugs: int = 1
    starts: int = 20


QUICK = Amounts(plugs=5, restarts=3, replugs=0, starts=2)


def main(path: str, how: str, checkout: str, loops: str) -> None:
    with _busy(int(loops)):
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
            samples |= await plugs(it, amounts.plugs)
            samples |= await restarts(it, amounts.restarts)
        # With the back-off that kubelets have, which the tests shorten.
        async with lab(checkout, KubeletProcess(crashLoopBackOff={}), containerd) as it:
            samples |= await replugs(it, containerd, amounts.replugs)
        cluster.start()
        stack.callback(cluster.kill)
        async with lab(checkout, KubeletProcess(cluster.kubeconfig), containerd) as it:
            samples |= await node_starts(it, containerd, cluster, amounts.starts)
    return samples


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
