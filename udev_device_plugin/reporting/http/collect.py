"""Gathers what there is to see, when somebody looks: the status page's view of the whole program.

Event loop only. Keeps no copies but one: who holds what, which only the kubelet knows.
It is asked for that while somebody looks, and then at most every few seconds.
"""

import asyncio
import os
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from udev_device_plugin.devices.store import DeviceSet
from udev_device_plugin.errors import raise_failure
from udev_device_plugin.kubelet.device_plugin.resource_plugin import Plugin
from udev_device_plugin.kubelet.pod_resources import PodResources
from udev_device_plugin.reporting.http.status import Holders, ResourceStatus, Status
from udev_device_plugin.telemetry.event_log import EventLog

ASK_EVERY = 3.0
"""Seconds between questions to the kubelet, however many look."""

WAIT_FOR_HOLDERS = 0.5
"""Seconds that a look waits for the kubelet's answer; if that comes later, it is news."""

GATHER = 0.2
"""Seconds for which news are gathered: who follows a storm of changes asks five times a second at most."""


@dataclass(frozen=True, slots=True)
class StatusSources:
    """Where there is something to see; each is asked anew for every look, as resources come and go.

    Attributes:
        resources: each resource's list and plugin, in the configuration's order.
        has_looked: whether the first complete look at the host is done.
        problems: why the program is not well.
    """

    resources: Callable[[], Sequence[tuple[DeviceSet, Plugin]]]
    has_looked: Callable[[], bool]
    problems: Callable[[], Sequence[str]]


class StatusCollector:
    """What there is to see now, and when there is something new."""

    def __init__(self, parts: StatusSources, event_log: EventLog, pod_resources: PodResources, started: float) -> None:
        self._parts = parts
        self._event_log = event_log
        self._pod_resources = pod_resources
        self._loop = asyncio.get_running_loop()
        self._run = secrets.token_hex(4)
        self._started = started
        self._holders: Holders | None = None
        self._asking: asyncio.Task[None] | None = None

    async def look(self, newer_than: str | None) -> Status:
        """What there is to see; given a generation, as soon as that is not the present one any more."""
        self._ask_for_holders()
        if newer_than is None:
            await self._give_holders_a_moment()
        else:
            while newer_than == self._generation:
                await self._event_log.newer_than(self._event_log.generation)
            await asyncio.sleep(GATHER)
        return self._status()

    @property
    def _generation(self) -> str:
        return f"{self._run}-{self._event_log.generation}"

    def _status(self) -> Status:
        event_log = self._event_log
        return Status(
            generation=self._generation,
            now=self._loop.time(),
            clock=time.time(),
            started=self._started,
            host=os.uname().nodename,
            has_looked=self._parts.has_looked(),
            resources=tuple(
                ResourceStatus(
                    devices,
                    plugin.trouble,
                    event_log.last_sent(plugin.resource),
                    event_log.events(plugin.resource),
                )
                for devices, plugin in self._parts.resources()
            ),
            holders=self._holders,
            problems=tuple(self._parts.problems()),
            events=event_log.events(""),
        )

    def _ask_for_holders(self) -> None:
        """Have the kubelet asked which pods hold what, unless it is being asked, or was just now: then a bit later."""
        if self._asking is None or self._asking.done():
            age = self._loop.time() - self._holders.asked if self._holders else ASK_EVERY
            self._asking = self._loop.create_task(self._ask(max(0.0, ASK_EVERY - age)), name="pods, for who looks")
            self._asking.add_done_callback(raise_failure)

    async def _ask(self, delay: float) -> None:
        await asyncio.sleep(delay)
        asked = self._loop.time()
        holdings = await self._pod_resources.held([plugin.resource for _, plugin in self._parts.resources()])
        before, self._holders = self._holders, Holders(asked, holdings.by_resource if holdings is not None else None)
        if before is None or before.by_resource != self._holders.by_resource:
            self._event_log.changed()

    async def _give_holders_a_moment(self) -> None:
        """What was asked a while ago may be wrong, and is asked anew: wait for the answer, if it comes soon."""
        fresh = self._holders is not None and self._loop.time() - self._holders.asked < ASK_EVERY
        if self._asking is not None and not fresh:
            await asyncio.wait({self._asking}, timeout=WAIT_FOR_HOLDERS)
