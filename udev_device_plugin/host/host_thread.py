"""The loop of the host thread: polls the monitor, the inotify descriptors and a wake-up descriptor, with a deadline.

It blocks on nothing else. A monitor is started before everything is looked at, so that no change falls between the two.
After an overflow, or when another udevd starts, there is a new monitor and a new look at everything.
"""

import contextlib
import logging
import os
import select
import time
from collections.abc import Callable

from udev_device_plugin.errors import SourceError
from udev_device_plugin.host.dev_paths import DevPaths
from udev_device_plugin.host.interest import Interest
from udev_device_plugin.host.looking import Looking
from udev_device_plugin.host.looks import HostLook
from udev_device_plugin.host.model import OfferedNodes
from udev_device_plugin.host.pool import Pool
from udev_device_plugin.host.reader import UDEV_DATA
from udev_device_plugin.host.udev.delivery_check import UDEV_CONTROL, DeliveryCheck, running_udevd
from udev_device_plugin.host.udev.monitor import UdevMonitor
from udev_device_plugin.selectors.paths.glob import Glob
from udev_device_plugin.telemetry.metrics import Metrics

logger = logging.getLogger(__name__)

MAX_FAILURES = 5
"""Attempts in a row to start a monitor; then the process ends, to be started again."""

_MIN_SESSION = 0.2
"""Seconds from the start of one monitor to the next, at least."""

_BROKEN = select.POLLERR | select.POLLHUP | select.POLLNVAL

_DATA = Glob.parse(f"{UDEV_DATA}/[bc]*")

_CONTROL = Glob.of(UDEV_CONTROL)
"""The file itself is watched: beside it `UDEV_QUEUE` comes and goes with each event of any device."""


class HostThread:
    """The work of the thread; calls ``on_look`` there with what was found."""

    def __init__(
        self,
        interest: Interest,
        on_look: Callable[[HostLook], None],
        metrics: Metrics,
        offered: OfferedNodes = frozenset(),
    ) -> None:
        self._interest = interest
        self._on_look = on_look
        self._metrics = metrics
        self._wake_up = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._is_stopping = False
        self._is_renewing = False
        self._udevd: tuple[int, int] | None = None
        self._pool = Pool(self._wake)
        self._paths = DevPaths((_DATA,), files=(_CONTROL,))
        self._delivery = DeliveryCheck()
        self._looking = Looking(self._paths, self._pool, self._delivery, offered)

    # From any thread.

    def stop(self) -> None:
        """Have ``run`` return."""
        self._is_stopping = True
        self._wake()

    def look_at_everything(self) -> None:
        """Have a new monitor started, and everything looked at."""
        self._is_renewing = True
        self._wake()

    def reconfigure(self, interest: Interest) -> None:
        """Have everything looked at for another configuration."""
        self._interest = interest
        self.look_at_everything()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # a stuck thread of the pool may return after the end
            os.eventfd_write(self._wake_up, 1)

    # On the host thread.

    def run(self) -> None:
        """Run until stopped.

        Raises:
            SourceError: no monitor could be started, at repeated attempts.
        """
        failures = 0
        while not self._is_stopping:
            started = time.monotonic()
            try:
                self._run_monitor()
                failures = 0
            except OSError as error:
                failures += 1
                if failures >= MAX_FAILURES:
                    raise SourceError(
                        f"udev: cannot be listened to: {error}: is libudev there, and /sys mounted?"
                    ) from error
                logger.warning("udev: %s; trying again", error)
            self._pause(started + _MIN_SESSION * 2**failures - time.monotonic())
        self._pool.close()
        self._paths.close()

    def _pause(self, seconds: float) -> None:
        """Sleep, until woken up."""
        if seconds > 0 and not self._is_stopping:
            select.select([self._wake_up], [], [], seconds)

    def _run_monitor(self) -> None:
        """Run with one monitor, until it must be replaced."""
        self._drain_wake_up()
        self._is_renewing = False
        if self._is_stopping:  # that was the reason of the wake-up
            return
        self._udevd = running_udevd()
        self._delivery.begin(has_udevd=self._udevd is not None)
        monitor = UdevMonitor()
        self._metrics.rescans.labels("udev").inc()
        self._looking.begin(self._interest, time.monotonic(), has_udevd=self._udevd is not None)
        self._renew_if_unseen()
        while not (self._is_renewing or self._is_stopping):
            for result in self._pool.take_results():  # at first those of looks that ended while there was no monitor
                self._looking.take_result(result, time.monotonic())
            ready = self._wait(monitor, self._work())
            if ready.get(monitor.fileno(), 0) & _BROKEN or not self._receive(monitor):
                self._metrics.overflows.inc()
                logger.warning("udev: events were lost; looking at everything anew")
                return
            if self._paths.fileno() in ready:
                changed = self._paths.read()
                self._looking.take_paths(changed, time.monotonic())
                if UDEV_CONTROL in changed:  # there may be another udevd
                    return
            for descriptor, glob in self._looking.outside.items():
                if descriptor in ready:
                    self._looking.hint_outside(glob, time.monotonic())
            if self._wake_up in ready:
                self._drain_wake_up()

    def _renew_if_unseen(self) -> None:
        """Begin anew if udevd came or went while its control socket was not watched."""
        if running_udevd() != self._udevd:
            self.look_at_everything()

    def _work(self) -> float | None:
        """Begin the looks that are due and pass on what was found; returns in how many seconds to call it again."""
        now, has_failed = time.monotonic(), self._paths.failure is not None
        self._looking.work(now)
        if has_failed:  # to watch, perhaps
            self._renew_if_unseen()
        # Stuck looks are waited for no longer, which may complete the look at everything.
        supervise_in = self._pool.supervise(now) if self._pool.outstanding else None
        if (look := self._looking.take_look()) is not None:
            self._on_look(look)
        now = time.monotonic()
        self._delivery.judge(now)
        overdue = self._delivery.next_due
        times = (self._looking.next_due(now), supervise_in, None if overdue is None else max(0.0, overdue - now))
        return min((seconds for seconds in times if seconds is not None), default=None)

    def _wait(self, monitor: UdevMonitor, timeout: float | None) -> dict[int, int]:
        """Wait until there is something to do; returns the ready descriptors with their events."""
        poll = select.poll()
        for descriptor in (monitor.fileno(), self._paths.fileno(), self._wake_up, *self._looking.outside):
            poll.register(descriptor, select.POLLIN)
        return dict(poll.poll(None if timeout is None else timeout * 1000))

    def _receive(self, monitor: UdevMonitor) -> bool:
        """Receive all events that have arrived; False if some were lost."""
        try:
            while not self._is_stopping and (event := monitor.receive()) is not None:
                self._metrics.count_uevent(event.action)
                self._looking.take_event(event, time.monotonic())
        except OSError:  # pyudev's carries no errno here
            return False
        return True

    def _drain_wake_up(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._wake_up)
