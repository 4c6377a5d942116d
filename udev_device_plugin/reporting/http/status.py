"""The status of the program as frozen values. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from udev_device_plugin.devices.device import DeviceSet, Holder
from udev_device_plugin.telemetry.event_log import Event

Holders = Mapping[str, Mapping[str, Holder]]
"""Which pods hold what: resource → held ID → its holder."""


@dataclass(frozen=True, slots=True)
class ResourceStatus:
    """The status of one resource.

    Attributes:
        devices: what is offered.
        trouble: why the kubelet has no stream open; None if it has.
        sent: the list last sent to the kubelet, and when, monotonic seconds; None: nothing yet.
        events: the oldest first.
    """

    devices: DeviceSet
    trouble: str | None = None
    sent: tuple[float, DeviceSet] | None = None
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Status:
    """The status of the program at one moment; two are equal if they differ in that moment only.

    Attributes:
        generation: identifies run and state.
        now: the moment, monotonic seconds.
        clock: the same, seconds since 1970.
        started: when the program started, monotonic seconds.
        host: the machine's name.
        has_looked: whether the whole host has been read once.
        holders: None: the kubelet does not answer, or has not been asked yet.
        problems: why ``/healthz`` fails, and notes.
        events: of the program as a whole, the oldest first.
    """

    generation: str
    now: float = field(compare=False)
    clock: float = field(compare=False)
    started: float
    host: str = ""
    has_looked: bool = True
    resources: tuple[ResourceStatus, ...] = ()
    holders: Holders | None = None
    problems: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()

    @property
    def clock_ahead(self) -> float:
        """Seconds by which the wall clock is ahead of the event loop's: another number once it is set."""
        return self.clock - self.now

    def wall(self, moment: float) -> str:
        """Return a moment of the event loop's clock as the wall clock has it, as it is now."""
        at = datetime.fromtimestamp(self.clock_ahead + moment, UTC)
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
