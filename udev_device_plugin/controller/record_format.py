"""The text of a file of the identity record.

Pure. The text is untrusted: it may be cut, changed, or somebody else's. A checksum in its first line tells accidents;
what stands behind it is checked all the same. Of paths it has those that are compared with what is found (matched
paths, places in sysfs), and those of groups as they were configured, which say what is kept for the pods that hold it
and is never handed out anew. Links, and what they lead to, are derived from the identity, and never read.

Every format from 2 on begins with that line. Format 1, which has none, is that of earlier versions: read, not written.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from udev_device_plugin.devices.assembled import AssembledDevice
from udev_device_plugin.devices.candidates import Candidate, NodeKey
from udev_device_plugin.devices.identity import own_link_name
from udev_device_plugin.filesystem import bounded_json
from udev_device_plugin.host.model import DeviceNumber

FORMAT = 2

_HEAD = re.compile(rb"udev-device-plugin record ([0-9]{1,9}) sha256:([0-9a-f]{64})\n")
_NUMBER = re.compile(r"([bc])([0-9]{1,10}):([0-9]{1,10})")
_MAX_TEXT = 4096
"""Characters of an identity or a path: the kernel's limit of paths."""
_MAX_COUNT = 10_000
"""Nodes of one USB device, and members of a device: far beyond any."""
_MAX_NUMA_NODE = 1023
"""The kernel's own limit (``CONFIG_NODES_SHIFT``)."""


class RecordError(ValueError):
    """The text is no record, or was changed."""


class NewerRecordError(RecordError):
    """The record is of a newer release."""


@dataclass(frozen=True, slots=True)
class Offered:
    """A device that was offered.

    Attributes:
        group: fingerprint of what its group selects.
        device: itself; which group of the spec that is, is not known here.
        entry: which of the group's entries selects it; not 0 only where an earlier version had several in one group.
    """

    group: str
    device: AssembledDevice
    entry: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """What a file says: in which boot (its id) a resource offered which devices, present ones and absent ones.

    Attributes:
        groups: what the groups of the devices were configured as, by fingerprint (`config.specs.GroupSpec.written`).
        exclude: fingerprint of what the spec excluded; "" for nothing.
    """

    boot: str
    resource: str
    offered: tuple[Offered, ...]
    groups: tuple[tuple[str, str], ...] = ()
    exclude: str = ""


def to_bytes(record: Record) -> bytes:
    """Return the content of a file, a device a line."""
    texts = {"boot": record.boot, "resource": record.resource, "exclude": record.exclude}
    head = json.dumps({**texts, "groups": dict(record.groups)})
    lists = (
        f', "{key}": [\n' + ",\n".join(_line(one) for one in record.offered if one.device.is_healthy is healthy) + "\n]"
        for key, healthy in (("offered", True), ("absent", False))
    )
    body = (head.removesuffix("}") + "".join(lists) + "}\n").encode("ascii")
    return b"udev-device-plugin record %d sha256:%s\n%s" % (FORMAT, _checksum(FORMAT, body), body)


def from_bytes(content: bytes, links_directory: str, now: float) -> Record:
    """Return what the content of a file says.

    Args:
        content: of the file.
        links_directory: where the plugin's own links are; with a trailing slash.
        now: monotonic seconds.

    Raises:
        RecordError: it says nothing that can be used.
    """
    head = _HEAD.match(content)
    body = content[head.end() :] if head else content
    if head and _checksum(int(head[1]), body) != head[2]:
        raise RecordError("its checksum is wrong")
    if head and int(head[1]) > FORMAT:
        raise NewerRecordError(f"a newer release has written it, in format {int(head[1])}")
    try:
        document = bounded_json.loads(body)
        member_of = _member if head else _member_of_format_1
        return Record(
            _text(document["boot"]),
            _text(document["resource"]),
            tuple(
                _offered(line, member_of, links_directory, now, is_healthy=key == "offered")
                for key in ("offered", "absent")
                for line in _list(document["offered"] if key == "offered" else document.get(key, []))
            ),
            tuple((_text(name), _written(text)) for name, text in document.get("groups", {}).items()),
            _text(document.get("exclude", "")),
        )
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise RecordError(f"it makes no sense: {error!r:.200}") from error


def _checksum(number: int, body: bytes) -> bytes:
    """Return the checksum of a record of format ``number``."""
    return hashlib.sha256(b"%d\n%s" % (number, body)).hexdigest().encode()


def _line(offered: Offered) -> str:
    device = offered.device
    members = [None if one is None else _values(one) for one in device.members]
    return json.dumps([offered.group, device.identity, members, offered.entry, device.needs])


def _values(one: Candidate) -> list[Any]:
    number = None if one.node.number is None else str(one.node.number)
    node = [number, one.node.inode, one.node.path]
    of_usb_device = [one.usb_device, one.usb_device_path, one.subsystem]
    return [one.identity, one.path, node, one.numa_node, bool(one.own_link), *of_usb_device]


def _offered(
    line: Any, member_of: Callable[[Any, str], Candidate], links_directory: str, now: float, *, is_healthy: bool
) -> Offered:
    group, identity, members, entry, needs = _list(line)
    candidates = tuple(None if one is None else member_of(one, links_directory) for one in _list(members))
    device = AssembledDevice(
        tuple(map(_text, _list(identity))),
        0,
        candidates,
        is_healthy,
        now,
        needs=tuple((_text(subsystem), _whole(count)) for subsystem, count in map(_list, _list(needs))),
    )
    names = {name for one in candidates if one is not None for name in (one.identity, one.usb_device)}
    if not device.identity or not names.issuperset(device.identity):
        raise RecordError("a device is known by what is none of its members")
    return Offered(_text(group), device, _whole(entry))


def _member(values: Any, links_directory: str) -> Candidate:
    identity, path, node, numa_node, has_own_link, *of_usb_device = _list(values)
    if not isinstance(has_own_link, bool):
        raise TypeError(has_own_link)
    return _candidate(node, numa_node, (identity, path, *of_usb_device), links_directory if has_own_link else "")


def _member_of_format_1(values: Any, links_directory: str) -> Candidate:
    node, numa_node, _, identity, path, _, _, own_link, *of_usb_device = _list(values)
    return _candidate(node, numa_node, (identity, path, *of_usb_device), links_directory if own_link else "")


def _candidate(node: Any, numa_node: Any, texts: Iterable[Any], links_directory: str) -> Candidate:
    """Return a member without a host path; it has a link of the plugin's own if a ``links_directory`` is given."""
    identity, path, usb_device, usb_device_path, subsystem = map(_text, texts)
    number, inode, node_path = _list(node)
    return Candidate(
        identity,
        path,
        NodeKey(None if number is None else _number(_text(number)), _whole(inode, 2**64 - 1), _text(node_path)),
        target="",
        host_path="",
        numa_node=None if numa_node is None else _whole(numa_node, _MAX_NUMA_NODE),
        own_link=links_directory and links_directory + own_link_name(identity),
        usb_device=usb_device,
        usb_device_path=usb_device_path,
        subsystem=subsystem,
    )


def _number(text: str) -> DeviceNumber:
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return DeviceNumber("c" if match[1] == "c" else "b", int(match[2]), int(match[3]))


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(value)
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    value.encode("utf-8", "surrogateescape")  # raises for half a character; bytes that are no UTF-8 may occur
    if "\0" in value or len(value) > _MAX_TEXT:
        raise ValueError(value)
    return value


def _written(value: Any) -> str:
    """Return what a group was configured as, which is read as a configuration is."""
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _whole(value: Any, maximum: int = _MAX_COUNT) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= maximum:
        raise TypeError(value)
    return value
