"""What there is to see of a host at one moment: frozen values, which ``table`` and ``json_form`` show.

Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from udev_device_plugin.config.specs import PathSpec, ResourceSpec
from udev_device_plugin.devices.candidates import Candidate, NodeKey, Slot
from udev_device_plugin.devices.claims import Candidates
from udev_device_plugin.devices.model import AssembledResource
from udev_device_plugin.devices.store import Device, DeviceSet, Member
from udev_device_plugin.host.inventory import Inventory
from udev_device_plugin.selectors.mismatch import NearMisses
from udev_device_plugin.selectors.udev_rule.rule import Rule


@dataclass(frozen=True, slots=True)
class Host:
    """The host after one complete look.

    Attributes:
        inventory: what it has.
        dead_links: configured paths at which a link stands that leads nowhere.
        near: what comes close to each rule.
    """

    inventory: Inventory
    dead_links: frozenset[str] = frozenset()
    near: Mapping[Rule, NearMisses] = field(default_factory=dict)


@dataclass(frozen=True)
class Decided:
    """What the plugin makes of one resource on this host; only to be explained.

    Attributes:
        spec: the resource.
        host: the host.
        found: what each of its paths may have.
        formation: what it offers.
        devices: the same, described.
    """

    spec: ResourceSpec
    host: Host
    found: Candidates
    formation: AssembledResource
    devices: DeviceSet

    @cached_property
    def by_node(self) -> Mapping[NodeKey, Sequence[tuple[Slot, Candidate]]]:
        """Which paths may have a node."""
        by_node: dict[NodeKey, list[tuple[Slot, Candidate]]] = {}
        for slot, found in self.found.items():
            for candidate in found.values():
                by_node.setdefault(candidate.node, []).append((slot, candidate))
        return by_node


@dataclass(frozen=True, slots=True)
class Offered:
    """One thing on the host that a selector gives to a device.

    Attributes:
        device: the device.
        member: the thing.
        remarks: what is worth to be known of it.
    """

    device: Device
    member: Member
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SelectorListing:
    """What there is to see of one selector.

    Attributes:
        group: which of the resource's groups it stands in.
        member: its place in there.
        path_spec: the selector, and what becomes of its matches.
        offered: what it gives to devices.
        misses: what almost matches, or matches and is not offered.
        remark: why there is nothing; "" if there is something, or nothing to say.
    """

    group: int
    member: int
    path_spec: PathSpec
    offered: tuple[Offered, ...]
    misses: NearMisses
    remark: str = ""

    @property
    def kind(self) -> str:
        """What it asks of: ``path``, ``usb`` or ``udev``."""
        return self.path_spec.selector.kind


@dataclass(frozen=True, slots=True)
class ResourceListing:
    """What there is to see of one resource; selectors are in the configuration's order."""

    devices: DeviceSet
    selectors: tuple[SelectorListing, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """What there is to see; resources are in the configuration's order.

    Attributes:
        resources: one for each.
        warnings: what is doubtful about the configuration on this host.
    """

    resources: tuple[ResourceListing, ...]
    warnings: tuple[str, ...] = ()
