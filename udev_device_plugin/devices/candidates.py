"""What is on the host for a path: the node, as what it is known, and by which path it is handed over.

Pure. Event loop only. Invariant: a node that was offered keeps the identity it was offered under for as long as it is
there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from udev_device_plugin.config.specs import PathSpec
from udev_device_plugin.devices.identity import (
    digest,
    node_identity,
    persistent_link,
    place_in_usb_device,
    slug,
    usb_device_identity,
    usb_device_serial_identity,
)
from udev_device_plugin.host.inventory import Inventory
from udev_device_plugin.host.model import DeviceNumber, HostDevice, PathEntry, UsbDevice


class Slot(NamedTuple):
    """Path ``member`` of group ``group``: the unit that matches and claims are counted for."""

    group: int
    member: int


class NodeKey(NamedTuple):
    """One making of a node, whatever names lead to it; of what is no node, the path."""

    number: DeviceNumber | None
    inode: int
    path: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something on the host that a path selects.

    Attributes:
        identity: what makes it itself: a persistent link, a port, or the path.
        path: the path that was matched.
        node: which node it is.
        target: the node's own path.
        host_path: a path that always leads to it: its verified persistent link, or one of our own.
        own_link: the link of our own, once it has needed one; "" for none.
        numa_node: of a node's device; None for none.
        usb_device: the identity of the USB device that it is chosen with; "" for a node that stands for itself.
        usb_device_path: where that is in sysfs.
        subsystem: of a node's device, if it is chosen with a USB device.
    """

    identity: str
    path: str
    node: NodeKey
    target: str
    host_path: str
    numa_node: int | None = None
    own_link: str = ""
    usb_device: str = ""
    usb_device_path: str = ""
    subsystem: str = ""


Known = Mapping[tuple[NodeKey, bool], Candidate]
"""As what a node was offered, by itself (False) and with its USB device (True): two paths may share a node."""


def node_key(inventory: Inventory, entry: PathEntry) -> NodeKey:
    """Which node stands at a path: of several with one number, the kernel's own."""
    if entry.number is None:
        return NodeKey(None, entry.inode, entry.target)
    node = inventory.node_at(entry)
    return NodeKey(entry.number, node.inode if node is not None and node.inode else entry.inode, "")


@dataclass(frozen=True, slots=True)
class IdentityChooser:
    """Chooses the identity and the host path of what paths match.

    Attributes:
        inventory: the host.
        known: as what nodes were offered.
        owners: which node is known by an identity.
        usb_devices: as what USB devices were offered, by their place in sysfs.
        links_directory: where our own links are; with a trailing slash.
    """

    inventory: Inventory
    known: Known
    owners: Mapping[str, NodeKey]
    usb_devices: Mapping[str, str]
    links_directory: str

    def choose(self, path_spec: PathSpec, entry: PathEntry, node: NodeKey, *, is_plain: bool) -> Candidate:
        """As what a node at a path is offered; ``is_plain``: it is known by its path alone."""
        device = self.inventory.device_at(entry)
        is_by_usb_device = path_spec.selector.grouping.is_by_usb_device
        known = None if is_plain else self.known.get((node, is_by_usb_device))
        if device is None and known is not None:  # what was offered is there, whatever udev's last word on it was
            return replace(known, path=entry.path)
        if device is not None and not is_plain and is_by_usb_device and device.usb_device:
            return self._choose_with_usb_device(device, device.usb_device, entry, node, known)
        identity, own_link, numa_node = entry.path, "", device.numa_node if device else None
        if device is not None and not is_plain:
            identity = known.identity if known else self._identity(device, node)
            is_link = identity in device.links and self.inventory.is_sole_claim(device, identity)
            own_link = "" if is_link else self._own_link(identity)
        return Candidate(identity, entry.path, node, entry.target, own_link or identity, numa_node, own_link)

    def _identity(self, device: HostDevice, node: NodeKey) -> str:
        inventory = self.inventory

        def is_sole(link: str) -> bool:
            return inventory.is_sole_claim(device, link)

        def is_free(identity: str) -> bool:  # a node that was offered first keeps its identity
            return self.owners.get(identity, node) == node

        def is_told_apart_by_serial() -> bool:
            by_id = [link for link in device.devlinks if "/by-id/" in link]
            is_within = any(inventory.is_claimed_within(device, link) for link in by_id)
            return is_within and device.usb_device is not None and inventory.is_sole_serial(device.usb_device)

        return node_identity(device, is_sole, is_free, is_told_apart_by_serial)

    def _choose_with_usb_device(
        self, device: HostDevice, usb_device: UsbDevice, entry: PathEntry, node: NodeKey, known: Candidate | None
    ) -> Candidate:
        of_usb_device = known.usb_device if known else self._usb_device_identity(usb_device)
        identity = known.identity if known else f"{of_usb_device}:{place_in_usb_device(device)}"
        # A link that means the port is as good as the USB device's identity only if that is the port too.
        is_by_serial = of_usb_device == usb_device_serial_identity(usb_device)
        link = persistent_link(
            device, lambda link: ("/by-id/" in link) == is_by_serial and self.inventory.is_sole_claim(device, link)
        )
        own_link = "" if link else self._own_link(identity)
        return Candidate(
            identity,
            entry.path,
            node,
            entry.target,
            link or own_link,
            device.numa_node,
            own_link,
            usb_device=of_usb_device,
            usb_device_path=usb_device.sys_path,
            subsystem=device.subsystem,
        )

    def _usb_device_identity(self, usb_device: UsbDevice) -> str:
        """As what it is offered already, else what it is; what another USB device is offered as is that one's."""
        if (known := self.usb_devices.get(usb_device.sys_path)) is not None:
            return known
        is_sole = (
            self.inventory.is_sole_serial(usb_device)
            and usb_device_serial_identity(usb_device) not in self.usb_devices.values()
        )
        return usb_device_identity(usb_device, is_sole=is_sole)

    def _own_link(self, identity: str) -> str:
        return self.links_directory + f"{slug(identity)}-{digest(identity)}"
