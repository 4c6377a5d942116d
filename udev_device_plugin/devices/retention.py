"""What is absent, and not forgotten: for the grace period, and for as long as a pod holds it.

Pure. Invariant: nothing that a pod holds is forgotten, and nothing at all while nobody has asked.
"""

from collections.abc import Iterable
from dataclasses import replace

from udev_device_plugin.config.specs import ResourceSpec
from udev_device_plugin.devices.identity import device_id, id_base
from udev_device_plugin.devices.model import AssembledDevice, AssembledResource, AssemblyContext, UnseenDevice

MIN_ASK = 60.0
"""Seconds from one question whether a pod still holds an absent device to the next, at least."""

FRESH = 1.0
"""Seconds from the answer to ``Allocate`` within which a kubelet certainly counts the pod as holding the device."""


def keep(formed: AssembledDevice, spec: ResourceSpec, given: AssemblyContext) -> AssembledDevice | None:
    """None if it is time to forget a device. What a pod holds gets another grace period, since nobody tells its end."""
    if formed.is_healthy or given.held is None or given.now < formed.keep_until:
        return formed
    base = id_base(device_id(spec.resource, formed.identity, 0))
    if base in {id_base(id_) for id_ in given.held}:
        return replace(formed, keep_until=_renewed(given))
    if base in {id_base(id_) for id_ in given.fresh}:
        return replace(formed, keep_until=given.now + FRESH)
    return None


def remember(
    spec: ResourceSpec, previous: AssembledResource, formed: Iterable[AssembledDevice], given: AssemblyContext
) -> tuple[UnseenDevice, ...]:
    """What pods hold of our making, and no device is known for."""
    if not given.held and not previous.remembered:
        return ()
    described = {id_base(device_id(spec.resource, device.identity, 0)) for device in formed}
    remembered = {known.id: known for known in previous.remembered}
    for id_ in sorted(given.held or ()):
        known = remembered.get(id_)
        if known is None or known.keep_until <= given.now:
            remembered[id_] = UnseenDevice(id_, known.since if known else given.now, _renewed(given))
    return tuple(
        known
        for known in remembered.values()
        if (given.held is None or given.now < known.keep_until) and id_base(known.id) not in {*described, None}
    )


def under_grace_period(formation: AssembledResource, grace_period: float) -> AssembledResource:
    """A formation under another grace period, which counts from when a device went, whatever it was then."""
    formed = (one if one.is_healthy else replace(one, keep_until=one.since + grace_period) for one in formation.formed)
    return replace(formation, formed=tuple(formed))


def _renewed(given: AssemblyContext) -> float:
    return given.now + max(given.grace_period, MIN_ASK)
