"""How the matches of a group's paths become devices: what every way of grouping answers.

Pure. Any thread. There are two ways, ``paths.pairing`` and ``usb.grouping``; a selector says which is its own, and a
group has that of its selectors, whose kinds do not mix within a group.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

Numbers = tuple[tuple[str, int], ...]
"""How many nodes of which subsystem."""


class Match(Protocol):
    """Something on the host that a path may have, as groupings see it (`devices.candidates.Candidate`)."""

    @property
    def identity(self) -> str:
        """What makes it itself."""

    @property
    def path(self) -> str:
        """The path that was matched."""

    @property
    def node(self) -> Hashable:
        """Which node it is."""

    @property
    def subsystem(self) -> str:
        """Of its device, if it is chosen with a USB device."""

    @property
    def usb_device(self) -> str:
        """The identity of the USB device that it is chosen with; "" for a node that stands for itself."""

    @property
    def usb_device_path(self) -> str:
        """Where that is in sysfs."""


M = TypeVar("M", bound=Match)
M_co = TypeVar("M_co", bound=Match, covariant=True)


class GroupPath(Protocol):
    """One path of a group (`config.specs.PathSpec`)."""

    @property
    def selector(self) -> object:
        """What it means on the host."""

    @property
    def limit(self) -> int:
        """How many devices of the group may share one match."""

    @property
    def optional(self) -> bool:
        """Without a match, it is left out."""

    @property
    def is_identifying(self) -> bool:
        """Its match is part of what makes a device itself."""


class Composition(Protocol[M_co]):
    """What a device is made of (`devices.model.AssembledDevice`)."""

    @property
    def identity(self) -> tuple[str, ...]:
        """What makes it itself."""

    @property
    def members(self) -> tuple[M_co | None, ...]:
        """The matches; None for an optional path that has none."""

    @property
    def is_healthy(self) -> bool:
        """Whether all that are required are there."""

    @property
    def member(self) -> int:
        """Of a USB device: which of the group's paths selects it."""

    @property
    def needs(self) -> Numbers:
        """Of a USB device: how many nodes it takes to be whole."""


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
    """A USB device whose nodes are still counted.

    Attributes:
        group: which of the spec's groups it belongs to.
        usb_device: its identity.
        nodes: those that were there at last.
        until: when it is taken to be whole, if nothing changes before; monotonic seconds.
    """

    group: int
    usb_device: str
    nodes: frozenset[Hashable]
    until: float


@dataclass(frozen=True, slots=True)
class Moment:
    """When devices are formed.

    Attributes:
        now: monotonic seconds.
        is_first: the host has not been looked at before: what is there is as complete as it gets.
        settling: what was still counted the last time.
    """

    now: float
    is_first: bool
    settling: Sequence[SettlingUsbDevice] = ()


@dataclass(frozen=True, slots=True)
class Formed(Generic[M]):
    """The devices of a group.

    Attributes:
        known: those that were known, as they are now.
        new: those that the group's matches make besides.
        settling: what may not be whole yet.
    """

    known: Sequence[Composition[M]]
    new: Sequence[Composition[M]]
    settling: Sequence[SettlingUsbDevice] = ()


class Group(Protocol[M]):
    """One group, with what its paths have now."""

    def renewed(self, device: Composition[M], /) -> Composition[M]:
        """A known device as it is now: its health, and where its members are."""

    def formed(self, known: Sequence[Composition[M]], moment: Moment, /) -> Formed[M]:
        """The known devices, complete as far as they can be, and those that are made anew."""


class Grouping(Protocol):
    """A way of grouping."""

    @property
    def is_by_usb_device(self) -> bool:
        """A match is known by its USB device and its place in that, and not by itself."""

    @property
    def needs_every_path(self) -> bool:
        """A path without a match keeps its group from forming devices."""

    def path_of(self, member: int, number: int) -> int:
        """Which of the group's paths gave the match with this number to a device with this ``Composition.member``."""

    def can_be_of(self, device: Composition[Match], paths: int) -> bool:
        """Whether a group of so many paths can have made a device."""

    def group(
        self,
        index: int,
        paths: Sequence[GroupPath],
        found: Sequence[Mapping[str, M]],
        known: Iterable[Composition[M]],
    ) -> Group[M]:
        """The group with this index.

        Args:
            index: which of the spec's groups it is.
            paths: its paths.
            found: what each of them may have now, by identity.
            known: the devices that it had.
        """
