"""Under which identity what is there was offered, in files beside our own links: for the next process of the plugin.

Event loop only. A node keeps its identity for as long as it is there, over a restart of the plugin too.
Most identities could be worked out again; some come of what else was there when the node came: the first of two USB
devices with one serial number, a node that udevd had not finished with, partners of a zip. There is one file for each
resource, rewritten when something came or went; what it says counts within one boot, and for the same making of a node.
"""

import errno
import json
import logging
import re
import time
from typing import Any

from udev_device_plugin.config.specs import GroupSpec, ResourceSpec
from udev_device_plugin.devices.candidates import Candidate, NodeKey
from udev_device_plugin.devices.identity import Identity, digest
from udev_device_plugin.devices.model import AssembledDevice, AssembledResource
from udev_device_plugin.filesystem.own_directory import OwnDirectory
from udev_device_plugin.host.model import DeviceNumber

logger = logging.getLogger(__name__)

PREFIX = ".offered-"
"""How the files' names begin; no link of ours has such a name."""

MAX_FILE = 64 * 1024 * 1024
"""Bytes: more than 100,000 devices take."""

_NO_STAMP = 0
"""Where former releases wrote udevd's stamp of a node, and read this as "not known"."""

_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_NUMBER = re.compile(r"([bc])(\d{1,10}):(\d{1,10})")


class IdentityRecord:
    """Keeps the files in ``directory``."""

    def __init__(self, directory: OwnDirectory) -> None:
        self._directory = directory
        self._boot = _boot_id()
        self._written: dict[str, str] = {}
        self._lines: dict[str, dict[Identity, tuple[AssembledDevice, str]]] = {}
        self._is_failing = False

    def recall(self, spec: ResourceSpec) -> AssembledResource:
        """What was offered of a resource, as far as its groups ask for the same as then; nothing if nobody knows."""
        try:
            known = json.loads(self._directory.read(_name(spec.resource), MAX_FILE))
            if (known["boot"], known["resource"]) != (self._boot, spec.resource):
                return AssembledResource()
            groups = {_fingerprint(group): index for index, group in reversed(list(enumerate(spec.groups)))}
            now = time.monotonic()
            offered = [line for line in known["offered"] if line[0] in groups]
            devices = (_formed(line, groups[line[0]], now) for line in offered)
            return AssembledResource(
                tuple(formed for formed in devices if _can_be_of(formed, spec.groups[formed.group]))
            )
        except FileNotFoundError:
            return AssembledResource()
        except (OSError, ValueError, TypeError, LookupError, RecursionError) as error:
            logger.warning("%s: cannot be read, and is done without: %r", self._path(spec.resource), error)
            return AssembledResource()

    def keep(self, spec: ResourceSpec, formation: AssembledResource) -> None:
        """Have it known what is offered of a resource now."""
        before = self._lines.get(spec.resource, {})
        groups = [_fingerprint(group) for group in spec.groups]
        lines = self._lines[spec.resource] = {}
        for formed in formation.formed:
            if formed.is_healthy:
                known = before.get(formed.identity)
                is_known = known is not None and known[0] is formed
                lines[formed.identity] = known if known and is_known else (formed, _line(formed, groups[formed.group]))
        head = json.dumps({"boot": self._boot, "resource": spec.resource}).removesuffix("}")
        offered = ",\n".join(line for _, line in lines.values())
        text = f'{head}, "offered": [\n{offered}\n]}}\n'
        if text != self._written.get(spec.resource):
            self._written[spec.resource] = text
            self._write(spec.resource, text)

    def restore(self) -> None:
        """Make good what somebody else may have done to the directory."""
        for resource, text in self._written.items():
            if not self._directory.has(_name(resource)):
                self._write(resource, text)

    def _path(self, resource: str) -> str:
        return self._directory.path + _name(resource)

    def _write(self, resource: str, text: str) -> None:
        try:
            self._directory.write(_name(resource), text)
        except OSError as error:
            if not self._is_failing and error.errno != errno.EROFS:  # of that, sockets are the greater trouble
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
    """What a group asks for, in short."""
    return digest(*(text for selector, *others in group.asks_for for text in (selector.record, *map(str, others))))


def _can_be_of(formed: AssembledDevice, group: GroupSpec) -> bool:
    """Whether a device is made as the group makes them."""
    return bool(formed.identity) and group.grouping.can_be_of(formed, len(group.paths))


def _line(formed: AssembledDevice, group: str) -> str:
    members = [None if one is None else _member(one) for one in formed.members]
    return json.dumps([group, formed.identity, members, formed.member, formed.needs])


def _member(one: Candidate) -> list[Any]:
    number = None if one.node.number is None else str(one.node.number)
    node = [number, one.node.inode, one.node.path]
    texts = [
        one.identity,
        one.path,
        one.target,
        one.host_path,
        one.own_link,
        one.usb_device,
        one.usb_device_path,
        one.subsystem,
    ]
    return [node, one.numa_node, _NO_STAMP, *texts]


def _formed(line: Any, group: int, now: float) -> AssembledDevice:
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
    return Candidate(
        identity,
        path,
        NodeKey(None if number is None else _number(_text(number)), _whole(inode), _text(node_path)),
        target,
        host_path,
        None if numa_node is None else _whole(numa_node),
        own_link,
        usb_device,
        usb_device_path,
        subsystem,
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
