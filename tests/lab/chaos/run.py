"""One plugin, one kubelet and one host, on which sequences are played one after the other, and judged at every rest."""

import asyncio
import os
import signal
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

from tests.lab.chaos.resources import OTHERWISE, Settings, configuration
from tests.lab.chaos.stage import Stage
from tests.lab.chaos.steps import Sequence, Step
from tests.lab.chaos.subject import Burden, Subject
from tests.lab.chaos.verdict import Verdict
from tests.lab.host import FakeHost
from tests.lab.node import Landmarks, is_listed, landmarks, sockets
from tests.lab.sysfs import empty
from udev_device_plugin.testing.directory import Wipe
from udev_device_plugin.testing.kubelet import Kubelet
from udev_device_plugin.testing.records import AdmissionError, ContainerStartError

GRACE_PERIODS = ("0", "300ms", "5m")
RESCANS = ("0", "1s")
PATIENCE = 15.0
"""Seconds until what holds at rest must hold, on a machine however busy."""

PATIENCE_AT_START = 30.0
"""Seconds until a process that may only just have begun has met the kubelet, on a busy machine."""

PLUGINS = ("kill plugin", "terminate plugin", "reload", "drop and add", "select otherwise")
"""What happens to the plugin itself."""

_GLANCE = 0.02
"""Seconds between two looks: some of what is looked at, nobody tells of."""


class ChaosError(AssertionError):
    """Something did not hold; the text says what."""


class Run:
    """What `running` makes."""

    def __init__(self, stage: Stage, kubelet: Kubelet, subject: Subject, marks: Landmarks, settings: Settings) -> None:
        self._stage = stage
        self._kubelet = kubelet
        self._subject = subject
        self._marks = marks
        self._verdict = Verdict(stage, kubelet, settings.names, forgets=settings.grace != "5m")
        self._fewest: Burden | None = None
        self._settings = self._first_settings = settings

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
            self._subject.doze()
            return
        if step.what == "overflow":  # it loses events, and sleeps on for some steps
            self._subject.fall_asleep(step.which % 5 + 1)
            self._stage.overflow()
            return
        self._subject.wake_up()
        await (self._take_plugins(step) if step.what in PLUGINS else self._take_kubelets(step))

    async def _take_plugins(self, step: Step) -> None:
        match step.what:
            case "kill plugin":
                await self._restart(signal.SIGKILL)
            case "terminate plugin":
                await self._restart(signal.SIGTERM)
            case "reload":
                grace, rescan = GRACE_PERIODS[step.which % len(GRACE_PERIODS)], RESCANS[step.where % len(RESCANS)]
                await self._set(self._settings._replace(grace=grace, rescan=rescan))
            case "drop and add":
                await self._drop_and_add(self._name(step))
            case "select otherwise":
                await self._set(self._settings._replace(otherwise=not self._settings.otherwise))

    async def _restart(self, number: signal.Signals) -> None:
        """Have another process."""
        code = await self._subject.end(number)
        if code and number is signal.SIGTERM:
            raise ChaosError(f"exit code {code}")
        await self._kubelet.wait_until(self._is_alone)
        await self._subject.start_again()
        self._verdict.begin_anew()
        self._fewest = None  # what grpc makes once for a process differs by what it meets first

    async def _set(self, settings: Settings) -> None:
        before, self._settings = self._settings, settings
        await self._subject.configure(self._marks.beside(configuration(settings)))
        self._verdict.change_mind(forgets=settings.grace != "5m")
        if settings.otherwise != before.otherwise:
            self._verdict.select_otherwise(*OTHERWISE)

    async def _drop_and_add(self, name: str) -> None:
        await self._subject.configure(self._marks.beside(configuration(self._settings, without=name)))
        await self._subject.configure(self._marks.beside(configuration(self._settings)))
        self._verdict.begin_anew(name)

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
                self._kubelet.disconnect(self._resource(step))
            case "remove socket":
                self._remove_socket(step)
            case "wipe directory":
                await self._kubelet.stop()
                empty(self._kubelet.directory)
                await self._kubelet.start()
            case "allocate":
                await self._allocate(step)
            case "release":
                self._release(step)
            case _:
                await self._settle()

    def _name(self, step: Step) -> str:
        return self._settings.names[step.which % len(self._settings.names)]

    def _resource(self, step: Step) -> str:
        return f"squat.ai/{self._name(step)}"

    def _is_alone(self, kubelet: Kubelet) -> bool:
        """Whether a kubelet knows that there is no plugin."""
        return not any(kubelet.resource(f"squat.ai/{name}").connected for name in self._settings.names)

    def _remove_socket(self, step: Step) -> None:
        for name in sorted(sockets(self._kubelet.directory))[step.which % len(self._settings.names) :][:1]:
            with suppress(FileNotFoundError):  # the plugin may have just replaced it
                os.unlink(f"{self._kubelet.directory}/{name}")

    def _release(self, step: Step) -> None:
        if self._verdict.held:
            self._verdict.release([*self._verdict.held][step.which % len(self._verdict.held)])

    async def _allocate(self, step: Step) -> None:
        if not self._kubelet.is_running:
            return
        try:
            async with asyncio.timeout(PATIENCE):
                self._verdict.hold(await self._kubelet.allocate(self._resource(step)))
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

    async def _settle(self) -> None:
        """Wait until everything holds, and still does when the plugin has heard of every path so far."""
        self._subject.wake_up()
        await self._start_kubelet()
        try:
            await self._kubelet.wait_until(is_met(self._settings.names), timeout=PATIENCE_AT_START)
            deadline = time.monotonic() + PATIENCE
            await self._look_until(deadline)
            await self._marks.pass_one(self._kubelet)
        except TimeoutError as error:
            raise ChaosError(f"{error}\n{self._subject.process.said()[-3000:]}") from error
        await self._look_until(deadline)

    async def _look_until(self, deadline: float) -> None:
        while True:
            look = await self._verdict.look()
            faults = self._trouble() + look.faults
            if not faults:
                self._verdict.remember(look)
                return
            if time.monotonic() > deadline or not self._subject.is_running:
                raise ChaosError("\n".join(faults))
            await asyncio.sleep(_GLANCE)

    def _trouble(self) -> list[str]:
        here = sockets(self._kubelet.directory)
        faults = [] if len(here) == len(self._settings.names) + 1 else [f"sockets: {sorted(here)}"]
        return [*faults, *self._subject.trouble()]

    async def _clear_up(self) -> None:
        """Unplug everything, end all pods, and see whether the plugin is as it was in the beginning."""
        for id_ in list(self._verdict.held):
            self._verdict.release(id_)
        self._stage.clear()
        await self._settle()
        if self._settings != self._first_settings:
            await self._set(self._first_settings)
        deadline = time.monotonic() + PATIENCE
        while True:
            now = await self._subject.burden()
            if self._fewest is None:
                self._fewest = await self._most()
            if not (excess := now.excess(self._fewest)):
                return
            if time.monotonic() > deadline:
                tasks = dict(Counter(now.names) - Counter(self._fewest.names))
                files = dict(Counter(now.files) - Counter(self._fewest.files))
                raise ChaosError(f"leaked: {'; '.join(excess)}; new: {tasks}, {files}")
            await asyncio.sleep(_GLANCE)

    async def _most(self) -> Burden:
        """The most of some moments: a stream that has just sent a list does not wait for the next one yet."""
        burdens = []
        for _ in range(5):
            burdens.append(await self._subject.burden())
            await self._marks.pass_one(self._kubelet)
            await asyncio.sleep(_GLANCE)
        most = max(burdens, key=lambda burden: burden.tasks)
        return replace(
            most,
            descriptors=max(burden.descriptors for burden in burdens),
            threads=max(burden.threads for burden in burdens),
            watches=max(burden.watches for burden in burdens),
        )


@asynccontextmanager
async def running(host: FakeHost, directory: str, settings: Settings) -> AsyncIterator[Run]:
    """A plugin that has met its kubelet, on a host with nothing plugged."""
    host.clear()
    socket = f"{directory}/pods/kubelet.sock"
    with landmarks() as marks, tempfile.TemporaryDirectory(prefix="config-", dir="/run") as folder:
        subject = Subject(
            Path(folder, "config.yaml"), "--plugin-directory", directory, "--pod-resources-socket", socket
        )
        subject.write(marks.beside(configuration(settings)))
        async with Kubelet(directory, pod_resources_socket=socket, seed=1) as kubelet, subject:
            await kubelet.wait_until(is_met(settings.names), timeout=PATIENCE_AT_START)
            run = Run(Stage(host), kubelet, subject, marks, settings)
            await run.play((Step("plug"), Step("restart kubelet (sockets)"), Step("settle")))  # grpc warms up
            yield run


def is_met(names: Iterable[str]) -> Callable[[Kubelet], bool]:
    """Whether all that is offered is registered with a kubelet, and has sent a list."""
    return lambda kubelet: all(is_listed(kubelet, f"squat.ai/{name}") for name in names)
