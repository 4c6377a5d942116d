"""What selectors select on a host at one moment: the values behind ``--list-devices``.

Pure. `explain` creates them, `rows` and `json_form` show them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from udev_device_plugin.config.specs import PathSpec, ResourceSpec
from udev_device_plugin.devices.assembled import AssembledResource
from udev_device_plugin.devices.candidates import Candidate, NodeKey, Slot
from udev_device_plugin.devices.device import Device, DeviceSet, Member
from udev_device_plugin.devices.exclusion import Exclusion
from udev_device_plugin.devices.path_assignment import Candidates
from udev_device_plugin.host.inventory import Inventory
from udev_device_plugin.selectors.mismatch import NearMisses
from udev_device_plugin.selectors.udev_rule.rule import Rule


@dataclass(frozen=True, slots=True)
class Host:
    """The host after one complete look.

    Attributes:
        inventory: what it has.
        dead_links: the dangling links among the configured paths.
        near: what comes close to each rule.
    """

    inventory: Inventory
    dead_links: frozenset[str] = frozenset()
    near: Mapping[Rule, NearMisses] = field(default_factory=dict)


@dataclass(frozen=True)
class Decided:
    """What the plugin offers of one resource on this host, before it is explained.

    Attributes:
        spec: the resource.
        host: the host.
        found: what each of its paths may use.
        assembled: what it offers.
    """

    spec: ResourceSpec
    host: Host
    found: Candidates
    assembled: AssembledResource

    def path_spec(self, slot: Slot) -> PathSpec:
        """Return the path in a slot."""
        return self.spec.groups[slot.group].paths[slot.member]

    @cached_property
    def exclusion(self) -> Exclusion:
        """What the spec excludes."""
        return Exclusion(self.spec, self.host.inventory)

    @cached_property
    def by_node(self) -> Mapping[NodeKey, Sequence[tuple[Slot, Candidate]]]:
        """Which paths may use a node."""
        by_node: dict[NodeKey, list[tuple[Slot, Candidate]]] = {}
        for slot, found in self.found.items():
            for candidate in found.values():
                by_node.setdefault(candidate.node, []).append((slot, candidate))
        return by_node


@dataclass(frozen=True, slots=True)
class Offered:
    """A member that a selector gives to a device, with remarks about it."""

    device: Device
    member: Member
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SelectorListing:
    """One selector's part of a listing.

    Attributes:
        slot: where it is in the resource's spec.
        path_spec: the selector, and what becomes of its matches.
        offered: what it gives to devices.
        misses: what almost matches, or matches and is not offered.
        remark: why there is nothing; "" if there is something, or nothing to say.
    """

    slot: Slot
    path_spec: PathSpec
    offered: tuple[Offered, ...]
    misses: NearMisses
    remark: str = ""


@dataclass(frozen=True, slots=True)
class ResourceListing:
    """One resource's part of a listing; selectors are in the configuration's order."""

    devices: DeviceSet
    selectors: tuple[SelectorListing, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """A listing; resources are in the configuration's order, warnings are about the configuration on this host."""

    resources: tuple[ResourceListing, ...]
    warnings: tuple[str, ...] = ()
