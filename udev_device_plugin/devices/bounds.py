"""How many IDs a resource lists at most: what matches beyond that is not offered.

Pure. Devices that are offered already go first, so that one more that comes takes no other's place.
"""

from dataclasses import replace

from udev_device_plugin.config.specs import MAX_IDS_OF_RESOURCE, ResourceSpec
from udev_device_plugin.devices.assembled import AssembledResource


def within_bounds(
    assembled: AssembledResource, before: AssembledResource, spec: ResourceSpec, ids_left: int
) -> AssembledResource:
    """Return a resource without what is too much.

    Args:
        assembled: the resource as it is now.
        before: as it was offered before.
        spec: what it is to offer.
        ids_left: how many IDs are left for it by all other resources.
    """
    left = min(MAX_IDS_OF_RESOURCE, ids_left)
    counts = [
        len(device.held_ids or ()) if device.is_former else spec.groups[device.group].count
        for device in assembled.devices
    ]
    if sum(counts) + len(assembled.unseen) <= left:
        return assembled if not assembled.left_out else replace(assembled, left_out=0)
    known = {device.identity for device in before.devices}
    offered, left_out = set(), 0
    for device, count in sorted(
        zip(assembled.devices, counts, strict=True), key=lambda one: one[0].identity not in known
    ):
        if count <= left:
            left -= count
            offered.add(device.identity)
        else:
            left_out += count
    devices = tuple(device for device in assembled.devices if device.identity in offered)
    unseen = assembled.unseen[:left]
    return replace(assembled, devices=devices, unseen=unseen, left_out=left_out + len(assembled.unseen) - len(unseen))
