"""Collects the status of the whole program for a request.

Event loop only. It keeps one copy: which pods hold what, which PodResources is asked for at a request, and then at most
every few seconds.
"""

import asyncio
import os
import secrets
import time
from collections.abc import Callable, Sequence

from udev_device_plugin.devices.device import DeviceSet
from udev_device_plugin.errors import raise_failure
from udev_device_plugin.kubelet.device_plugin.resource_plugin import ResourcePlugin
from udev_device_plugin.kubelet.pod_resources import PodResources
from udev_device_plugin.reporting.http.status import Holders, ResourceStatus, Status
from udev_device_plugin.telemetry.event_log import EventLog

ASK_EVERY = 3.0
"""Seconds, at least, between calls of PodResources, however many requests there are."""

WAIT_FOR_HOLDERS = 0.5
"""Seconds that a request waits for the kubelet's answer; a later answer is a change of the status."""

GATHER = 0.2
"""Seconds in which changes are merged: a client that waits for each change gets five a second at most."""


class StatusCollector:
    """Returns the present status, and says when there is another.

    Args:
        resources: returns each resource's devices and plugin, in the configuration's order.
        has_looked: whether the whole host has been read once.
        problems: returns why ``/healthz`` fails, and notes.
        event_log: has what happened, and what was sent to the kubelet.
        pod_resources: is asked which pods hold what.
        started: when the program started, monotonic seconds.
    """

    def __init__(
        self,
        *,
        resources: Callable[[], Sequence[tuple[DeviceSet, ResourcePlugin]]],
        has_looked: Callable[[], bool],
        problems: Callable[[], Sequence[str]],
        event_log: EventLog,
        pod_resources: PodResources,
        started: float,
    ) -> None:
        self._resources = resources
        self._has_looked = has_looked
        self._problems = problems
        self._event_log = event_log
        self._pod_resources = pod_resources
        self._loop = asyncio.get_running_loop()
        self._run = secrets.token_hex(4)
        self._started = started
        self._holders: Holders | None = None
        self._asked = -ASK_EVERY  # when it was asked for these
        self._asking: asyncio.Task[None] | None = None

    async def refresh(self) -> None:
        """Ask the kubelet which pods hold what, unless it was asked just now, and wait a moment for its answer."""
        asking = self._ask_for_holders()
        if self._loop.time() - self._asked >= ASK_EVERY:
            await asyncio.wait({asking}, timeout=WAIT_FOR_HOLDERS)

    async def newer_than(self, generation: str) -> None:
        """Return when ``generation`` is not the present one, and changes have been gathered."""
        self._ask_for_holders()
        while generation == self._generation:
            await self._event_log.newer_than(self._event_log.generation)
        await asyncio.sleep(GATHER)

    @property
    def _generation(self) -> str:
        return f"{self._run}-{self._event_log.generation}"

    def status(self) -> Status:
        """Return the present status."""
        event_log = self._event_log
        return Status(
            generation=self._generation,
            now=self._loop.time(),
            clock=time.time(),
            started=self._started,
            host=os.uname().nodename,
            has_looked=self._has_looked(),
            resources=tuple(
                ResourceStatus(devices, plugin.trouble, plugin.sent, event_log.events(plugin.resource))
                for devices, plugin in self._resources()
            ),
            holders=self._holders,
            problems=tuple(self._problems()),
            events=event_log.events(""),
        )

    def _ask_for_holders(self) -> asyncio.Task[None]:
        """Ask the kubelet which pods hold what, later if it was asked just now, unless it is being asked."""
        if self._asking is None or self._asking.done():
            delay = max(0.0, self._asked + ASK_EVERY - self._loop.time())
            self._asking = self._loop.create_task(self._ask(delay), name="holders for the status")
            self._asking.add_done_callback(raise_failure)
        return self._asking

    async def _ask(self, delay: float) -> None:
        await asyncio.sleep(delay)
        asked, before = self._loop.time(), self._holders
        self._holders = await self._pod_resources.held([plugin.resource for _, plugin in self._resources()])
        self._asked = asked
        if before != self._holders:
            self._event_log.changed()
