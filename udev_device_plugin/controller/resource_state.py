"""What the controller knows of one resource, from one assembly of its devices to the next.

Event loop only.
"""

from dataclasses import dataclass, field

from udev_device_plugin.config.specs import ResourceSpec
from udev_device_plugin.controller.debounce import Debouncer
from udev_device_plugin.devices.assembly import carried_over
from udev_device_plugin.devices.model import AssembledResource
from udev_device_plugin.devices.store import DeviceSet
from udev_device_plugin.selectors.kind import SelectorKind


@dataclass(slots=True, eq=False)
class ResourceState:
    """One resource.

    Attributes:
        spec: what is to be offered.
        assembled: its devices, as last put together.
        debouncer: has them put together anew.
        selectors: the spec's.
        is_pending: its spec is new, and the host has not been looked at for that yet.
        is_changed: something changed that its devices may depend on.
        caused_at: when the oldest of these changes was received, monotonic seconds; None: by no event.
        held: the IDs that pods hold, as the kubelet answered; None once that has been considered.
        is_recorded: the identity record has what is offered now.
        unannounced: what the log has not been told yet: the lists before and after a change, and when that was.
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
        """Offer something else, once the host has been looked at for it."""
        self.assembled = carried_over(self.assembled, self.spec, spec)
        self.spec, self.selectors = spec, spec.selectors
        self.is_pending, self.held = True, None

    def change(self, caused_at: float | None) -> None:
        """Something changed: have the devices put together anew."""
        if not self.is_changed:
            self.is_changed, self.caused_at = True, caused_at
        if not self.is_pending:
            self.debouncer.request()

    def consider(self, held: frozenset[str]) -> None:
        """Have it considered what pods hold."""
        self.held = held
        self.debouncer.request()

    def take(self) -> tuple[float | None, frozenset[str] | None]:
        """What the next assembly is caused by, and what pods hold; both are done with then."""
        taken = self.caused_at, self.held
        self.is_changed, self.caused_at, self.held = False, None, None
        return taken

    @property
    def expires_at(self) -> float | None:
        """When it must be asked what pods hold; None if nothing is absent, or an answer waits to be considered."""
        return self.assembled.expires_at if self.held is None else None
