"""One plugin, one kubelet and one host, on which sequences are played one after the other, and judged at every rest."""

import asyncio
import contextlib
import os
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from tests.lab.chaos.confiding import MESSAGE
from tests.lab.chaos.stage import COUNTS, GLOBS, Stage
from tests.lab.chaos.steps import Sequence, Step
from tests.lab.chaos.verdict import Verdict
from tests.lab.host import FakeHost
from tests.lab.node import Landmarks, every, landmarks, sockets, wait_until_listed
from tests.lab.plugin import PluginProcess
from udev_device_plugin.testing.directory import Wipe
from udev_device_plugin.testing.kubelet import Kubelet
from udev_device_plugin.testing.records import AdmissionError, ContainerStartError

PLUGIN = (sys.executable, "-m", "tests.lab.chaos.confiding")
SPECS = tuple(every(*globs, name=name, count=COUNTS[name]) for name, globs in GLOBS.items())
GRACE_PERIODS = ("0", "300ms", "5m")
PATIENCE = 5.0
"""Seconds until what holds at rest must hold: silent changes are found within 1 s, by the rescan."""

MOST_THREADS = 40
"""Python's and gRPC's; the latter keeps up to 32 in its pool, by the number of processors."""

_GLANCE = 0.02
"""Seconds between two looks: some of what is looked at, nobody tells of."""


class ChaosError(AssertionError):
    """Something did not hold; the text says what."""


@dataclass(frozen=True, slots=True)
class Burden:
    """What the plugin has in use at rest, with nothing plugged.

    The threads are Python's: gRPC's own come and go with the machine's load, up to a number that `_trouble` holds to.
    """

    descriptors: int
    threads: int
    watches: int
    tasks: int
    names: tuple[str, ...] = ()

    def excess(self, other: "Burden") -> list[str]:
        """In what it has more than another."""
        kinds = ("descriptors", "threads", "watches", "tasks")
        return [
            f"{kind}: {getattr(other, kind)} before, {getattr(self, kind)} now"
            for kind in kinds
            if getattr(self, kind) > getattr(other, kind)
        ]


class Run:
    """What `running` makes."""

    def __init__(self, stage: Stage, kubelet: Kubelet, plugin: PluginProcess, marks: Landmarks, grace: str) -> None:
        self._stage = stage
        self._kubelet = kubelet
        self._plugin = plugin
        self._marks = marks
        self._verdict = Verdict(stage, kubelet, kubelet.directory, forgets=grace != "5m")
        self._sleep = contextlib.ExitStack()
        self._steps_asleep = 0
        self._fewest: Burden | None = None
        self.grace = grace

    async def play(self, sequence: Sequence) -> None:
        """Play it, judge it, and clear up.

        Raises:
            ChaosError: something did not hold.
        """
        for step in sequence:
            await self._take(step)
        await self._settle()
        self._stage.renew()
        await self._settle()
        await self._clear_up()

    async def _take(self, step: Step) -> None:
        self._verdict.note_lists()
        if self._stage.play(step):
            self._doze()
            return
        if step.what == "overflow":
            self._fall_asleep(step)
            return
        self._wake_up()
        await self._take_kubelets(step)

    async def _take_kubelets(self, step: Step) -> None:
        match step.what:
            case "restart kubelet (all files)" | "restart kubelet (sockets)":
                self._kubelet._wipe = Wipe.ALL_FILES if "files" in step.what else Wipe.SOCKETS
                await self._kubelet.restart()
            case "stop kubelet":
                await self._kubelet.stop()
            case "start kubelet":
                await self._start_kubelet()
            case "disconnect":
                self._kubelet.disconnect(_resource(step))
            case "remove socket":
                self._remove_socket(step)
            case "allocate":
                await self._allocate(step)
            case "release":
                self._release(step)
            case _:
                await self._settle()

    def _remove_socket(self, step: Step) -> None:
        for name in sorted(sockets(self._kubelet.directory))[step.which % 6 :][:1]:
            os.unlink(f"{self._kubelet.directory}/{name}")

    def _release(self, step: Step) -> None:
        if self._verdict.held:
            self._verdict.release([*self._verdict.held][step.which % len(self._verdict.held)])

    async def _allocate(self, step: Step) -> None:
        if not self._kubelet.is_running:
            return
        try:
            async with asyncio.timeout(PATIENCE):
                self._verdict.hold(await self._kubelet.allocate(_resource(step)))
        except ContainerStartError as error:  # it waits
            self._verdict.hold(error.allocation)
        except (
            AdmissionError,
            asyncio.CancelledError,
        ):  # nothing free, or the plugin just comes and goes (grpc's word)
            return

    async def _start_kubelet(self) -> None:
        if not self._kubelet.is_running:
            await self._kubelet.start()

    def _fall_asleep(self, step: Step) -> None:
        """It loses events, and sleeps on for some steps."""
        if not self._steps_asleep:
            self._sleep.enter_context(self._plugin.suspended())
        self._steps_asleep = step.which % 5 + 1
        self._stage.overflow()

    def _doze(self) -> None:
        if self._steps_asleep:
            self._steps_asleep -= 1
            if not self._steps_asleep:
                self._sleep.close()

    def _wake_up(self) -> None:
        self._steps_asleep = 0
        self._sleep.close()

    async def _settle(self) -> None:
        """Wait until everything holds, and still does when the plugin has heard of every path so far."""
        self._wake_up()
        await self._start_kubelet()
        deadline = time.monotonic() + PATIENCE
        await self._look_until(deadline)
        try:
            await self._marks.pass_one(self._kubelet)
        except TimeoutError as error:
            raise ChaosError(str(error)) from error
        await self._look_until(deadline)

    async def _look_until(self, deadline: float) -> None:
        while True:
            look = await self._verdict.look()
            faults = self._trouble() + look.faults
            if not faults:
                self._verdict.remember(look)
                return
            if time.monotonic() > deadline or not self._plugin.is_running():
                raise ChaosError("\n".join(faults))
            await asyncio.sleep(_GLANCE)

    def _trouble(self) -> list[str]:
        here = sockets(self._kubelet.directory)
        faults = [] if len(here) == len(GLOBS) + 1 else [f"sockets: {sorted(here)}"]
        if not self._plugin.is_running():
            faults.insert(0, f"the plugin has ended: {self._plugin.said()[-6000:]}")
        elif (threads := self._plugin.cost().threads) > MOST_THREADS:
            faults.append(f"threads: {threads}")
        # grpc's C core tells of hang-ups there, which are the kubelet's restarts.
        return faults + [line for line in self._plugin.errors if not re.match(r"I\d{4} .*(goaway|GOAWAY)", line)]

    async def _clear_up(self) -> None:
        """Unplug everything, end all pods, and see whether the plugin is as it was in the beginning."""
        for id_ in list(self._verdict.held):
            self._verdict.release(id_)
        self._stage.clear()
        await self._settle()
        deadline = time.monotonic() + PATIENCE
        while True:
            now = await self._burden()
            if self._fewest is None:
                self._fewest = await self._most()
            if not (excess := now.excess(self._fewest)):
                return
            if time.monotonic() > deadline:
                more = Counter(now.names) - Counter(self._fewest.names)
                raise ChaosError(f"leaked: {'; '.join(excess)}; tasks that are new: {dict(more)}")
            await asyncio.sleep(_GLANCE)

    async def _most(self) -> Burden:
        """The most of some moments: a stream that has just sent a list does not wait for the next one yet."""
        burdens = []
        for _ in range(5):
            burdens.append(await self._burden())
            await self._marks.pass_one(self._kubelet)
            await asyncio.sleep(_GLANCE)
        most = max(burdens, key=lambda burden: burden.tasks)
        return replace(
            most,
            descriptors=max(burden.descriptors for burden in burdens),
            threads=max(burden.threads for burden in burdens),
            watches=max(burden.watches for burden in burdens),
        )

    async def _burden(self) -> Burden:
        cost, seen = self._plugin.cost(), len(self._plugin.log)
        self._plugin.signal(signal.SIGUSR1)
        line = await self._plugin.wait_for_message(MESSAGE, after=seen)
        return Burden(
            cost.descriptors,
            line.fields["threads"],
            _watches(self._plugin.pid),
            line.fields["tasks"],
            tuple(line.fields["names"]),
        )


@asynccontextmanager
async def running(host: FakeHost, directory: str, grace: str) -> AsyncIterator[Run]:
    """A plugin that has met its kubelet, on a host with nothing plugged."""
    host.clear()
    socket = f"{directory}/pods/kubelet.sock"
    arguments = ("--removal-grace-period", grace, "--rescan-interval", "1s", "--pod-resources-socket", socket)
    devices = [argument for spec in SPECS for argument in ("--device", spec)]
    with landmarks() as marks:
        plugin = PluginProcess(
            *devices,
            "--device",
            marks.spec,
            "--plugin-directory",
            directory,
            "--listen",
            "",
            *arguments,
            command=PLUGIN,
        )
        plugin.is_quiet = True
        async with Kubelet(directory, pod_resources_socket=socket, seed=1) as kubelet, plugin:
            await wait_until_listed(kubelet, *SPECS, marks.spec)
            run = Run(Stage(host), kubelet, plugin, marks, grace)
            await run.play((Step("plug"), Step("restart kubelet (sockets)"), Step("settle")))  # grpc warms up
            yield run


def _resource(step: Step) -> str:
    return f"squat.ai/{[*GLOBS][step.which % len(GLOBS)]}"


def _watches(pid: int) -> int:
    """How many inotify watches a process has."""
    count = 0
    for descriptor in os.listdir(f"/proc/{pid}/fdinfo"):
        with contextlib.suppress(FileNotFoundError), open(f"/proc/{pid}/fdinfo/{descriptor}") as info:
            count += sum(line.startswith("inotify") for line in info)
    return count
