"""An embedded kubelet: what a device plugin meets on a node, without Kubernetes.

A real Registration server on ``<directory>/kubelet.sock``, a real client of the plugins' streams and, if wanted, a real
PodResourcesLister, faithful to the device managers of kubelet 1.32 and 1.36, their faults included. This module only
connects the others. Everything runs on the event loop that ``start`` ran on.

    async with Kubelet(directory) as kubelet:
        await kubelet.wait_for_devices("example.com/serial", healthy=2)
        allocation = await kubelet.allocate("example.com/serial")
"""

import asyncio
import itertools
import os
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

from udev_device_plugin.testing.admission import Admission
from udev_device_plugin.testing.book import Book
from udev_device_plugin.testing.client import PluginClient
from udev_device_plugin.testing.directory import Wipe, clear, prepare_socket, write_checkpoint
from udev_device_plugin.testing.lister import Lister
from udev_device_plugin.testing.misbehaviour import Misbehaviour
from udev_device_plugin.testing.records import Allocation, Container, ListReceived, ResourceView
from udev_device_plugin.testing.registrar import Registrar
from udev_device_plugin.testing.server import Server
from udev_device_plugin.testing.waiting import Watchers


class Kubelet:
    """A kubelet with nothing but a device manager, on any directory.

    Args:
        directory: the plugin directory; made if it is not there.
        wipe: what a start deletes in it.
        dial_timeout: seconds until a registration fails whose endpoint does not answer.
        pre_start_timeout: seconds that a plugin has for ``PreStartContainer``; a real one gives 30, in which plugins
            may keep a container waiting.
        stop_grace_period: seconds until a resource without a plugin is forgotten, when next looked at.
        seed: makes the choice and the order of device IDs repeatable.
        pod_resources_socket: where ``List`` of the pod-resources API is answered, in a directory of its own, which is
            made if it is not there; None: nowhere.

    Attributes:
        misbehaviour: switches for what goes wrong with real kubelets.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        *,
        wipe: Wipe = Wipe.ALL_FILES,
        dial_timeout: float = 10.0,
        pre_start_timeout: float = 5.0,
        stop_grace_period: float = 300.0,
        seed: int | None = None,
        pod_resources_socket: str | os.PathLike[str] | None = None,
    ) -> None:
        self.directory = os.path.abspath(directory)
        self.misbehaviour = Misbehaviour()
        self._wipe = wipe
        self._dial_timeout = dial_timeout
        self._watchers = Watchers()
        self._book = Book(stop_grace_period, self._watchers.changed, self._write_checkpoint)
        self._admission = Admission(self._book, self._find_client, seed, pre_start_timeout=pre_start_timeout)
        self._lister = self._make_lister(pod_resources_socket)
        self._pods = itertools.count(1)
        self._server: Server | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def is_running(self) -> bool:
        """Between ``start`` and ``stop``."""
        return self._server is not None

    async def start(self) -> None:
        """Clear the directory, then create ``kubelet.sock``: the order that plugins rely on."""
        if self._server is not None:
            raise RuntimeError(f"the kubelet on {self.directory} runs already; stop it first")
        clear(self.directory, self._wipe)
        self._book.begin()
        registrar = Registrar(self.directory, self._book, self.misbehaviour, self._dial_timeout)
        self._server = Server(self.directory, registrar, self._present_lister())
        await self._server.start()

    async def stop(self) -> None:
        """End as a killed kubelet: streams end, its sockets stay behind, and nothing else."""
        server, self._server = self._server, None
        if server is None:
            return
        await server.stop()
        for name in self._book.names:
            self._book.disconnected(name)

    async def restart(self) -> None:
        """Stop and start: plugins are forgotten, allocations stay."""
        await self.stop()
        await self.start()

    def disconnect(self, resource: str) -> None:
        """Drop a resource's plugin, as real kubelets do when an older stream of the resource ends."""
        if self._server is not None:
            self._server.registrar.disconnect(resource)

    @property
    def resources(self) -> tuple[str, ...]:
        """Names of the resources that the node status would show, sorted."""
        return self._book.names

    def resource(self, name: str) -> ResourceView:
        """Return a resource as it is now; one that was never registered has no devices and is not connected."""
        return self._book.view(name)

    @property
    def history(self) -> tuple[ListReceived, ...]:
        """All lists received since the start, oldest first."""
        return self._book.history

    @property
    def pod_resources_calls(self) -> int:
        """How often ``List`` was called, answered or not; a restart does not reset it."""
        return 0 if self._lister is None else self._lister.calls

    async def wait_until(
        self,
        predicate: "Callable[[Kubelet], bool]",
        *,
        timeout: float = 10.0,  # noqa: ASYNC109 - the error is to say what the kubelet sees
    ) -> None:
        """Wait until the predicate holds; it is evaluated after every change, so it may see a passing state.

        Raises:
            TimeoutError: it did not; the text says what the kubelet sees instead.
        """
        try:
            async with asyncio.timeout(timeout):
                await self._watchers.wait(lambda: predicate(self))
        except TimeoutError as error:
            raise TimeoutError(f"not within {timeout:g} s; the kubelet sees: {self}") from error

    async def wait_for_devices(
        self,
        resource: str,
        *,
        healthy: int | None = None,
        unhealthy: int | None = None,
        timeout: float = 10.0,  # noqa: ASYNC109 - as in wait_until
    ) -> ResourceView:
        """Wait until a resource has just so many healthy and unhealthy devices, either if given."""

        def is_met(kubelet: Kubelet) -> bool:
            view = kubelet.resource(resource)
            missing = view.capacity - view.allocatable
            return healthy in {None, view.allocatable} and unhealthy in {None, missing}

        await self.wait_until(is_met, timeout=timeout)
        return self.resource(resource)

    async def allocate(
        self,
        resource: str,
        count: int = 1,
        *,
        ids: Iterable[str] | None = None,
        must_include: Iterable[str] = (),
        pod: str | None = None,
        namespace: str = "default",
        container: str = "main",
    ) -> Allocation:
        """Admit a container that wants ``count`` devices, and start it.

        Args:
            resource: which resource.
            count: how many devices.
            ids: just these, whether they are there, healthy and free or not: for what plugins must refuse.
            must_include: what an init container of the same pod held; part of ``count``.
            pod: its name; None: a new one, ``pod-1`` and so on.
            namespace: the pod's.
            container: its name.

        Raises:
            AdmissionError: the pod failed for good; with the plugin's text, if the plugin refused.
            ContainerStartError: ``PreStartContainer`` failed; the devices stay allocated, and
                ``start_container`` tries again.
        """
        who = Container(namespace, pod or f"pod-{next(self._pods)}", container)
        allocation = await self._admission.admit(who, resource, count, ids, must_include)
        await self.start_container(allocation)
        return allocation

    async def start_container(self, allocation: Allocation) -> None:
        """Create the container of an allocation, for the first time or again; ``PreStartContainer`` if wanted.

        Raises:
            ContainerStartError: the plugin wants the container to wait.
        """
        await self._admission.start_container(allocation)

    def release(self, allocation: Allocation) -> None:
        """End the container: its devices are free again."""
        self._book.let_go(allocation)

    def __str__(self) -> str:
        return "; ".join(str(self.resource(name)) for name in self.resources) or "no resources"

    def _make_lister(self, socket: str | os.PathLike[str] | None) -> Lister | None:
        if socket is None:
            return None
        return Lister(os.path.abspath(socket), self._book, self.misbehaviour, self._watchers.changed)

    def _present_lister(self) -> Lister | None:
        """Return the lister for the next run, if there is one; delete the socket of the last run."""
        if self._lister is None:
            return None
        prepare_socket(self._lister.socket)
        return None if self.misbehaviour.pod_resources_absent else self._lister

    def _find_client(self, resource: str) -> PluginClient | None:
        return None if self._server is None else self._server.registrar.client(resource)

    def _write_checkpoint(self) -> None:
        write_checkpoint(self.directory, map(self._book.view, self._book.names))
