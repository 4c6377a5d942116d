"""How the matches of a group's paths become devices: what each way of grouping can do.

Pure. Any thread. Each way is a module of the kind of selectors that it is for (``paths.pairing``); a selector says
which is its own. A group uses that of its selectors, whose kinds do not mix within a group.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from udev_device_plugin.selectors.records import GroupPath, Match

Numbers = tuple[tuple[str, int], ...]
"""How many nodes of which subsystem."""

M = TypeVar("M", bound=Match)
M_co = TypeVar("M_co", bound=Match, covariant=True)


class Composition(Protocol[M_co]):
    """What a device is made of (`devices.assembled.AssembledDevice`)."""

    @property
    def identity(self) -> tuple[str, ...]:
        """What it is known by."""

    @property
    def members(self) -> tuple[M_co | None, ...]:
        """The matches; None for an optional path without one."""

    @property
    def is_healthy(self) -> bool:
        """Whether all required members are there."""

    @property
    def member(self) -> int:
        """Of a USB device: which of the group's paths selects it."""

    @property
    def needs(self) -> Numbers:
        """Of a USB device: how many nodes make it complete."""


@dataclass(frozen=True, slots=True)
class Parts(Generic[M]):
    """A `Composition`."""

    identity: tuple[str, ...]
    members: tuple[M | None, ...]
    is_healthy: bool = True
    member: int = 0
    needs: Numbers = ()


@dataclass(frozen=True, slots=True)
class SettlingUsbDevice:
    """A USB device that may get more nodes before it is offered.

    Attributes:
        group: which of the spec's groups it belongs to.
        usb_device: its identity.
        nodes: those that were there last.
        until: when it counts as complete if nothing changes before; monotonic seconds.
    """

    group: int
    usb_device: str
    nodes: frozenset[Hashable]
    until: float


@dataclass(frozen=True, slots=True)
class Moment:
    """When devices are assembled.

    Attributes:
        now: monotonic seconds.
        is_first: whether this is the first time: what is there counts as complete.
        settling: the USB devices that were incomplete the last time.
    """

    now: float
    is_first: bool
    settling: Sequence[SettlingUsbDevice] = ()


@dataclass(frozen=True, slots=True)
class GroupDevices(Generic[M]):
    """The devices of a group: the known ones as they are now, new ones, and what may not be complete yet."""

    known: Sequence[Composition[M]]
    new: Sequence[Composition[M]]
    settling: Sequence[SettlingUsbDevice] = ()


class Group(Protocol[M]):
    """One group, with what its paths match now."""

    def renewed(self, device: Composition[M], /) -> Composition[M]:
        """Return a known device as it is now: its health, and where its members are."""

    def assembled(self, known: Sequence[Composition[M]], moment: Moment, /) -> GroupDevices[M]:
        """Complete the known devices as far as possible, and assemble new ones."""


class Grouping(Protocol):
    """A way of grouping.

    Attributes:
        is_by_usb_device: whether a match is known by its USB device and its place in that, and not by itself.
        needs_every_path: whether a path without a match keeps its group from having devices.
    """

    is_by_usb_device: bool
    needs_every_path: bool

    def path_of(self, member: int, number: int) -> int:
        """Return which of the group's paths gave match ``number`` to a device with this ``Composition.member``."""

    def can_be_of(self, device: Composition[Match], paths: int) -> bool:
        """Whether a group of so many paths can have assembled a device."""

    def group(
        self,
        index: int,
        paths: Sequence[GroupPath],
        found: Sequence[Mapping[str, M]],
        known: Iterable[Composition[M]],
    ) -> Group[M]:
        """Return group ``index`` of the spec with what each path may use now, by identity, and its known devices."""
