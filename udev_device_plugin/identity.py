"""Which device is it: the stable identity of a device, and the ID that the kubelet knows it by.

Floor 2, pure. An ID must be the same after every kind of restart, because the kubelet remembers pods' devices by ID;
it must be unique over all resources of the node, because the kubelet finds the pod of a device by the ID alone; and a
person should recognise it.
"""

import hashlib
import re

MAX_ID_LENGTH = 63
"""The kubelet's limit on ``Device.ID``, in characters."""

Identity = tuple[str, ...]
"""What makes a device itself: the identities of its required device members, in the spec's order."""

_HASH_LENGTH = 10
_NOT_IN_SLUG = re.compile(r"[^a-z0-9]+")


def device_id(resource: str, identity: Identity, replica: int) -> str:
    """The kubelet's ID of one replica of a device: ``ttyusb0-1f3a5c7e90-0``.

    At most 63 characters of ``[a-z0-9-]``: a slug of the identity for a person, a hash of resource and identity for
    uniqueness over the node's resources, the replica's number.
    """
    # NUL separates, since it is the one byte that no path holds.
    hashed = "\0".join((resource, *identity)).encode("utf-8", "surrogateescape")
    tail = f"-{hashlib.sha256(hashed).hexdigest()[:_HASH_LENGTH]}-{replica}"
    return _slug(identity)[: MAX_ID_LENGTH - len(tail)].rstrip("-") + tail


def _slug(identity: Identity) -> str:
    names = "-".join(part.rsplit("/", 1)[-1] for part in identity)
    return _NOT_IN_SLUG.sub("-", names.lower()).strip("-") or "device"
