"""Former devices: pods may hold them, and the configuration does not form them any more as they are held.

Pure. Event loop only. A group that is gone from a spec stays behind the configured ones, marked as former: its devices
are renewed as ever (so they come back after a replug), it forms no new ones, and nobody else is offered their nodes.
They stay until no pod holds them, or until the configuration forms the very same ones.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import replace

from udev_device_plugin.config.specs import GroupSpec, ResourceSpec
from udev_device_plugin.devices.assembled import AssembledDevice, AssembledResource, AssemblyContext, Withheld
from udev_device_plugin.devices.identity import device_id, id_base
from udev_device_plugin.devices.path_assignment import candidates
from udev_device_plugin.devices.retention import FRESH, MIN_ASK
from udev_device_plugin.host.inventory import Inventory


def has_former_groups(spec: ResourceSpec) -> bool:
    """Whether a spec has former groups, which stand behind the configured ones."""
    return bool(spec.groups) and spec.groups[-1].is_former


def carried_over(
    assembled: AssembledResource, before: ResourceSpec, now: ResourceSpec, *, excludes_the_same: bool
) -> tuple[ResourceSpec, AssembledResource]:
    """Return a changed spec with the former groups that it needs, and the devices under it.

    Devices stay where a group selects the same as theirs did before; the others become former ones, and all of them if
    the spec excludes something else.
    """
    selecting = {group.asks_for: index for index, group in reversed(list(enumerate(now.groups)))}
    groups, devices = list(now.groups), []
    for device in assembled.devices:
        group = before.groups[device.group]
        index = selecting.get(group.asks_for) if excludes_the_same else None
        if index is not None:
            devices.append(replace(device, group=index, is_former=False, held_ids=None))
            continue
        former = replace(group, is_former=True)
        if former not in groups:
            groups.append(former)
        devices.append(replace(device, group=groups.index(former), is_former=True, keep_until=0.0))
    return replace(now, groups=tuple(groups)), replace(assembled, devices=tuple(devices), settling=())


def marked(
    spec: ResourceSpec, assembled: AssembledResource, held: Collection[str] | None, fresh: Collection[str], now: float
) -> AssembledResource:
    """Return a resource with what is known of who holds its former devices.

    Args:
        spec: the resource, with its former groups.
        assembled: its devices.
        held: the IDs that pods hold; None if that is not known.
        fresh: the IDs that were allocated a moment ago.
        now: monotonic seconds.
    """
    if held is None or not any(device.is_former for device in assembled.devices):
        return assembled
    by_base: defaultdict[str | None, set[str]] = defaultdict(set)
    for id_ in (*held, *fresh):
        by_base[id_base(id_)].add(id_)

    def mark(device: AssembledDevice) -> AssembledDevice:
        if not device.is_former:
            return device
        ids = frozenset(by_base.get(id_base(device_id(spec.resource, device.identity, 0)), ()))
        if device.held_ids and not ids and 0 < device.keep_until - now <= FRESH:
            return device  # it was allocated a moment ago, by a plugin that is not there any more
        return replace(device, held_ids=ids, keep_until=now + (FRESH if ids.isdisjoint(held) else MIN_ASK))

    return replace(assembled, devices=tuple(map(mark, assembled.devices)))


def held_nodes(
    spec: ResourceSpec, assembled: AssembledResource, inventory: Inventory, links_directory: str
) -> Withheld:
    """Return what of the host the former devices have, for as long as pods may hold them."""
    held = [
        match
        for device in (assembled.devices if has_former_groups(spec) else ())
        if device.is_former and not device.is_let_go
        for match in device.matches(spec)
    ]
    if not held:
        return frozenset()
    alone = replace(spec, groups=tuple(group if group.is_former else GroupSpec(()) for group in spec.groups))
    found = candidates(alone, inventory, held, AssemblyContext(0.0, 0.0, links_directory))
    return frozenset(
        (candidate.claim, spec.groups[slot.group].paths[slot.member].is_shared)
        for slot, matches in found.items()
        for candidate in matches.values()
    )


def without_vacant_groups(spec: ResourceSpec, assembled: AssembledResource) -> tuple[ResourceSpec, AssembledResource]:
    """Return a spec without those former groups that have no device any more, and its devices."""
    used = {device.group for device in assembled.devices}
    kept = [index for index, group in enumerate(spec.groups) if index in used or not group.is_former]
    devices = (replace(device, group=kept.index(device.group)) for device in assembled.devices)
    return (
        replace(spec, groups=tuple(spec.groups[index] for index in kept)),
        replace(assembled, devices=tuple(devices)),
    )
