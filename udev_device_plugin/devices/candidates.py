"""What matches a path of a spec: the node, its identity, and its host path.

Pure. Event loop only. Invariant: a node that was offered keeps its identity for as long as it is present.
"""

import itertools
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from udev_device_plugin.config.specs import PathSpec
from udev_device_plugin.devices.identity import (
    node_identity,
    order_of,
    own_link_name,
    persistent_link,
    physical_port_identity,
    place_in_usb_device,
    usb_device_identity,
    usb_device_serial_identity,
)
from udev_device_plugin.host.inventory import Inventory
from udev_device_plugin.host.model import DeviceNumber, HostDevice, PathEntry, UsbDevice


class Slot(NamedTuple):
    """Path ``member`` of group ``group`` of a spec."""

    group: int
    member: int


class NodeKey(NamedTuple):
    """A node, whatever paths lead to it (the next one with its number has another inode); else the path."""

    number: DeviceNumber | None
    inode: int
    path: str

    @property
    def claim(self) -> Hashable:
        """What one device has: several nodes, of any path and inode, with one number are one."""
        return self.number or self


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something on the host that a path selects.

    Attributes:
        identity: a persistent link, a port, or the path.
        path: the path that was matched.
        node: the node there.
        target: the node's own path.
        host_path: a path that always leads to the node: its verified persistent link, or the plugin's own link.
        numa_node: of the node's device; None for none.
        own_link: the plugin's own link, once the node has needed one; "" for none.
        usb_device: identity of the USB device that it is selected with; "" for a node that is selected by itself.
        usb_device_path: sysfs path of that.
        subsystem: of the node's device, if it is selected with a USB device.
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

    @property
    def claim(self) -> Hashable:
        """What one device has."""
        return self.node.claim


Known = Mapping[tuple[NodeKey, bool], Candidate]
"""What each node was offered as, by itself (False) and with its USB device (True): two paths may share a node."""


def node_key(inventory: Inventory, entry: PathEntry) -> NodeKey:
    """Return the node at a path: of several with one number, the kernel's own."""
    if entry.number is None:
        return NodeKey(None, entry.inode, entry.target)
    node = inventory.node_at(entry)
    return NodeKey(entry.number, node.inode if node is not None and node.inode else entry.inode, "")


@dataclass(frozen=True, slots=True)
class IdentityChooser:
    """Chooses the identity and the host path of what paths match.

    Attributes:
        inventory: what is on the host.
        known: what nodes were offered as.
        owners: the node that has an identity.
        usb_devices: identities of USB devices that were offered, by sysfs path; without those of sockets.
        links_directory: where the plugin's own links are; with a trailing slash.
    """

    inventory: Inventory
    known: Known
    owners: Mapping[str, NodeKey]
    usb_devices: Mapping[str, str]
    links_directory: str

    def choose(self, path_spec: PathSpec, entry: PathEntry, node: NodeKey, *, is_plain: bool) -> Candidate:
        """Return the candidate for a node at a path; ``is_plain``: its path alone is its identity."""
        device = self.inventory.device_at(entry)
        is_by_usb_device = path_spec.selector.is_by_usb_device
        known = None if is_plain else self.known.get((node, is_by_usb_device))
        if device is None and known is not None:  # what was offered is present, whatever udev said of it last
            return self._as_known(known, entry)
        numa_node = device.numa_node if device else None
        candidate = Candidate(entry.path, entry.path, node, entry.target, entry.path, numa_node)
        if device is None or is_plain:
            return candidate
        if is_by_usb_device and device.usb_device:
            port_name = path_spec.selector.names_physical_port
            return self._with_usb_device(candidate, device, device.usb_device, port_name, known)
        identity = known.identity if known else self._identity(device, node)
        is_link = identity in device.links and self.inventory.is_sole_claim(device, identity)
        own_link = "" if is_link else self._own_link(identity)
        return replace(candidate, identity=identity, host_path=own_link or identity, own_link=own_link)

    def _as_known(self, known: Candidate, entry: PathEntry) -> Candidate:
        host_path, own_link = known.host_path, known.own_link
        if not host_path:  # known from the identity record, which has no such paths
            is_its_path = known.identity == entry.path and not own_link
            own_link = "" if is_its_path else self._own_link(known.identity)
            host_path = own_link or entry.path
        return replace(known, path=entry.path, target=entry.target, host_path=host_path, own_link=own_link)

    def _identity(self, device: HostDevice, node: NodeKey) -> str:
        inventory = self.inventory

        def is_free(identity: str) -> bool:  # the node that was offered first has it
            return self.owners.get(identity, node) == node

        def has_unique_serial() -> bool:
            by_id = [link for link in device.devlinks if "/by-id/" in link]
            is_within = any(inventory.is_claimed_within(device, link) for link in by_id)
            return is_within and device.usb_device is not None and not inventory.sharing_serial(device.usb_device)

        return node_identity(device, partial(inventory.is_sole_claim, device), is_free, has_unique_serial)

    def _with_usb_device(
        self, candidate: Candidate, device: HostDevice, usb_device: UsbDevice, port_name: str, known: Candidate | None
    ) -> Candidate:
        """The candidate by its USB device; with ``port_name``, by whatever is in that one's socket.

        What a socket has may be another USB device after a while, whose nodes are at other interfaces and have other
        links: so such a node is known by its rank, and given by the plugin's own link.
        """
        if known is not None:
            of_usb_device, identity = known.usb_device, known.identity
        elif port_name:
            of_usb_device = physical_port_identity(port_name, usb_device)
            identity = self._ranked(of_usb_device, candidate.node, device, usb_device)
        else:
            of_usb_device = self._usb_device_identity(usb_device)
            identity = f"{of_usb_device}:{place_in_usb_device(device)}"
        # A by-id link follows the USB device, a by-path link the port: the link must follow what the identity does.
        is_by_serial = of_usb_device == usb_device_serial_identity(usb_device)
        link = persistent_link(
            device, lambda link: ("/by-id/" in link) == is_by_serial and self.inventory.is_sole_claim(device, link)
        )
        own_link = "" if link and not port_name else self._own_link(identity)
        return replace(
            candidate,
            identity=identity,
            host_path=own_link or link or "",
            own_link=own_link,
            usb_device=of_usb_device,
            usb_device_path=usb_device.sys_path,
            subsystem=device.subsystem,
        )

    def _ranked(self, of_usb_device: str, node: NodeKey, device: HostDevice, usb_device: UsbDevice) -> str:
        """The identity of a node by its rank among those of its subsystem, or the first one behind that is free."""
        same = (one for one in self.inventory.devices_of(usb_device) if one.subsystem == device.subsystem)
        places = sorted(map(place_in_usb_device, same), key=lambda place: order_of(f":{place}"))
        ranks = itertools.count(places.index(place_in_usb_device(device)))
        identities = (f"{of_usb_device}:{device.subsystem}" + (f"#{rank}" if rank else "") for rank in ranks)
        return next(one for one in identities if self.owners.get(one, node) == node)

    def _usb_device_identity(self, usb_device: UsbDevice) -> str:
        known = self.usb_devices.get(usb_device.sys_path)
        is_taken = usb_device_serial_identity(usb_device) in self.usb_devices.values()
        is_sole = not is_taken and not self.inventory.sharing_serial(usb_device)
        return known or usb_device_identity(usb_device, is_sole=is_sole)

    def _own_link(self, identity: str) -> str:
        return self.links_directory + own_link_name(identity)
