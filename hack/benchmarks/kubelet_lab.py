"""A real kubelet, the plugin as a process of the host, and adapters: the lab of `tests/kubelet`, to be measured in.

When the kubelet has a list, its log says.
"""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, time as datetime_time
from functools import partial

from inotify_simple import INotify, flags

from hack.benchmarks.adapters import FIRST, RealAdapters
from hack.benchmarks.node import resource_of
from hack.benchmarks.programs import Program
from tests.lab.kubelet.containers import Containerd
from tests.lab.kubelet.node import LIST, PLUGIN_DIRECTORY, SOCKET, KubeletProcess, accepts
from tests.lab.kubelet.processes import LOGS, ends_of_logs, succeeds

EACH = 10
"""So many adapters there can be for each resource."""

_PATIENCE = 30.0  # seconds
CALM_KUBELET = 1.0  # seconds after a kubelet's start until it does nothing more

Counts = Mapping[str, int]
"""How many healthy devices each resource has."""

Measured = Mapping[str, list[float]]
"""Samples by figure."""


class Lab:
    """A kubelet that runs, and adapters: resource `i` is for the adapter `i * EACH` and the nine after it."""

    def __init__(self, checkout: str, kubelet: KubeletProcess, adapters: RealAdapters) -> None:
        self._checkout, self.kubelet, self.adapters = checkout, kubelet, adapters
        self._history: list[tuple[float, Counts]] = []
        self._news = asyncio.Event()
        self._log = open(kubelet.log_file)  # noqa: SIM115 - as long as the lab
        self._log.seek(0, os.SEEK_END)
        self._rest = ""  # the beginning of a line
        self._inotify = INotify()
        self._inotify.add_watch(kubelet.log_file, flags.MODIFY)
        asyncio.get_running_loop().add_reader(self._inotify.fileno(), self._read)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._inotify.fileno())
        self._inotify.close()
        self._log.close()

    def _read(self) -> None:
        self._inotify.read(timeout=0)
        lines, _, self._rest = (self._rest + self._log.read()).rpartition("\n")
        for time_of_day, resource, count in LIST.findall(lines):
            former = self._history[-1][1] if self._history else {}
            self._history.append((_monotonic(time_of_day), {**former, resource: int(count)}))
            self._news.set()

    def _forget_lists(self) -> None:
        self._read()
        self._history.clear()

    async def until(
        self, is_it: Callable[[Counts], bool], *, after: float = 0, patience: float = _PATIENCE
    ) -> float | None:
        """When the kubelet first had lists that are it, since a moment or since it or the plugin started; or None."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while True:
                    for when, counts in self._history:
                        if when >= after and is_it(counts):
                            return when
                    self._news.clear()
                    await self._news.wait()
        for title, text in ends_of_logs():
            print(f"--- {title}\n{text}", file=sys.stderr)
        return None

    @asynccontextmanager
    async def plugin(self, count: int, nice: int = 0) -> AsyncIterator[None]:
        """The checkout's plugin as a process of the host, with so many resources; each has an adapter."""
        paths = (f"/dev/serial/by-id/*_R0N{FIRST // EACH + number}?-*" for number in range(count))
        specs = (f'{{"type":"serial-{number}","paths":["{path}"]}}' for number, path in enumerate(paths))
        devices = [argument for spec in specs for argument in ("--device", spec)]
        options = ("--plugin-directory", PLUGIN_DIRECTORY, "--listen", "127.0.0.1:0", "--removal-grace-period", "0s")
        program = ("udev_device_plugin", *devices, *options)
        self.adapters.plug(*map(first_of, range(count)))
        async with self._registered(
            Program(*program, output=f"{LOGS}/plugin.log", checkout=self._checkout, nice=nice), count
        ):
            yield
        self.adapters.unplug_all()

    @asynccontextmanager
    async def bare_plugin(self, count: int) -> AsyncIterator[None]:
        """The least that a device plugin can do, for the same resources."""
        program = ("hack.benchmarks.bare_plugin", PLUGIN_DIRECTORY, *map(resource_of, range(count)))
        async with self._registered(Program(*program, output=f"{LOGS}/bare-plugin.log"), count):
            yield

    @asynccontextmanager
    async def _registered(self, program: Program, count: int) -> AsyncIterator[None]:
        self._forget_lists()
        async with program:
            assert await self.until(partial(have_one_each, range(count))), "it does not register"
            await asyncio.sleep(CALM_KUBELET)
            yield

    def kill_kubelet(self) -> None:
        """Kill it: it has no lists any more."""
        self.kubelet.kill()
        self._forget_lists()

    async def restart_kubelet(self, absence: float = 0) -> float:
        """Kill it, and start it: when its socket accepts."""
        self.kill_kubelet()
        await asyncio.sleep(absence)
        self.kubelet.start_alone()
        while not succeeds(lambda: accepts(SOCKET)):
            await asyncio.sleep(0.001)
        return time.monotonic()


def _monotonic(time_of_day: str) -> float:
    """A moment of today, 13:06:48.098226, by the clock that all processes share."""
    now = datetime.now()  # noqa: DTZ005 - as in the log
    return time.monotonic() - (now - datetime.combine(now, datetime_time.fromisoformat(time_of_day))).total_seconds()


def first_of(resource: int) -> int:
    """The number of a resource's first adapter."""
    return FIRST + resource * EACH


def have_one_each(resources: Iterable[int], counts: Counts) -> bool:
    """Whether each of these resources has a healthy device."""
    return all(counts.get(resource_of(number)) for number in resources)


@asynccontextmanager
async def lab(checkout: str, kubelet: KubeletProcess, containerd: Containerd) -> AsyncIterator[Lab]:
    """In the end nothing is plugged, and no container runs."""
    kubelet.start()
    with RealAdapters() as adapters:
        it = Lab(checkout, kubelet, adapters)
        try:
            yield it
        finally:
            it.close()
            kubelet.kill()
            containerd.kill_all_tasks()
