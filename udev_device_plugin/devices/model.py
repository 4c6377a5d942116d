"""What a resource's devices are made of, what that depends on, and what a device is: values. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from udev_device_plugin.config.specs import ResourceSpec
from udev_device_plugin.devices.candidates import Candidate, Slot
from udev_device_plugin.devices.identity import Identity
from udev_device_plugin.selectors.grouping import Numbers, SettlingUsbDevice


@dataclass(frozen=True, slots=True)
class AssembledDevice:
    """A device as it was put together once.

    Attributes:
        identity: what makes it itself, for as long as it is known.
        group: which of the spec's groups it belongs to.
        members: what each of the group's paths gave to it, as last seen; None for an optional one that had nothing.
            Of a USB device: its nodes.
        is_healthy: whether all required ones are there.
        since: when that last changed, monotonic seconds.
        keep_until: until when it is kept without being asked for, if it is absent; monotonic seconds.
        member: of a USB device: which of the group's paths selects it.
        needs: of a USB device: how many nodes it takes to be whole.
    """

    identity: Identity
    group: int
    members: tuple[Candidate | None, ...]
    is_healthy: bool
    since: float
    keep_until: float = 0.0
    member: int = 0
    needs: Numbers = ()

    def matches(self, spec: ResourceSpec) -> Iterator[tuple[Slot, Candidate]]:
        """Its members that are not left out, each with the path of ``spec`` that gave it."""
        grouping = spec.groups[self.group].grouping
        for number, candidate in enumerate(self.members):
            if candidate is not None:
                yield Slot(self.group, grouping.path_of(self.member, number)), candidate


@dataclass(frozen=True, slots=True)
class UnseenDevice:
    """A device that a pod holds and that has not been seen since the plugin started: the ID is all that is known."""

    id: str
    since: float
    keep_until: float


@dataclass(frozen=True, slots=True)
class AssembledResource:
    """What a resource offers.

    Attributes:
        formed: all devices, those of earlier groups and earlier formation first.
        remembered: what pods hold besides.
        gatherings: USB devices whose nodes are still counted.
        is_first: whether the host has not been looked at yet; what is there by then is as complete as it gets.
    """

    formed: tuple[AssembledDevice, ...] = ()
    remembered: tuple[UnseenDevice, ...] = ()
    gatherings: tuple[SettlingUsbDevice, ...] = ()
    is_first: bool = True

    @property
    def settles_at(self) -> float | None:
        """When the next USB device will have been quiet for long enough, monotonic seconds; None if none is awaited."""
        return min((gathering.until for gathering in self.gatherings), default=None)

    @property
    def expires_at(self) -> float | None:
        """When the time of the next absent device is up, monotonic seconds; None if none is absent."""
        times = [formed.keep_until for formed in self.formed if not formed.is_healthy]
        return min((*times, *(remembered.keep_until for remembered in self.remembered)), default=None)


@dataclass(frozen=True, slots=True)
class AssemblyContext:
    """What a formation depends on besides the host.

    Attributes:
        now: monotonic seconds.
        grace_period: for how many seconds an absent device is kept, Unhealthy.
        links_directory: where our own links are; with a trailing slash.
        held: the IDs of the resource that pods hold; None while nobody has asked: then nothing is forgotten.
        fresh: IDs that were handed out so recently that a kubelet may not count them among the held ones yet.
    """

    now: float
    grace_period: float
    links_directory: str = ""
    held: frozenset[str] | None = None
    fresh: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Holder:
    """The container that holds an ID."""

    namespace: str
    pod: str
    container: str


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """What stands behind a device node, as udev and sysfs said last; "" for what is not known, or is not there.

    All of it is text that the hardware may have made up: any characters, and bytes that are no UTF-8 as surrogates.

    Attributes:
        vendor: of the USB device, four lower-case hexadecimal digits.
        product: likewise.
        serial: its serial number.
        manufacturer: its manufacturer's name.
        model: its own name.
        port: where it is plugged, with the controller; of what is no USB device, its place without counted numbers.
        interface: of the USB device, with the configuration: ``1.0``.
        subsystem: the kernel's, ``tty``.
        driver: of the device or its interface, ``cp210x``.
    """

    vendor: str = ""
    product: str = ""
    serial: str = ""
    manufacturer: str = ""
    model: str = ""
    port: str = ""
    interface: str = ""
    subsystem: str = ""
    driver: str = ""


NO_INFO = DeviceInfo()
"""Nothing is known."""
