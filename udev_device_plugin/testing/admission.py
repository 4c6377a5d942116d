"""How the embedded kubelet gives devices to containers: choosing, ``Allocate``, ``PreStartContainer``.

The kubelet's event loop only. One admission at a time, as in a real kubelet.
"""

import asyncio
import random
from collections.abc import Callable, Iterable, Sequence

from udev_device_plugin.testing.book import Book
from udev_device_plugin.testing.client import PluginCallError, PluginClient
from udev_device_plugin.testing.records import (
    AdmissionError,
    Allocation,
    Container,
    ContainerResponse,
    ContainerStartError,
)


class Admission:
    """Admits containers; the book has what they hold."""

    def __init__(
        self,
        book: Book,
        find_client: Callable[[str], PluginClient | None],
        seed: int | None,
        *,
        pre_start_timeout: float,
    ) -> None:
        self._book = book
        self._find_client = find_client
        self._pre_start_timeout = pre_start_timeout
        self._random = random.Random(seed)  # noqa: S311 - an order that repeats is what the seed is for
        self._one_at_a_time = asyncio.Lock()

    async def admit(
        self, container: Container, resource: str, count: int, ids: Iterable[str] | None, must_include: Iterable[str]
    ) -> Allocation:
        """Choose devices, unless ``ids`` has them, and call the plugin's ``Allocate``."""
        async with self._one_at_a_time:
            chosen = await self._choose(resource, count, must_include) if ids is None else tuple(ids)
            chosen = self._shuffled(chosen)
            response = await self._allocate(resource, chosen)
            allocation = Allocation(resource, chosen, response, container)
            self._book.hold(allocation)
        return allocation

    async def start_container(self, allocation: Allocation) -> None:
        """Call ``PreStartContainer`` if the plugin wants it; do nothing before one has registered."""
        client = self._find_client(allocation.resource)
        if client is None or not client.pre_start_required:
            return
        if not self._book.view(allocation.resource).connected:
            raise ContainerStartError(_stopped(client), allocation)
        try:
            await client.pre_start(self._shuffled(allocation.ids), self._pre_start_timeout)
        except PluginCallError as error:
            raise ContainerStartError(str(error), allocation) from error

    async def _allocate(self, resource: str, ids: Sequence[str]) -> ContainerResponse:
        client = self._find_client(resource)
        if client is None:
            raise AdmissionError(f"Unknown Device Plugin {resource}")
        if not self._book.view(resource).connected:
            raise AdmissionError(_stopped(client))
        try:
            response = await client.allocate(ids)
        except PluginCallError as error:
            raise AdmissionError(str(error)) from error
        if response is None:
            raise AdmissionError("no containers return in allocation response")
        return response

    async def _choose(self, resource: str, count: int, must_include: Iterable[str]) -> tuple[str, ...]:
        """Choose those of an init container first, then what the plugin prefers, then any."""
        given = tuple(must_include)[:count]
        needed = count - len(given)
        if not needed:
            return given
        free = self._free(resource, needed)
        preferred = await self._preferred(resource, (*free, *given), given, count)
        wanted = self._shuffled(one for one in preferred if one in free)
        others = (one for one in free if one not in wanted)
        return (*given, *(*wanted, *others)[:needed])

    def _free(self, resource: str, needed: int) -> tuple[str, ...]:
        healthy = self._book.view(resource).healthy
        if resource not in self._book.names:
            raise AdmissionError(f"cannot allocate unregistered device {resource}")
        if not healthy:
            raise AdmissionError(f"no healthy devices present; cannot allocate unhealthy devices {resource}")
        free = self._shuffled(set(healthy) - self._book.held(resource))
        if len(free) < needed:
            numbers = f"Requested: {needed}, Available: {len(free)}"
            raise AdmissionError(f"requested number of devices unavailable for {resource}. {numbers}")
        return free

    async def _preferred(
        self, resource: str, available: Iterable[str], must_include: Sequence[str], size: int
    ) -> frozenset[str]:
        client = self._find_client(resource)
        if client is None or not client.offers_preference:
            return frozenset()
        try:
            return frozenset(await client.preferred(self._shuffled(available), must_include, size))
        except PluginCallError as error:
            raise AdmissionError(str(error)) from error

    def _shuffled(self, ids: Iterable[str]) -> tuple[str, ...]:
        ordered = sorted(ids)  # so that the seed decides alone, not the order of a set
        self._random.shuffle(ordered)
        return tuple(ordered)


def _stopped(client: PluginClient) -> str:
    return f"endpoint {client.endpoint} of {client.resource} has been stopped"
