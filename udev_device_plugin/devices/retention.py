"""Which absent devices stay listed: for the grace period, and for as long as a pod holds them.

Pure. Invariant: nothing that a pod holds is forgotten, and nothing at all while that is not known.
"""

from collections.abc import Iterable
from dataclasses import replace

from udev_device_plugin.config.specs import ResourceSpec
from udev_device_plugin.devices.assembled import AssembledDevice, AssembledResource, AssemblyContext, UnseenDevice
from udev_device_plugin.devices.identity import device_id, id_base

MIN_ASK = 60.0
"""Seconds, at least, until PodResources is asked again whether a pod still holds an absent device."""

FRESH = 1.0
"""Seconds after the answer to ``Allocate`` within which a kubelet certainly counts the pod as holding the device."""

PODS_ARE_KNOWN_AFTER = 10.0
"""Seconds after which a kubelet that has just started certainly lists all pods that hold devices."""


def keep(device: AssembledDevice, spec: ResourceSpec, given: AssemblyContext) -> AssembledDevice | None:
    """Return the device, or None if it is to be forgotten.

    A device that a pod holds gets another grace period, since nothing notifies of the pod's end.
    """
    if device.is_former or device.is_healthy or given.held is None or given.now < device.keep_until:
        return device
    base = id_base(device_id(spec.resource, device.identity, 0))
    if base in map(id_base, given.held):
        return replace(device, keep_until=_next_expiry(given))
    if base in map(id_base, given.fresh):
        return replace(device, keep_until=given.now + FRESH)
    return None


def unseen_devices(
    spec: ResourceSpec, previous: AssembledResource, devices: Iterable[AssembledDevice], given: AssemblyContext
) -> tuple[UnseenDevice, ...]:
    """Return the devices that pods hold by an ID of this plugin's form and that are not among ``devices``."""
    if not given.held and not previous.unseen:
        return ()
    described = {id_base(device_id(spec.resource, device.identity, 0)) for device in devices}
    unseen = {one.id: one for one in previous.unseen}
    for id_ in sorted(given.held or ()):
        known = unseen.get(id_)
        if known is None or known.keep_until <= given.now:
            unseen[id_] = UnseenDevice(id_, known.since if known else given.now, _next_expiry(given))
    return tuple(
        one
        for one in unseen.values()
        if (given.held is None or given.now < one.keep_until) and id_base(one.id) not in {*described, None}
    )


def under_grace_period(assembled: AssembledResource, grace_period: float) -> AssembledResource:
    """Return a resource whose absent devices expire ``grace_period`` seconds after they became absent."""
    devices = (
        one if one.is_healthy or one.is_former else replace(one, keep_until=one.since + grace_period)
        for one in assembled.devices
    )
    return replace(assembled, devices=tuple(devices))


def _next_expiry(given: AssemblyContext) -> float:
    return given.now + max(given.grace_period, MIN_ASK)
