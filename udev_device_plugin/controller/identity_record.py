"""Files with the identities that devices were offered under, for the next process of the plugin.

Event loop only. A node keeps its identity while it is present, also over a restart of the plugin. Most identities could
be computed again; some depend on what else was present when the node appeared: the first of two USB devices with one
serial number, a node that udevd had not finished with, the members of a zipped device. There is one file for each
resource. It counts within one boot, and for nodes with the same number and inode.
"""

import errno
import json
import logging
import re
import time
from typing import Any

from udev_device_plugin.config.specs import GroupSpec, ResourceSpec
from udev_device_plugin.devices.assembled import AssembledDevice, AssembledResource
from udev_device_plugin.devices.candidates import Candidate, NodeKey
from udev_device_plugin.devices.identity import digest
from udev_device_plugin.filesystem.own_directory import RECORD, OwnDirectory, UnusableDirectoryError
from udev_device_plugin.host.model import DeviceNumber

logger = logging.getLogger(__name__)

PREFIX = ".offered-"
"""How the files' names begin; the plugin's own links have other names."""

MAX_FILE = 64 * 1024 * 1024
"""Bytes: more than 100,000 devices take."""

_NO_STAMP = 0
"""In the place of udevd's stamp of a node, which former releases wrote; they read this as "not known"."""

_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_NUMBER = re.compile(r"([bc])(\d{1,10}):(\d{1,10})")


class IdentityRecord:
    """Keeps the files in ``directory``."""

    def __init__(self, directory: OwnDirectory) -> None:
        self._directory = directory
        self._boot = _boot_id()
        self._written: dict[str, str] = {}
        self._is_failing = False

    def recall(self, spec: ResourceSpec) -> AssembledResource:
        """Return what a resource offered by groups that select the same now; nothing if that is not known."""
        try:
            known = json.loads(self._directory.read(_name(spec.resource), MAX_FILE))
            if (known["boot"], known["resource"]) != (self._boot, spec.resource):
                return AssembledResource()
            groups = {_fingerprint(group): index for index, group in reversed(list(enumerate(spec.groups)))}
            now = time.monotonic()
            offered = [line for line in known["offered"] if line[0] in groups]
            devices = (_device(line, groups[line[0]], now) for line in offered)
            return AssembledResource(
                tuple(device for device in devices if _can_be_of(device, spec.groups[device.group]))
            )
        except FileNotFoundError:
            return AssembledResource()
        except (OSError, ValueError, TypeError, LookupError, RecursionError) as error:
            logger.warning("%s: cannot be read, and is done without: %r", self._path(spec.resource), error)
            return AssembledResource()

    def keep(self, spec: ResourceSpec, assembled: AssembledResource) -> None:
        """Write down what a resource offers now."""
        groups = [_fingerprint(group) for group in spec.groups]
        lines = [_line(device, groups[device.group]) for device in assembled.devices if device.is_healthy]
        head = json.dumps({"boot": self._boot, "resource": spec.resource}).removesuffix("}")
        text = head + ', "offered": [\n' + ",\n".join(lines) + "\n]}\n"
        if text != self._written.get(spec.resource):
            self._written[spec.resource] = text
            self._write(spec.resource, text)

    def restore(self) -> None:
        """Write the files again that another program removed."""
        for resource, text in self._written.items():
            if not self._has(resource):
                self._write(resource, text)

    def _path(self, resource: str) -> str:
        return self._directory.path + _name(resource)

    def _has(self, resource: str) -> bool:
        try:
            return self._directory.has(_name(resource), RECORD)
        except OSError:  # which the attempt to write it reports
            return False

    def _write(self, resource: str, text: str) -> None:
        try:
            self._directory.write(_name(resource), text.encode("ascii"))
        except OSError as error:
            # A read-only directory keeps the sockets from being made, which is reported.
            is_known = error.errno == errno.EROFS or isinstance(error, UnusableDirectoryError)
            if not (self._is_failing or is_known):
                logger.warning(
                    "%s: cannot be written, so some IDs may change with a restart: %s",
                    self._path(resource),
                    error.strerror,
                )
            self._is_failing = True
        else:
            self._is_failing = False


def _name(resource: str) -> str:
    return f"{PREFIX}{digest(resource)}.json"


def _boot_id() -> str:
    try:
        with open(_BOOT_ID, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def _fingerprint(group: GroupSpec) -> str:
    """Return a hash of what a group selects."""
    return digest(*(text for selector, *others in group.asks_for for text in (selector.record, *map(str, others))))


def _can_be_of(device: AssembledDevice, group: GroupSpec) -> bool:
    """Whether the group can have made such a device."""
    return bool(device.identity) and group.grouping.can_be_of(device, len(group.paths))


def _line(device: AssembledDevice, group: str) -> str:
    members = [None if one is None else _member(one) for one in device.members]
    return json.dumps([group, device.identity, members, device.member, device.needs])


def _member(one: Candidate) -> list[Any]:
    number = None if one.node.number is None else str(one.node.number)
    texts = [one.identity, one.path, one.target, one.host_path, one.own_link]
    usb_texts = [one.usb_device, one.usb_device_path, one.subsystem]
    return [[number, one.node.inode, one.node.path], one.numa_node, _NO_STAMP, *texts, *usb_texts]


def _device(line: Any, group: int, now: float) -> AssembledDevice:
    _, identity, members, member, needs = line
    return AssembledDevice(
        tuple(map(_text, identity)),
        group,
        tuple(None if one is None else _candidate(one) for one in members),
        True,
        now,
        member=_whole(member),
        needs=tuple((_text(subsystem), _whole(count)) for subsystem, count in needs),
    )


def _candidate(values: Any) -> Candidate:
    (number, inode, node_path), numa_node, _, *texts = values
    identity, path, target, host_path, own_link, usb_device, usb_device_path, subsystem = map(_text, texts)
    node = NodeKey(None if number is None else _number(_text(number)), _whole(inode), _text(node_path))
    numa_node = None if numa_node is None else _whole(numa_node)
    return Candidate(
        identity, path, node, target, host_path, numa_node, own_link, usb_device, usb_device_path, subsystem
    )


def _number(text: str) -> DeviceNumber:
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return DeviceNumber("c" if match[1] == "c" else "b", int(match[2]), int(match[3]))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _whole(value: Any) -> int:
    if not isinstance(value, int):
        raise TypeError(value)
    return value
