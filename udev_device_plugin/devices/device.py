"""A device as it is published, for every reader: what it is, what a container gets with it, who holds it.

Pure; any thread.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from udev_device_plugin.config.specs import PathType
from udev_device_plugin.devices.identity import Identity, device_id, id_base
from udev_device_plugin.host.model import DeviceNumber


@dataclass(frozen=True, slots=True)
class Holder:
    """The container that holds an ID."""

    namespace: str
    pod: str
    container: str


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """What udev and sysfs said last about the hardware behind a device node; "" for what is not known or not there.

    The hardware may have made up any of it: all characters occur, and bytes that are no UTF-8 are surrogates.

    Attributes:
        vendor, product: of the USB device, four lower-case hexadecimal digits.
        serial, manufacturer, model: the hardware's own texts.
        port: controller and port of the USB device; of another device, its place without numbers that are counted up.
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


@dataclass(frozen=True, slots=True)
class Member:
    """One device node or mount that a container gets with a device.

    Attributes:
        identity: the same after a restart or a replug.
        host_path: path on the host that the runtime gets; always leads to this very thing.
        container_path: path in the container.
        type: device node or mount.
        permissions: for the device cgroup, of ``r``, ``w``, ``m``; devices only.
        read_only: mounts only.
        node: its own path on the host, now or last.
        number: of a device node.
        own_link: the plugin's own link that it needs, or that a container may have got; "" for none.
        is_optional: the device is Healthy without it too.
        needs_bus: a container gets ``/dev/bus/usb``, too (`allocation.USB_BUS`): libusb opens the node there.
        info: the hardware behind a device node, also of an absent one.
        inode: of ``node``, which the next one with its number does not have.
        selector: what selects it, for people.
        contended: links of udev's that its device claims, and others do, too.
    """

    identity: str
    host_path: str
    container_path: str
    type: PathType
    permissions: str = ""
    read_only: bool = False
    node: str = ""
    number: DeviceNumber | None = None
    own_link: str = ""
    is_optional: bool = False
    needs_bus: bool = False
    info: DeviceInfo = NO_INFO
    inode: int = 0
    selector: str = ""
    contended: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Device:
    """One allocatable device, offered ``count`` times.

    Attributes:
        identity: unique within its resource.
        members: in the spec's order.
        count: how many replicas of it are offered.
        is_healthy: whether all required members are present.
        since: when that last changed, monotonic seconds.
        numa_nodes: of its members, sorted.
        held_ids: of a device that the configuration does not form any more as it is held (`devices.former`): its IDs
            that pods hold, sorted, which alone are offered; None for all others.
        is_recorded: only the identity record says what a container gets of it, so none gets it anew.
    """

    identity: Identity
    members: tuple[Member, ...]
    count: int
    is_healthy: bool
    since: float
    numa_nodes: tuple[int, ...] = ()
    held_ids: tuple[str, ...] | None = None
    is_recorded: bool = False

    def id(self, resource: str, replica: int) -> str:
        """Return the ID of one of its replicas, from 0 to ``count``."""
        return device_id(resource, self.identity, replica) if self.held_ids is None else self.held_ids[replica]


@dataclass(frozen=True)
class DeviceSet:
    """All devices of one resource at one moment, sorted by identity.

    Attributes:
        resource: its name.
        devices: the known ones.
        left_out: how many IDs are not listed, because there are too many.
        unseen: IDs of unseen devices that pods hold, each with the monotonic second since which that is known.
    """

    resource: str
    devices: tuple[Device, ...] = ()
    unseen: tuple[tuple[str, float], ...] = ()
    left_out: int = 0

    @cached_property
    def by_id(self) -> Mapping[str, Device]:
        """The device of each listed ID, replicas included, in the set's order."""
        return {device.id(self.resource, replica): device for device in self.devices for replica in range(device.count)}

    @cached_property
    def by_base(self) -> Mapping[str | None, Device]:
        """The device of each ID, whatever the replica's number (see ``identity.id_base``)."""
        return {id_base(device_id(self.resource, device.identity, 0)): device for device in self.devices}

    @property
    def count(self) -> int:
        """The number of listed IDs, replicas included."""
        return sum(device.count for device in self.devices) + len(self.unseen)

    @property
    def healthy_count(self) -> int:
        """The number of those that are Healthy."""
        return sum(device.count for device in self.devices if device.is_healthy)
