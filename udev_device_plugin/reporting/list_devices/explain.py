"""Explains what the plugin decides on a host: what each selector gives to devices, and why it does not give more.

Pure.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence

from udev_device_plugin.config.specs import PathSpec, PathType, ResourceSpec
from udev_device_plugin.devices.allocation import USB_BUS
from udev_device_plugin.devices.assembled import AssembledResource, AssemblyContext
from udev_device_plugin.devices.assembly import assemble
from udev_device_plugin.devices.candidates import Candidate, Slot
from udev_device_plugin.devices.describe import device_set
from udev_device_plugin.devices.device import DeviceSet
from udev_device_plugin.devices.path_assignment import candidates
from udev_device_plugin.host.model import HostDevice, NodeState
from udev_device_plugin.reporting.list_devices.facts import facts_about
from udev_device_plugin.reporting.list_devices.model import (
    Decided,
    Host,
    Listing,
    Offered,
    ResourceListing,
    SelectorListing,
)
from udev_device_plugin.selectors.usb.selector import RAW

MAX_NAMED = 10
"""How many nodes one warning names."""

Recall = Callable[[ResourceSpec], AssembledResource]
"""Returns what a plugin offered of a resource before."""


def explain(
    specs: Iterable[ResourceSpec],
    host: Host,
    links_directory: str,
    warnings: Sequence[str] = (),
    recall: Recall = lambda _: AssembledResource(),
) -> Listing:
    """Return what ``specs`` select on a host.

    Args:
        specs: the resources.
        host: the host.
        links_directory: where our own links would be; with a trailing slash.
        warnings: those that are known already.
        recall: what a plugin offered before of a resource.
    """
    specs = tuple(specs)
    resources = tuple(_resource(spec, host, links_directory, recall(spec)) for spec in specs)
    shared = _shared_nodes([resource.devices for resource in resources])
    idle = (
        f"{spec.resource}: nothing is excluded by {selector}: it matches nothing here now"
        for spec in specs
        for selector in spec.exclude
        if not host.inventory.matches(selector)
    )
    return Listing(resources, (*warnings, *shared, *idle))


def _resource(spec: ResourceSpec, host: Host, links_directory: str, known: AssembledResource) -> ResourceListing:
    # As at the plugin's start, when what is there counts as complete.
    given = AssemblyContext(now=0.0, grace_period=0.0, links_directory=links_directory)
    assembled = assemble(spec, host.inventory, known, given)
    found = candidates(spec, host.inventory, (), given)
    decided = Decided(spec, host, found, assembled)
    devices = device_set(spec, assembled)
    described = {device.identity: device for device in devices.devices}
    offered: dict[Slot, list[Offered]] = {slot: [] for slot in found}
    for one in assembled.devices:
        device = described[one.identity]
        for (slot, candidate), member in zip(one.matches(spec), device.members, strict=True):
            remarks = _remarks(host, decided.path_spec(slot), candidate)
            offered[slot].append(Offered(device, member, tuple(remarks)))
    return ResourceListing(devices, tuple(_selector(decided, slot, tuple(its)) for slot, its in offered.items()))


def _selector(decided: Decided, slot: Slot, offered: tuple[Offered, ...]) -> SelectorListing:
    group, path_spec = decided.spec.groups[slot.group], decided.path_spec(slot)
    misses, remark = path_spec.selector.mismatches(facts_about(decided, slot))
    remarks = [remark] if remark else []
    if path_spec.optional:
        remarks.append("it is optional")
    elif not decided.found[slot] and len(group.paths) > 1:
        remarks.append("without it, its group offers no device")
    return SelectorListing(slot, path_spec, offered, misses, "" if offered else "; ".join(remarks))


def _remarks(host: Host, path_spec: PathSpec, candidate: Candidate) -> Iterator[str]:
    """What a person should know about something that is offered."""
    if path_spec.mounts_bus and candidate.subsystem == RAW:
        yield f"a container gets {USB_BUS.container_path}, too, read-only: libusb opens the node there"
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
    if path_spec.selector.names_physical_port:  # its socket is its own
        return
    if candidate.usb_device and device.usb_device is not None:
        others = sorted(str(other).rpartition("/")[2] for other in inventory.sharing_serial(device.usb_device))
        for name in others[:1]:
            serial = device.usb_device.serial
            yield f"twin of the stick at {name}: {f'same serial number {serial}' if serial else 'no serial number'}"
    else:
        yield from _twins(host, device, candidate)


def _twins(host: Host, device: HostDevice, candidate: Candidate) -> Iterator[str]:
    """Which other devices claim a link that would have been its identity."""
    for link in device.devlinks:
        kind = next((kind for kind in ("by-id", "by-path") if f"/{kind}/" in link), "")
        if not kind or link == candidate.identity:
            continue
        others = sorted(other.devnode.removeprefix("/dev/") for other in host.inventory.sharing_link(device, link))
        for other in others[:1]:
            yield f"twin of {other}: same {kind} link {link}"


def _shared_nodes(device_sets: Sequence[DeviceSet]) -> Iterator[str]:
    """Which resources offer the same nodes."""
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
