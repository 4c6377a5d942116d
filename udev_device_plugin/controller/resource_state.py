"""What the controller knows of one resource. Event loop only."""

from dataclasses import dataclass, field

from udev_device_plugin.config.specs import ResourceSpec
from udev_device_plugin.controller.debouncer import Debouncer
from udev_device_plugin.devices.assembled import AssembledResource
from udev_device_plugin.devices.assembly import carried_over
from udev_device_plugin.devices.device import DeviceSet
from udev_device_plugin.selectors.kind import SelectorKind


@dataclass(slots=True, eq=False)
class ResourceState:
    """One resource.

    Attributes:
        spec: what it is to offer.
        assembled: its devices, as last assembled.
        debouncer: assembles them again.
        selectors: the spec's.
        is_pending: its spec is new, and the host has not been read for that yet.
        is_changed: something changed since the last assembly.
        caused_at: when the oldest event behind that was received, monotonic seconds; None: no event did it.
        held: the IDs that pods hold, for the next assembly; None if there is no new answer.
        is_recorded: the identity record is up to date.
        unannounced: changes that are not in the log yet: the sets before and after, and when, monotonic seconds.
    """

    spec: ResourceSpec
    assembled: AssembledResource
    debouncer: Debouncer
    selectors: frozenset[SelectorKind] = field(init=False)
    is_pending: bool = False
    is_changed: bool = False
    caused_at: float | None = None
    held: frozenset[str] | None = None
    is_recorded: bool = True
    unannounced: list[tuple[DeviceSet, DeviceSet, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.selectors = self.spec.selectors

    def configure(self, spec: ResourceSpec) -> None:
        """Take another spec, for which the host has not been read yet."""
        self.assembled = carried_over(self.assembled, self.spec, spec)
        self.spec, self.selectors = spec, spec.selectors
        self.is_pending, self.held = True, None

    def change(self, caused_at: float | None) -> None:
        """Something changed: request an assembly."""
        if not self.is_changed:
            self.is_changed, self.caused_at = True, caused_at
        if not self.is_pending:
            self.debouncer.request()

    def consider(self, held: frozenset[str]) -> None:
        """Request an assembly with what pods hold."""
        self.held = held
        self.debouncer.request()

    def take(self) -> tuple[float | None, frozenset[str] | None]:
        """Return ``caused_at`` and ``held`` for the assembly that begins now, and reset them."""
        taken = self.caused_at, self.held
        self.is_changed, self.caused_at, self.held = False, None, None
        return taken

    @property
    def expires_at(self) -> float | None:
        """When the next absent device expires; None if none is absent, or an answer waits for the next assembly."""
        return self.assembled.expires_at if self.held is None else None
