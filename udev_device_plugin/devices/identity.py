"""Which device is it: the stable identity of a node, and the ID that the kubelet knows a device by.

Pure. Any thread. An ID must be the same after every kind of restart and after a replug, because the kubelet remembers
pods' devices by ID; it must be unique over all resources of the node, because the kubelet finds the pod of a device by
the ID alone; and a person should recognise it.
"""

import hashlib
import itertools
import re
from collections.abc import Callable
from functools import lru_cache

from udev_device_plugin.host.model import HostDevice, UsbDevice
from udev_device_plugin.host.topology import interface_and_kind, port, usb_port

MAX_ID_LENGTH = 63
"""The kubelet's limit on ``Device.ID``, in characters."""

Identity = tuple[str, ...]
"""What makes a device itself: the identities of its required device members, in the spec's order."""

_HASH_LENGTH = 10
_MAX_IDS = 32768
"""IDs that are remembered: a list names all devices each time, and an ID takes two hashes and a slug."""
_NOT_IN_SLUG = re.compile(r"[^a-z0-9]+")
_OUR_ID = re.compile(rf"[a-z0-9][a-z0-9-]*-([0-9a-f]{{{_HASH_LENGTH}}})-[0-9]+")


def node_identity(
    device: HostDevice,
    is_sole: Callable[[str], bool],
    is_free: Callable[[str], bool],
    is_told_apart_by_serial: Callable[[], bool],
) -> str:
    """The identity of a node of a physical device.

    Its ``by-id`` link if the hardware has a serial number; if nodes of the same USB device claim that, too, its serial
    number and its place in the USB device; else its ``by-path`` link, else its port (see ``port``).

    Args:
        device: the node's device.
        is_sole: whether no other device that is present claims a link.
        is_free: whether no other node that is present is known by an identity.
        is_told_apart_by_serial: whether only nodes of the same USB device claim its ``by-id`` link, too, and no other
            USB device has its serial number.
    """
    if device.usb_device is not None and device.serial and is_told_apart_by_serial():
        identity = f"{usb_device_serial_identity(device.usb_device)}:{place_in_usb_device(device)}"
        if is_free(identity):
            return identity
    if (link := persistent_link(device, lambda link: is_sole(link) and is_free(link))) is not None:
        return link
    place = port(device)
    places = (f"{place}#{number}" if number else place for number in itertools.count(device.place))
    return next(filter(is_free, places))


def persistent_link(device: HostDevice, is_its_own: Callable[[str], bool]) -> str | None:
    """The link that means the device wherever it is (``by-id``), else the one that means its port; None for none."""
    links = sorted(filter(is_its_own, device.links))
    for directory in ("/by-id/", "/by-path/") if device.serial else ("/by-path/",):
        for link in links:
            if directory in link:
                return link
    return None


def usb_device_identity(usb_device: UsbDevice, *, is_sole: bool) -> str:
    """The identity of a USB device: its serial number if no other one that is present has it, too; else its port."""
    by_serial = usb_device_serial_identity(usb_device)
    return (
        by_serial
        if is_sole and by_serial
        else f"usb:{usb_device.vendor}:{usb_device.product}:port={usb_port(usb_device)}"
    )


def usb_device_serial_identity(usb_device: UsbDevice) -> str:
    """The identity of a USB device by its serial number; "" if it has none."""
    return f"usb:{usb_device.vendor}:{usb_device.product}:serial={usb_device.serial}" if usb_device.serial else ""


def place_in_usb_device(device: HostDevice) -> str:
    """Which of its USB device's nodes a node is: its interface and kind, wherever that is plugged: ``tty:1.0``."""
    place = interface_and_kind(device)
    return f"{place}#{device.place}" if device.place else place


@lru_cache(maxsize=_MAX_IDS)
def device_id(resource: str, identity: Identity, replica: int) -> str:
    """The kubelet's ID of one replica of a device: ``ttyusb0-1f3a5c7e90-0``.

    At most 63 characters of ``[a-z0-9-]``: a slug of the identity for a person, a hash of resource and identity for
    uniqueness over the node's resources, the replica's number.
    """
    tail = f"-{digest(resource, *identity)}-{replica}"
    return slug(*identity)[: MAX_ID_LENGTH - len(tail)].rstrip("-") + tail


def id_base(id_: str) -> str | None:
    """What all replicas of a device have in common in their IDs; None for an ID that is not of our making.

    That is the hash alone: a replica with a longer number has a shorter slug.
    """
    ours = _OUR_ID.fullmatch(id_)
    return ours[1] if ours and len(id_) <= MAX_ID_LENGTH else None


def digest(*parts: str) -> str:
    """A short hash of names."""
    # NUL separates, since it is the one byte that no path holds.
    hashed = "\0".join(parts).encode("utf-8", "surrogateescape")
    return hashlib.sha256(hashed).hexdigest()[:_HASH_LENGTH]


def slug(*identity: str) -> str:
    """What a person recognises of an identity, in ``[a-z0-9-]``; never empty."""
    names = "-".join(part.partition("@")[0].rsplit("/", 1)[-1] for part in identity)
    return _NOT_IN_SLUG.sub("-", names.lower()).strip("-") or "device"
