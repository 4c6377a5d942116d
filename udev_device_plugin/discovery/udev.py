"""Listens to udev's events, and asks for what it may have missed.

Floor 4. Together with ``describing`` and ``ears`` the only room that speaks libudev. ``UdevSource`` lives on the main
loop, ``_Listener`` on the udev thread; no pyudev object leaves that thread, plain strings are copied out of it. The
monitor is always started before the enumeration, so that nothing falls between the two. Whatever the monitor loses or
misses (an overflow, a udevd that comes back), a new monitor and a new enumeration put right.
"""

import asyncio
import contextlib
import errno
import logging
import os
import select
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence

import pyudev

from udev_device_plugin.device import DeviceNumber, HostDevice
from udev_device_plugin.discovery import Sink
from udev_device_plugin.discovery.describing import Describer
from udev_device_plugin.discovery.ears import Ears
from udev_device_plugin.discovery.mailbox import Mailbox
from udev_device_plugin.discovery.monitor import UdevMonitor
from udev_device_plugin.errors import SourceError
from udev_device_plugin.interest import Interest
from udev_device_plugin.metrics import Metrics
from udev_device_plugin.observations import DeviceObserved, DeviceUnknown, Observation, UdevResync

logger = logging.getLogger(__name__)

MAX_FAILURES = 5
"""After so many sessions in a row that broke down, the source gives up and the process starts anew."""

_MIN_SESSION = 0.2
"""Seconds from one session's start to the next, however fast events overflow."""

_BROKEN = select.POLLERR | select.POLLHUP | select.POLLNVAL


class UdevSource:
    """Follows udev's events on a thread of its own.

    Args:
        interest: what is configured.
        metrics: counts what happens.
    """

    def __init__(self, interest: Interest, metrics: Metrics) -> None:
        self._interest = interest
        self._metrics = metrics
        self._listener: _Listener | None = None
        self._thread: threading.Thread | None = None

    @property
    def is_listening(self) -> bool:
        """Whether the udev thread runs; safe to ask from any thread."""
        thread = self._thread
        return thread is not None and thread.is_alive()

    async def run(self, sink: Sink, on_hearing: Callable[[bool], None]) -> None:
        """Tell ``sink`` everything, then every uevent, until cancelled.

        ``on_hearing`` is told when an event has arrived, so that more will, and when that is uncertain again.

        Raises:
            SourceError: udev cannot be listened to, and trying again did not help.
        """
        loop = asyncio.get_running_loop()
        broken: asyncio.Future[None] = loop.create_future()

        def hear(is_certain: bool) -> None:
            loop.call_soon_threadsafe(on_hearing, is_certain)

        def work(listener: _Listener) -> None:
            try:
                listener.listen()
            except Exception as error:  # whatever kills the thread must not go unnoticed
                loop.call_soon_threadsafe(_fail, broken, error)

        mailbox = Mailbox(loop, sink)
        with contextlib.closing(_Listener(mailbox, hear, Describer(self._interest), self._metrics)) as listener:
            self._listener = listener
            self._thread = threading.Thread(target=work, args=(listener,), name="udev", daemon=True)
            self._thread.start()
            try:
                await broken
            finally:
                self._listener = None
                listener.stop()
                self._thread.join()

    def rescan(self) -> None:
        """Have everything listed anew, with a new monitor."""
        if self._listener is not None:
            self._listener.renew()

    def heed(self, interest: Interest) -> None:
        """Have everything described for another configuration from now on."""
        self._interest = interest
        if self._listener is not None:
            self._listener.heed(interest)

    def identify(self, numbers: Collection[DeviceNumber]) -> None:
        """Have the devices with these nodes described: they are there, and no event has told of them."""
        if self._listener is not None:
            self._listener.identify(numbers)


def _fail(future: asyncio.Future[None], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)


class _Listener:
    """The udev thread's work: sessions of one monitor each, until it is told to stop."""

    def __init__(
        self,
        mailbox: Mailbox,
        on_hearing: Callable[[bool], None],
        describer: Describer,
        metrics: Metrics,
    ) -> None:
        self._mailbox = mailbox
        self._on_hearing = on_hearing
        self._has_heard = False
        self._describer = describer
        self._next_interest = describer.interest
        self._metrics = metrics
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._questions: set[DeviceNumber] = set()  # whose every operation is atomic
        self._is_stopping = False
        self._is_renewing = False
        self._ears = Ears()

    # From any thread.

    def stop(self) -> None:
        """Have ``listen`` return."""
        self._is_stopping = True
        os.eventfd_write(self._wake, 1)

    def renew(self) -> None:
        """Have the running session replaced by a new one."""
        self._is_renewing = True
        os.eventfd_write(self._wake, 1)

    def heed(self, interest: Interest) -> None:
        """Have a new session begin that describes for ``interest``."""
        self._next_interest = interest
        self.renew()

    def identify(self, numbers: Iterable[DeviceNumber]) -> None:
        """Have the devices with these nodes described."""
        self._questions.update(numbers)
        os.eventfd_write(self._wake, 1)

    def close(self) -> None:
        """Give the wake-up descriptor back, after ``listen`` has returned."""
        os.close(self._wake)

    # On the udev thread.

    def listen(self) -> None:
        """Run sessions until stopped.

        Raises:
            SourceError: too many sessions in a row broke down.
        """
        failures = 0
        while not self._is_stopping:
            started = time.monotonic()
            try:
                self._session()
                failures = 0
            except (OSError, pyudev.DeviceNotFoundError) as error:
                failures += 1
                if failures >= MAX_FAILURES:
                    raise SourceError(
                        f"udev: cannot be listened to: {error}: is libudev there, and /sys mounted?"
                    ) from error
                logger.warning("udev: %s; trying again", error)
            self._pause(started + _MIN_SESSION * 2**failures - time.monotonic())

    def _pause(self, seconds: float) -> None:
        """Sleep, unless told to stop before."""
        if seconds > 0 and not self._is_stopping:
            select.select([self._wake], [], [], seconds)

    def _session(self) -> None:
        """Listen with one monitor until it must be replaced."""
        self._drain_wake()
        self._is_renewing = False
        if self._is_stopping:  # this wake-up was meant for it
            return
        self._ears.look_for_udevd()
        self._has_heard = False
        self._on_hearing(False)
        context = pyudev.Context()
        monitor = UdevMonitor.started(context)
        received = time.monotonic()
        self._describer.begin(self._next_interest)
        devices = tuple(self._describer.all_devices(context))
        self._ears.begin(device.sys_path for device in devices)
        self._mailbox.put([UdevResync(devices, self._describer.interest.number)], received)
        self._metrics.rescans.labels("udev").inc()
        self._follow(context, monitor)

    def _follow(self, context: pyudev.Context, monitor: UdevMonitor) -> None:
        """Hand on the monitor's events; returns when it lost some, or when it is to be replaced."""
        poll = select.poll()
        poll.register(monitor.fileno(), select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        self._answer(context)  # what was asked of the former session
        while True:
            ready = dict(poll.poll(self._ears.wait_milliseconds()))
            try:
                if ready.get(monitor.fileno(), 0) & _BROKEN:
                    raise BlockingIOError("receive buffer overflow")
                self._receive(monitor)
            except OSError as error:
                # pyudev's error carries no errno here, and would come back for ever: only a new monitor helps.
                self._metrics.overflows.inc()
                logger.warning("udev: events were lost (%s); looking at everything anew", error)
                return
            if self._ears.judge():
                self._has_heard = False
                self._on_hearing(False)
            if self._wake in ready:
                self._drain_wake()
                if self._is_renewing or self._is_stopping:
                    return
                self._answer(context)

    def _receive(self, monitor: UdevMonitor) -> None:
        """Hand on all that has come, each event as soon as it is understood."""
        while not self._is_stopping:
            try:
                if (device := monitor.take()) is None:
                    return
                if not self._has_heard:
                    self._begin_to_trust(monitor)
                action = device.action
                self._metrics.count_uevent(action)
                if observations := self._observations(device, action):
                    self._mailbox.put(observations)
            except (ValueError, OSError) as error:
                if isinstance(error, OSError) and error.errno in (None, errno.ENOBUFS):
                    raise
                # What libudev makes of an action that a newer udevd knows, or a name that is not UTF-8.
                logger.warning("udev: an event is passed over, since it cannot be read: %r", error)

    def _begin_to_trust(self, monitor: UdevMonitor) -> None:
        """The session's first event: this monitor hears, so it can be told what to hear of, and relied upon."""
        self._has_heard = True
        self._ears.heard()
        monitor.hear_only(self._describer.interest.subsystems or ())
        self._on_hearing(True)

    def _observations(self, device: pyudev.Device, action: str) -> Sequence[Observation]:
        """What an event means; most mean nothing to us, and cost no more than it takes to see that."""
        devnode = None if action == "remove" else device.device_node
        if action != "remove" and devnode is None:
            return ()
        sys_path = device.sys_path
        if devnode is not None and action != "move" and self._describer.is_repeated(device, sys_path, devnode):
            return ()
        self._ears.heard_of(sys_path, action)
        observations = self._describer.observations(device, action, sys_path, devnode)
        for observation in observations:
            if isinstance(observation, DeviceObserved):  # which answers what was asked before
                self._questions.discard(observation.device.number)
        return observations

    def _answer(self, context: pyudev.Context) -> None:
        """Describe the devices that were asked for, and that no event has told of since."""
        while self._questions and not self._is_stopping:
            number = self._questions.pop()
            device = self._describer.device(context, number)
            self._mailbox.put([DeviceUnknown(number) if device is None else DeviceObserved(device)])
            if device is not None and device.is_initialized and self._is_heard_of(device):
                self._ears.expect(device.sys_path)

    def _is_heard_of(self, device: HostDevice) -> bool:
        """Whether the monitor lets events of such a device through."""
        subsystems = self._describer.interest.subsystems
        return not self._has_heard or subsystems is None or device.subsystem in subsystems

    def _drain_wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._wake)
