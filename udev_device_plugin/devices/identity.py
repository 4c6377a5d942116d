"""The stable identity of a node or a USB device, and the IDs that the kubelet has for a device.

Pure. An ID must be the same after every kind of restart and after a replug, because the kubelet remembers pods' devices
by ID. It must be unique over all resources of the node, because the kubelet finds the pod of a device by the ID alone.
And a person should recognise it.
"""

import hashlib
import itertools
import re
from collections.abc import Callable

from udev_device_plugin.host.model import HostDevice, UsbDevice
from udev_device_plugin.host.topology import interface_and_kind, port, usb_port

MAX_ID_LENGTH = 63
"""The kubelet's limit on ``Device.ID``, in characters."""

MAX_NAME_LENGTH = 255
"""Of a file name, in bytes (NAME_MAX); a serial number may have as many."""

Identity = tuple[str, ...]
"""Identity of a device: those of its required device members, in the spec's order."""

_HASH_LENGTH = 10
_BY_SERIAL = re.compile(r"usb:[0-9a-f]{4}:[0-9a-f]{4}:serial=")
_NOT_IN_SLUG = re.compile(r"[^a-z0-9]+")
_PLACE = re.compile(r":(.*?)(?::(\d{1,9})\.(\d{1,9}))?(?:#(\d{1,9}))?", re.DOTALL)
"""The end of a node's identity: kind, configuration, interface, and number among its like (``:tty:1.0#7``)."""
_OUR_ID = re.compile(rf"[a-z0-9][a-z0-9-]*-([0-9a-f]{{{_HASH_LENGTH}}})-[0-9]+")


def node_identity(
    device: HostDevice,
    is_sole: Callable[[str], bool],
    is_free: Callable[[str], bool],
    has_unique_serial: Callable[[], bool],
) -> str:
    """The identity of a node of a physical device.

    Its ``by-id`` link if the hardware has a serial number; its serial number and its place in the USB device if other
    nodes of that USB device claim the link, too; else its ``by-path`` link; else its port.

    Args:
        device: the node's device.
        is_sole: whether no other device that is present claims a link.
        is_free: whether no other node that is present has an identity.
        has_unique_serial: whether all that claim its ``by-id`` link are nodes of its USB device, and no other USB
            device has its serial number.
    """
    if device.usb_device is not None and device.serial and has_unique_serial():
        identity = f"{usb_device_serial_identity(device.usb_device)}:{place_in_usb_device(device)}"
        if is_free(identity):
            return identity
    if (link := persistent_link(device, lambda link: is_sole(link) and is_free(link))) is not None:
        return link
    place = port(device)
    places = (f"{place}#{number}" if number else place for number in itertools.count(device.place))
    return next(filter(is_free, places))


def persistent_link(device: HostDevice, is_usable: Callable[[str], bool]) -> str | None:
    """The first usable ``by-id`` link, if the hardware has a serial number; else the first ``by-path`` link."""
    links = sorted(filter(is_usable, device.links))
    directories = ("/by-id/", "/by-path/") if device.serial else ("/by-path/",)
    return next((link for directory in directories for link in links if directory in link), None)


def usb_device_identity(usb_device: UsbDevice, *, is_sole: bool) -> str:
    """The identity of a USB device: by serial number if ``is_sole`` (no other one present has it), else by port."""
    by_port = f"usb:{usb_device.vendor}:{usb_device.product}:port={usb_port(usb_device)}"
    return (is_sole and usb_device_serial_identity(usb_device)) or by_port


def usb_device_serial_identity(usb_device: UsbDevice) -> str:
    """The identity of a USB device by its serial number; "" if it has none."""
    return f"usb:{usb_device.vendor}:{usb_device.product}:serial={usb_device.serial}" if usb_device.serial else ""


def physical_port_identity(name: str, usb_device: UsbDevice) -> str:
    """The identity of whatever is in a USB device's socket, by a name that all of it shares."""
    return f"usb:{name}:socket={usb_device.physical_port}"


def place_in_usb_device(device: HostDevice) -> str:
    """Which of its USB device's nodes a node is, whatever the port: interface and kind, ``tty:1.0``."""
    place = interface_and_kind(device)
    return f"{place}#{device.place}" if device.place else place


def order_of(place: str) -> tuple[object, ...]:
    """What places within a USB device are sorted by: ``:tty:1.0#7``, kind, interface, and number among its like."""
    matched = _PLACE.fullmatch(place)
    kind, *numbers = matched.groups(default="0") if matched is not None else (place, "0", "0", "0")
    names = [part.zfill(10) if part.isdigit() else part for part in re.split(r"(\d+)", kind)]
    return *map(int, numbers), names


def device_id(resource: str, identity: Identity, replica: int) -> str:
    """The ID of one replica of a device: ``ttyusb0-1f3a5c7e90-0``.

    At most 63 characters of ``[a-z0-9-]``: a slug of the identity for a person, a hash of resource and identity for
    uniqueness over the node's resources, the replica's number.
    """
    tail = f"-{digest(resource, *identity)}-{replica}"
    return slug(*identity)[: MAX_ID_LENGTH - len(tail)].rstrip("-") + tail


def own_link_name(identity: str) -> str:
    """The file name of the plugin's own link to the node with an identity.

    Containers that run were given it: it must never change, as an ID must not.
    """
    tail = f"-{digest(identity)}"
    return _plain(_last_name(identity))[: MAX_NAME_LENGTH - len(tail)].rstrip("-") + tail


def id_base(id_: str) -> str | None:
    """What the IDs of all replicas of a device have in common; None for an ID that this plugin did not make.

    That is the hash alone: a replica with a longer number has a shorter slug.
    """
    ours = _OUR_ID.fullmatch(id_)
    return ours[1] if ours and len(id_) <= MAX_ID_LENGTH else None


def shown_id(id_: str) -> str:
    """An ID that somebody else gave, for a text: quoted, and cut at the length that IDs have at most."""
    return repr(id_ if len(id_) <= MAX_ID_LENGTH else id_[:MAX_ID_LENGTH] + "…")


def digest(*parts: str) -> str:
    """A short hash of texts."""
    # NUL separates, since it is the one byte that no path contains.
    hashed = "\0".join(parts).encode("utf-8", "surrogateescape")
    return hashlib.sha256(hashed).hexdigest()[:_HASH_LENGTH]


def slug(*identity: str) -> str:
    """What a person recognises of an identity, in ``[a-z0-9-]``; never empty."""
    # A serial number is the hardware's own text: any character may stand in it.
    parts = (part if _BY_SERIAL.match(part) else _last_name(part) for part in identity)
    return _plain("-".join(parts))


def _last_name(part: str) -> str:
    return part.partition("@")[0].rsplit("/", 1)[-1]


def _plain(text: str) -> str:
    return _NOT_IN_SLUG.sub("-", text.lower()).strip("-") or "device"
