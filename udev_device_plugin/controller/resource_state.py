"""What the controller knows of one resource. Event loop only."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from udev_device_plugin.config.specs import ResourceSpec
from udev_device_plugin.controller.debouncer import Debouncer
from udev_device_plugin.devices.assembled import AssembledDevice, AssembledResource
from udev_device_plugin.devices.device import DeviceSet, Holder
from udev_device_plugin.devices.former import carried_over, has_former_groups, marked, without_vacant_groups
from udev_device_plugin.selectors.kind import SelectorKind


@dataclass(slots=True, eq=False)
class ResourceState:
    """One resource.

    Attributes:
        configured: what it is to offer; no group: it is not offered any more.
        spec: that, and former groups behind it.
        assembled: its devices, as last assembled.
        debouncer: assembles them again.
        selectors: the spec's.
        is_pending: its spec is new, and the host has not been read for that yet.
        is_changed: something changed since the last assembly.
        caused_at: when the oldest event behind that was received, monotonic seconds; None: no event did it.
        held: the IDs that pods hold, for the next assembly; None if there is no new answer.
        asked: when that was asked for, monotonic seconds.
        answered: the IDs that pods held when that was last considered; None: not since the spec changed.
        holders: of the IDs that pods held when that was known last, if there were former devices.
        is_recorded: the identity record is up to date.
        unannounced: changes that are not in the log yet: the sets before and after, and when, monotonic seconds.
    """

    configured: ResourceSpec
    spec: ResourceSpec
    assembled: AssembledResource
    debouncer: Debouncer
    selectors: frozenset[SelectorKind] = field(init=False)
    is_pending: bool = False
    is_changed: bool = False
    caused_at: float | None = None
    held: frozenset[str] | None = None
    asked: float = 0.0
    answered: frozenset[str] | None = None
    holders: Mapping[str, Holder | None] = field(default_factory=dict)
    is_recorded: bool = True
    unannounced: list[tuple[DeviceSet, DeviceSet, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.selectors = self.spec.selectors

    @property
    def is_offered(self) -> bool:
        """Whether it is configured: if not, there are only devices of which pods may hold the nodes."""
        return bool(self.configured.groups)

    def configure(self, spec: ResourceSpec) -> None:
        """Take another spec, for which the host has not been read yet."""
        excludes_the_same = self.spec.exclude == spec.exclude
        self._take(spec, *carried_over(self.assembled, self.spec, spec, excludes_the_same=excludes_the_same))
        self.is_pending, self.held, self.answered = True, None, None

    def narrow(self) -> bool:
        """Drop the former groups that are not needed any more; return whether there were any."""
        before = len(self.spec.groups)
        if has_former_groups(self.spec):
            self._take(self.configured, *without_vacant_groups(self.spec, self.assembled))
        return len(self.spec.groups) < before

    def mark(self, holders: Mapping[str, Holder | None] | None, fresh: Collection[str], now: float) -> None:
        """Note what pods hold of former devices (`devices.former.marked`)."""
        self.holders = holders or {}
        self.assembled = marked(self.spec, self.assembled, holders, fresh, now)

    @property
    def former(self) -> frozenset[AssembledDevice]:
        """The former devices that pods may hold."""
        if not has_former_groups(self.spec):
            return frozenset()
        return frozenset(one for one in self.assembled.devices if one.is_former and not one.is_let_go)

    def _take(self, configured: ResourceSpec, spec: ResourceSpec, assembled: AssembledResource) -> None:
        self.configured, self.spec, self.assembled, self.selectors = configured, spec, assembled, spec.selectors

    def change(self, caused_at: float | None) -> None:
        """Something changed: request an assembly."""
        if not self.is_changed:
            self.is_changed, self.caused_at = True, caused_at
        if not self.is_pending:
            self.debouncer.request()

    def consider(self, held: frozenset[str], asked: float) -> None:
        """Request an assembly with what pods held at the moment ``asked``, if that can decide anything."""
        is_due = self.expires_at is not None and self.expires_at <= asked
        if is_due or held != self.answered or has_former_groups(self.spec):
            self.held = self.answered = held
            self.asked = asked
            self.debouncer.request()

    def take(self) -> tuple[float | None, frozenset[str] | None, float]:
        """Return ``caused_at``, ``held`` and ``asked`` for the assembly that begins now, and reset them."""
        taken = self.caused_at, self.held, self.asked
        self.is_changed, self.caused_at, self.held = False, None, None
        return taken

    @property
    def expires_at(self) -> float | None:
        """When the next absent device expires; None if none is absent, or an answer waits for the next assembly."""
        return self.assembled.expires_at if self.held is None else None
