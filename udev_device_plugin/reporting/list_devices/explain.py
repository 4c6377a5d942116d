"""From what was decided to what there is to see: what each selector gives, and why it does not give more.

Pure.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence

from udev_device_plugin.config.specs import PathSpec, PathType, ResourceSpec
from udev_device_plugin.devices.assembly import assemble
from udev_device_plugin.devices.candidates import Candidate, Slot
from udev_device_plugin.devices.claims import candidates
from udev_device_plugin.devices.describe import device_set
from udev_device_plugin.devices.model import AssembledDevice, AssembledResource, AssemblyContext
from udev_device_plugin.devices.store import Device, DeviceSet
from udev_device_plugin.host.model import HostDevice, NodeState
from udev_device_plugin.reporting.list_devices.facts import Facts
from udev_device_plugin.reporting.list_devices.model import (
    Decided,
    Host,
    Listing,
    Offered,
    ResourceListing,
    SelectorListing,
)

MAX_NAMED = 10
"""How many nodes one warning names."""

Recall = Callable[[ResourceSpec], AssembledResource]
"""Tells what a plugin offered of a resource before."""


def explain(
    specs: Iterable[ResourceSpec],
    host: Host,
    links_directory: str,
    warnings: Sequence[str] = (),
    recall: Recall = lambda _: AssembledResource(),
) -> Listing:
    """What ``specs`` mean on a host.

    Args:
        specs: the resources.
        host: the host.
        links_directory: where our own links would be; with a trailing slash.
        warnings: what else is doubtful.
        recall: what a plugin offered before of a resource.
    """
    resources = tuple(_resource(_decided(spec, host, links_directory, recall(spec))) for spec in specs)
    shared = _shared_nodes([resource.devices for resource in resources])
    return Listing(resources, (*warnings, *shared))


def _decided(spec: ResourceSpec, host: Host, links_directory: str, known: AssembledResource) -> Decided:
    """As at the plugin's start: what is there by then is as complete as it gets."""
    given = AssemblyContext(now=0.0, grace_period=0.0, links_directory=links_directory)
    formation = assemble(spec, host.inventory, known, given)
    found = candidates(spec, host.inventory, (), links_directory)
    return Decided(spec, host, found, formation, device_set(spec, formation))


def _resource(decided: Decided) -> ResourceListing:
    devices = {device.identity: device for device in decided.devices.devices}
    by_slot: dict[Slot, list[Offered]] = {}
    for formed in decided.formation.devices:
        for slot, offered in _offered(decided, formed, devices[formed.identity]):
            by_slot.setdefault(slot, []).append(offered)
    return ResourceListing(
        decided.devices,
        tuple(
            _selector(decided, slot, path_spec, tuple(by_slot.get(slot, ())))
            for group, group_spec in enumerate(decided.spec.groups)
            for member, path_spec in enumerate(group_spec.paths)
            for slot in (Slot(group, member),)
        ),
    )


def _offered(decided: Decided, formed: AssembledDevice, device: Device) -> Iterator[tuple[Slot, Offered]]:
    """What each selector gives to a device."""
    paths = decided.spec.groups[formed.group].paths
    for (slot, candidate), member in zip(formed.matches(decided.spec), device.members, strict=True):
        remarks = _remarks(decided.host, paths[slot.member], candidate)
        yield slot, Offered(device, member, tuple(remarks))


def _selector(decided: Decided, slot: Slot, path_spec: PathSpec, offered: tuple[Offered, ...]) -> SelectorListing:
    group = decided.spec.groups[slot.group]
    misses, remark = path_spec.selector.mismatches(Facts(decided, slot))
    remarks = [remark] if remark else []
    if path_spec.optional:
        remarks.append("it is optional")
    elif not decided.found[slot] and len(group.paths) > 1 and group.grouping.needs_every_path:
        remarks.append("without it, its group offers no device")
    return SelectorListing(*slot, path_spec, offered, misses, "" if offered else "; ".join(remarks))


def _remarks(host: Host, path_spec: PathSpec, candidate: Candidate) -> Iterator[str]:
    """What is worth to be known of something that is offered."""
    if candidate.own_link:
        yield "udev has no link to it that lasts: the host path is a link that the plugin makes while it runs"
    inventory = host.inventory
    entry = inventory.entries.get(candidate.path)
    if entry is None:
        return
    node = inventory.node_at(entry)
    if node is not None and node.state is NodeState.OVERDUE:
        yield "udevd has not announced it: offered without what udev would know of it"
    device = inventory.device_at(entry)
    if device is None or path_spec.is_literal or path_spec.type is PathType.MOUNT:
        return
    if candidate.usb_device and device.usb_device is not None:
        for name in sorted(one.sys_path.rpartition("/")[2] for one in inventory.sharing_serial(device.usb_device))[:1]:
            serial = device.usb_device.serial
            yield f"twin of the stick at {name}: {f'same serial number {serial}' if serial else 'no serial number'}"
    else:
        yield from _twins(host, device, candidate)


def _twins(host: Host, device: HostDevice, candidate: Candidate) -> Iterator[str]:
    """Who else claims a link that would have been its identity."""
    for link in device.devlinks:
        kind = next((kind for kind in ("by-id", "by-path") if f"/{kind}/" in link), "")
        if not kind or link == candidate.identity:
            continue
        for rival in sorted(rival.devnode.removeprefix("/dev/") for rival in host.inventory.sharing_link(device, link))[
            :1
        ]:
            yield f"twin of {rival}: same {kind} link {link}"


def _shared_nodes(device_sets: Sequence[DeviceSet]) -> Iterator[str]:
    """Which resources offer the same nodes: two pods may get them."""
    nodes = {
        devices.resource: {
            member.number: member.node for device in devices.devices for member in device.members if member.number
        }
        for devices in device_sets
    }
    for (one, its), (other, others) in itertools.combinations(nodes.items(), 2):
        if both := sorted(its[number] for number in its.keys() & others.keys()):
            named = ", ".join(both[:MAX_NAMED]) + (f" and {len(both) - MAX_NAMED} more" if both[MAX_NAMED:] else "")
            yield f"{one} and {other} offer the same device nodes, so two pods may get them: {named}"
